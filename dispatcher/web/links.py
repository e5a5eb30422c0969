"""`/l/<token>`: the recipient's page. Bare ASGI like the hooks, since one message may bring thousands at once.

200  the page          303  after an answer, back to the page          404  no such link
405  another method    410  the link, the session or the person is gone
429  too many wrong links from one source                              503  the database is away

GET and HEAD never change an answer or a consent: previews and scanners follow every link. The token is in no log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from dispatcher.core.errors import UnavailableError
from dispatcher.operations.context import Context
from dispatcher.operations.linking import link_base
from dispatcher.operations.logs import log
from dispatcher.operations.recipient_page import RecipientPages
from dispatcher.operations.recipient_view import Page, State
from dispatcher.web.body import BodyError, BodyReader, Receive, Scope, Send
from dispatcher.web.lookups import Lookups
from dispatcher.web.metrics import PAGES
from dispatcher.web.page import POLICY, calendar_entry, door_image, notice_html, page_html
from dispatcher.web.visitors import Misses, is_program, source_of

PREFIX: Final = "/l/"
_LONGEST_TOKEN: Final = 64
_HTML: Final = b"text/html; charset=utf-8"
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"x-robots-tag", b"noindex, nofollow"),
)
_DOT: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00"
    b"\x01\x00\x00\x02\x01D\x00;"
)
_ACTS: Final = ("jawab", "berhenti", "lanjut")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: bytes = _HTML
    more: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """`part`: what stands behind the token."""

    token: str
    part: str
    language: str
    method: str
    is_program: bool


class Links:
    """An ASGI application for everything under `/l/`."""

    def __init__(self, context: Context, body: BodyReader | None = None, misses: Misses | None = None) -> None:
        self._pages = RecipientPages(context)
        self._lookups = Lookups(self._pages)
        self._settings = context.settings.links
        self._host = urlsplit(link_base(context.environment)).hostname or ""
        self._body = body or BodyReader()
        self._misses = misses or Misses()

    def close(self) -> None:
        self._lookups.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = _asked(scope)
        try:
            answer = await self._answer(asked, scope, receive)
        except BodyError as refused:
            answer = Answer(refused.status)
        except UnavailableError:
            answer = _notice(503, "away", asked, ((b"retry-after", b"5"),))
        except Exception as error:
            log.error("page-failed", part=asked.part if asked.part in _ACTS else "", exc_info=error)
            answer = _notice(500, "away", asked)
        PAGES.labels(str(answer.status)).inc()
        if answer.status:
            await _send(send, answer, head=asked.method == "HEAD")

    async def _answer(self, asked: Asked, scope: Scope, receive: Receive) -> Answer:
        source = source_of(scope.get("client"), scope["headers"], self._settings.trusted_proxies)
        if self._misses.are_too_many(source):
            return _notice(429, "many", asked, ((b"retry-after", b"60"),))
        if asked.method not in ("GET", "HEAD", "POST"):
            return Answer(405, more=((b"allow", b"GET, HEAD, POST"),))
        found = await (self._act(asked, scope, receive) if asked.method == "POST" else self._show(asked))
        if found is None:
            self._misses.note(source)
            return _notice(404, "unknown", asked)
        return found

    async def _show(self, asked: Asked) -> Answer | None:
        page = await self._lookups.look(asked.token)
        if page is None:
            return None
        match asked.part:
            case "":
                return await self._whole(asked, page)
            case "titik.gif":
                await self._see(asked, page)
                return Answer(200, _DOT, b"image/gif")
            case "kode.svg" if page.door_code:
                return Answer(200, door_image(page.door_code), b"image/svg+xml")
            case "acara.ics" if page.event is not None and page.state == "open":
                named = (b"content-disposition", b'attachment; filename="acara.ics"')
                entry = calendar_entry(page.event, page.campaign.owner, self._host)
                return Answer(200, entry, b"text/calendar; charset=utf-8; method=PUBLISH", (named,))
            case part if part in _ACTS or part == "/":
                return _back(asked)  # somebody went back to what is only posted
            case _:
                return _notice(404, "unknown", asked)

    async def _whole(self, asked: Asked, page: Page) -> Answer:
        if asked.is_program and not page.is_previewed:
            await self._see(asked, page)
        if page.state == "gone":
            return _notice(410, "gone", asked)
        html = page_html(page, asked.token, asked.language, self._settings.contact)
        return Answer(200 if page.state == "open" else 410, html)

    async def _see(self, asked: Asked, page: Page) -> None:
        """A visit is what fetches the picture of the page: scanners fetch the page alone."""
        if asked.is_program or not page.is_visited or page.is_shared:
            await self._lookups.see(asked.token, is_program=asked.is_program)

    async def _act(self, asked: Asked, scope: Scope, receive: Receive) -> Answer | None:
        said = await self._body.read(scope, receive)
        act = self._act_of(asked, said)
        if act is None:
            return Answer(405, more=((b"allow", b"GET, HEAD"),))
        state = await self._lookups.act(act)
        if state is None:
            return None
        if state == "gone":
            return _notice(410, "gone", asked)
        return _back(asked)

    def _act_of(self, asked: Asked, said: bytes) -> Callable[[], State | None] | None:
        match asked.part:
            case "jawab":
                chosen = _field(said, "jawaban")
                return lambda: self._pages.answer(asked.token, chosen)
            case "berhenti":
                return lambda: self._pages.stop(asked.token)
            case "lanjut":
                return lambda: self._pages.undo(asked.token)
            case _:
                return None


def _asked(scope: Scope) -> Asked:
    rest = scope["path"][len(PREFIX) :]
    token, slash, part = rest.partition("/")
    token = token[:_LONGEST_TOKEN].rstrip(".,;:!?)]}'\"*_")  # what ends the sentence around a link
    query = scope["query_string"].decode("latin-1")
    language = "en" if "lang=en" in query else "id" if "lang=id" in query else ""
    method = scope["method"]
    return Asked(token, part or slash, language, method, is_program(method, scope["headers"]))


def _field(form: bytes, name: str) -> str:
    """ "" where it is not there, or the form is none of ours."""
    try:
        fields = parse_qs(form.decode("latin-1"), max_num_fields=10) if len(form) < 1000 else {}
    except ValueError:
        return ""
    return fields.get(name, [""])[0]


def _notice(status: int, kind: str, asked: Asked, more: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return Answer(status, notice_html(kind, asked.language or "id"), more=more)


def _back(asked: Asked) -> Answer:
    """To the page, wherever a proxy has put it."""
    query = f"?lang={asked.language}" if asked.language else ""
    return Answer(303, more=((b"location", f"../{asked.token}{query}".encode()),))


async def _send(send: Send, answer: Answer, *, head: bool) -> None:
    headers: list[Any] = [*_HEADERS, *answer.more, (b"content-length", b"%d" % len(answer.body))]
    if answer.body:
        headers.append((b"content-type", answer.content_type))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
