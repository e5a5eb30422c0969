"""A provider's codes as data: `errors.toml` beside the adapter.

    [21610]
    class = "opted_out"          # what happened, where the code answers a send: the outcomes of outcome.py
    reason = "opted_out"         # our reason, where it comes in a receipt
    retry_after_s = 86400        # only with not_sent and throttled: the earliest useful time
    en = "The recipient opted out."
    id = "Penerima sudah berhenti berlangganan."

Providers warn that codes come and go: a code that is not here is no error, `outcome` answers None for it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dispatcher.core.status import Reason
from dispatcher.spi.outcome import (
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
        return cls({code: _entry(name, code, table) for code, table in tables.items()})

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

    def explain(self, code: str, language: str = "id") -> str:
        entry = self._entries.get(code)
        return entry.sentences.get(language, "") if entry else ""


def _entry(name: str, code: str, table: Any) -> ErrorCode:
    try:
        fields = dict(table)
        kind, reason = fields.pop("class"), Reason(fields.pop("reason"))
        retry = fields.pop("retry_after_s", None)
        if kind not in _OUTCOMES:
            raise ValueError(f"class {kind!r} is none of {', '.join(_OUTCOMES)}")
        return ErrorCode(code, kind, reason, retry, {language: str(text) for language, text in fields.items()})
    except KeyError as missing:
        raise ValueError(f"{name}: [{code}] has no {missing}") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: [{code}] {error}") from None
