"""The trade of asking a provider, off the hot path: what it holds, and what became of a message.

    UnansweredError      nobody answered, or with something else; the words are for people
      RefusedError       the provider refused to answer, by its HTTP status and its own code

Subclass `Account`, set it as the channel's `account`, and raise what comes: `Channel` makes the best of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urljoin

from dispatcher.core.outcome import Misconfigured
from dispatcher.spi.codes import ErrorTable
from dispatcher.spi.http import AmbiguousError, HttpClient, NotSentError
from dispatcher.spi.messages import Absent, Check, Found, LookupQuery, LookupResult, TemplateResult, Undecided

BEFORE_S: Final = 60
"""How far a provider's clock may be behind the database's."""
AFTER_S: Final = 180
_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")

ODD: Final = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)
"""What comes of reading a record that is not as documented."""

AnswerT = TypeVar("AnswerT")
Record = dict[str, Any]
Finding = tuple[str, str]
"""What a check found, and what to do about it: "" where all is well."""
Question = Callable[[], Awaitable[Finding]]


class UnansweredError(Exception):
    """Its words hold no secret, and nothing of the answer. `fix`: what to do about it."""

    def __init__(self, detail: str, fix: str = "") -> None:
        super().__init__(detail)
        self.fix = fix

    def as_check(self, name: str) -> Check:
        return Check(name, False, str(self), self.fix)


class RefusedError(UnansweredError):
    """`code`: the provider's, "" where it gave none."""

    def __init__(self, status: int, code: str, fix: str) -> None:
        super().__init__(f"refused with HTTP {status}" + (f", code {code}" if code else ""), fix)
        self.status = status
        self.code = code


class Account:
    """What one provider holds for one sender. Its answers may raise, in any way: who asks makes the best of that.

    `provider`: its name for people. `hint`: where people find the credentials, for when they are refused.
    """

    provider: ClassVar[str]
    hint: ClassVar[str]
    error_table: ClassVar[ErrorTable] = ErrorTable({})

    def __init__(self, http: HttpClient, headers: Mapping[str, str]) -> None:
        """`headers` hold the credentials."""
        self._http = http
        self.headers = headers

    async def look_up(self, query: LookupQuery) -> LookupResult:
        """As `Channel.lookup`."""
        return Undecided("this channel has no look-up")

    async def template(self, template_id: str) -> TemplateResult:
        """As `Channel.template`."""
        return Undecided("this channel cannot ask for templates")

    def questions(self) -> Mapping[str, Question]:
        """What `check` asks, by the names of its lines. Where the first fails, the others would only repeat it."""
        return {}

    async def check(self) -> Sequence[Check]:
        """As `Channel.check`."""
        lines: list[Check] = []
        for name, question in self.questions().items():
            lines.append(await self._line(name, question))
            if not lines[0].ok:
                break
        return lines

    async def _line(self, name: str, question: Question) -> Check:
        try:
            detail, fix = await question()
            return Check(name, not fix, detail, fix)
        except UnansweredError as error:
            return error.as_check(name)
        except ODD:
            return Check(name, False, f"the answer is not {self.provider}'s", "look at base_url")

    def code_of(self, refusal: Record) -> str:
        """The provider's code in an answer, "" where it is none that refuses."""
        return str(refusal.get("code") or "")

    async def get(self, url: str) -> Record:
        """The JSON object there. UnansweredError; RefusedError also for a 200 that holds a code."""
        try:
            response = await self._http.request("GET", url, headers=self.headers)
        except (NotSentError, AmbiguousError) as error:
            fix = "look at base_url, the network and the firewall"
            raise UnansweredError(f"no connection to {self.provider} ({error})", fix) from None
        record = response.record()
        code = self.code_of(record)
        if response.status != 200 or code:
            raise RefusedError(response.status, code, self._fix(response.status, code))
        if not record:
            raise UnansweredError(f"the answer is not {self.provider}'s", "look at base_url")
        return record

    def _fix(self, status: int, code: str) -> str:
        sentence = self.error_table.explain(code, "en")
        if status in (401, 403) or isinstance(self.error_table.outcome(code), Misconfigured):
            return f"{sentence} {self.hint}".lstrip()
        return sentence or (f"look up {code} in the documentation of {self.provider}" if code else "look at base_url")

    async def pages(self, base_url: str, url: str, following: str, most: int = 5) -> AsyncIterator[Record]:
        """The page at `url` and those after it. `following`: the name under which a page says where the next one is.

        Never on another host, for the credentials would go there. UnansweredError where there are more than `most`.
        """
        for _ in range(most):
            page = await self.get(url)
            yield page
            if not page.get(following):
                return
            url = urljoin(f"{base_url}/", str(page[following]).lstrip("/"))
            if not url.startswith(f"{base_url}/"):
                raise UnansweredError("the list's next page is on another host")
        raise UnansweredError("the list is too long to be read")


async def or_undecided(asked: Awaitable[AnswerT]) -> AnswerT | Undecided:
    """What goes wrong on the wire, refusals, and records that are not as documented, are no answer."""
    try:
        return await asked
    except UnansweredError as error:
        return Undecided(f"{error}: {error.fix}" if error.fix else str(error))
    except ODD:
        return Undecided("a record that is not as documented")


# Templates that a provider holds


def digest_of(content: object) -> str:
    """Of what shapes a template, for `HeldTemplate.digest`: the same for the same JSON, in whatever order it came."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def placeholders(content: object) -> list[str]:
    """The names in `{{…}}`, in every text of a JSON document, however deep it keeps it, in order."""
    return [name for text in _texts(content) for name in _PLACEHOLDER.findall(text)]


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from _texts(value)


# Messages that a provider lists


@dataclass(frozen=True, slots=True)
class Listed:
    """One of our messages to a person in a provider's list. `text`: "" where the provider has forgotten it."""

    found: Found
    created_s: float
    text: str = field(repr=False)


def recognised(query: LookupQuery, listed: Iterable[Listed]) -> LookupResult:
    """Which of them the attempt became, where the provider does not give `ref` back: by text and time.

    A template's text is the provider's, and a forgotten text is gone: any message of that time may be it.
    """
    text = None if query.text is None else query.text.strip()
    possible = [one for one in listed if _is_near(one, query) and (text is None or one.text.strip() in ("", text))]
    if not possible:
        return Absent()
    if len(possible) == 1 and (text is None or possible[0].text):
        return possible[0].found
    return Undecided(f"{len(possible)} messages could be it")


def _is_near(one: Listed, query: LookupQuery) -> bool:
    until_us = query.begun_us if query.until_us is None else query.until_us
    return query.begun_us / 1_000_000 - BEFORE_S <= one.created_s <= until_us / 1_000_000 + AFTER_S
