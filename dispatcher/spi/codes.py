"""A provider's codes as data: `errors.toml` beside the adapter.

    [21610]
    class = "opted_out"          # what happened, where the code answers a send: the outcomes of outcome.py
    reason = "opted_out"         # our reason, where it comes in a receipt
    retry_after_s = 86400        # only with not_sent and throttled: the earliest useful time
    en = "The recipient opted out."
    id = "Penerima sudah berhenti berlangganan."
    also = ["21611"]             # other codes that say the same

Providers warn that codes come and go: a code that is not here is no error, `outcome` answers None for it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dispatcher.core.outcome import (
    Ambiguous,
    Filtered,
    Misconfigured,
    NotSent,
    OptedOut,
    Outcome,
    Rejected,
    Throttled,
    Unsupported,
)
from dispatcher.core.status import Reason, Status
from dispatcher.spi.http import HttpResponse, classify_status, retry_after_s
from dispatcher.spi.messages import Found, Receipt


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One entry. `kind` is its `class`; `sentences` by language."""

    code: str
    kind: str
    reason: Reason
    retry_after_s: float | None
    sentences: Mapping[str, str]

    @property
    def suppresses(self) -> bool:
        """Whether the person stopped this sender."""
        return self.kind == "opted_out"


_OUTCOMES: Final[dict[str, Callable[[ErrorCode, float | None], Outcome]]] = {
    "rejected": lambda entry, _: Rejected(entry.reason, entry.code),
    "opted_out": lambda entry, _: OptedOut(entry.code),
    "unsupported": lambda entry, _: Unsupported(f"code {entry.code}"),
    "filtered": lambda entry, _: Filtered(entry.code),
    "throttled": lambda entry, asked_s: Throttled(asked_s or entry.retry_after_s, entry.code),
    "not_sent": lambda entry, asked_s: NotSent(entry.code, retry_after_s=asked_s or entry.retry_after_s),
    "misconfigured": lambda entry, _: Misconfigured(entry.code),
    "ambiguous": lambda entry, _: Ambiguous(entry.code),
}


class ErrorTable(Mapping[str, ErrorCode]):
    """Code → entry. Read once, when the adapter is imported."""

    def __init__(self, entries: Mapping[str, ErrorCode]) -> None:
        self._entries = dict(entries)

    @classmethod
    def load(cls, path: Path) -> ErrorTable:
        """Raises ValueError that names the file and the code where an entry is wrong."""
        return cls.of(tomllib.loads(path.read_text(encoding="utf-8")), path.name)

    @classmethod
    def of(cls, tables: Mapping[str, Any], name: str) -> ErrorTable:
        """The same from another source, called `name` where an entry is wrong (ValueError)."""
        return cls({code: _entry(name, code, table) for key, table in tables.items() for code in _codes(key, table)})

    def __getitem__(self, code: str) -> ErrorCode:
        return self._entries[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def outcome(self, code: str, asked_s: float | None = None) -> Outcome | None:
        """What a refusal with this code means, None for a code that is not listed. `asked_s`: its `Retry-After`."""
        entry = self._entries.get(code)
        return _OUTCOMES[entry.kind](entry, asked_s) if entry else None

    def refusal(self, response: HttpResponse, code: str) -> Outcome:
        """What an answer that is no success means: its status where that settles it, then its code.

        A 429 was never processed, whatever else it says; a 5xx may have been, whatever else it says. A refusal with a
        code that is not listed is this message's; one without any code may not even be the provider's.
        """
        common = classify_status(response)
        if isinstance(common, Throttled):
            return Throttled(common.retry_after_s, code or common.code)
        if isinstance(common, Ambiguous):
            return common
        listed = self.outcome(code, retry_after_s(response)) or common
        if listed is not None:
            return listed
        if code and response.status >= 400:
            return Rejected(Reason.PROVIDER, code, "refused with a code that is not in errors.toml")
        if response.status in (404, 405):
            return Misconfigured(str(response.status), "there is no such address at this base_url")
        return Ambiguous(str(response.status), "an answer that is not documented")

    def dead(self, code: str) -> OptedOut | Rejected:
        """What a message means that was created, and has failed at once. It has an id: it is never sent again."""
        entry = self._entries.get(code)
        if entry and entry.suppresses:
            return OptedOut(code)
        return Rejected(entry.reason if entry else Reason.PROVIDER, code)

    def receipt(
        self, status: Status, ref: str, provider_id: str, code: str = "", occurred_us: int | None = None
    ) -> Receipt:
        """A receipt with its reason, where it says that the message failed, and whether the person stopped us."""
        if status is not Status.FAILED:
            return Receipt(status, ref, provider_id, None, code, occurred_us)
        entry = self._entries.get(code)
        suppress = bool(entry and entry.suppresses)
        return Receipt(status, ref, provider_id, self._reason(code), code, occurred_us, suppress=suppress)

    def found(self, provider_id: str, status: Status, code: str = "") -> Found:
        """As `receipt`, for what a look-up found."""
        if status is not Status.FAILED:
            return Found(provider_id, status)
        return Found(provider_id, status, self._reason(code), code)

    def _reason(self, code: str) -> Reason:
        entry = self._entries.get(code)
        return entry.reason if entry else Reason.OTHER

    def explain(self, code: str, language: str = "id") -> str:
        entry = self._entries.get(code)
        return entry.sentences.get(language, "") if entry else ""


def _codes(key: str, table: Any) -> list[str]:
    return [key, *map(str, table.get("also", ()))] if isinstance(table, dict) else [key]


def _entry(name: str, code: str, table: Any) -> ErrorCode:
    try:
        fields = dict(table)
        fields.pop("also", None)
        kind, reason = fields.pop("class"), Reason(fields.pop("reason"))
        retry = fields.pop("retry_after_s", None)
        if kind not in _OUTCOMES:
            raise ValueError(f"class {kind!r} is none of {', '.join(_OUTCOMES)}")
        return ErrorCode(code, kind, reason, retry, {language: str(text) for language, text in fields.items()})
    except KeyError as missing:
        raise ValueError(f"{name}: [{code}] has no {missing}") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: [{code}] {error}") from None
