"""Whether the consent ledger still is what was written: every event against its commitment, every digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from dispatcher.audience.ledger import Sheet
from dispatcher.core.clock import DAY_US, SECOND_US
from dispatcher.core.errors import UsageError
from dispatcher.store import ledger
from dispatcher.store.engine import Database
from dispatcher.store.reports import snapshot

_FIRST_IMPORT: Final = 1_000_000
"""Sheets below are days; ids of imports are far above."""


@dataclass(frozen=True, slots=True)
class Verified:
    """`faults`: name of the import or day, and what does not fit with it."""

    sheets: tuple[Sheet, ...]
    faults: tuple[tuple[str, str], ...]

    @property
    def events(self) -> int:
        return sum(sheet.events for sheet in self.sheets)

    def as_dict(self) -> dict[str, Any]:
        return {
            "events": self.events,
            "sheets": [
                {"sheet": name_of(sheet.id), "events": sheet.events, "digest": sheet.digest.hex()}
                for sheet in self.sheets
            ],
            "faults": [{"sheet": name, "fault": fault} for name, fault in self.faults],
        }


def verify_consent(database: Database, kept: Mapping[str, tuple[int, str]] | None = None) -> Verified:
    """`kept`: sheet → its events and digest as an earlier run printed them, which only grew since then."""
    with snapshot(database) as connection:
        sheets = tuple(ledger.sheets(connection))
        wrong = [(name_of(sheet), fault) for sheet, fault in ledger.faults(connection)]
        if kept:
            earlier = {sheet.id: kept[name_of(sheet.id)] for sheet in sheets if name_of(sheet.id) in kept}
            missing = kept.keys() - {name_of(sheet) for sheet in earlier}
            wrong += [(name, "it is not in the database any more") for name in sorted(missing)]
            wrong += [
                (name_of(sheet), "it is not the one whose digest was kept")
                for sheet, (events, digest) in earlier.items()
                if ledger.digest_after(connection, sheet, events).hex() != digest
            ]
    return Verified(sheets, tuple(wrong))


def name_of(sheet: int) -> str:
    """`import 7310…` or `day 2026-11-30`."""
    if sheet >= _FIRST_IMPORT:
        return f"import {sheet}"
    return f"day {datetime.fromtimestamp(sheet * DAY_US / SECOND_US, UTC):%Y-%m-%d}"


def read_kept(path: Path) -> dict[str, tuple[int, str]]:
    """What `contacts verify --json` printed earlier. Raises UsageError for anything else."""
    from json import loads

    try:
        return {one["sheet"]: (int(one["events"]), str(one["digest"])) for one in loads(path.read_bytes())["sheets"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            "kept-digests",
            f"{path} is not a list of digests ({type(error).__name__})",
            "Keep one with: dispatcher contacts verify --json > digests.json",
        ) from None
