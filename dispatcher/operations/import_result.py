"""What an import is asked to do, and what it did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dispatcher.core.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the command says. `basis` "": the settings' default."""

    groups: tuple[str, ...] = ()
    overrides: tuple[tuple[str, str], ...] = ()
    keep: tuple[str, ...] = ()
    basis: str = ""
    evidence: str = ""
    source: str = ""
    purpose: str = "*"
    sheet: str = ""
    country: str = "ID"
    rejects: Path | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class SharedNumber:
    """A number of several people, masked, and the lines of this file that hold it."""

    number: str
    lines: tuple[int, ...]


@dataclass(slots=True)
class ImportResult:
    """`notes`: code → rows. `suppressed`: rows whose number has refused, and stays refused (invariant 14)."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    suppressed: int = 0
    minors: int = 0
    shared_numbers: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    shared: list[SharedNumber] = field(default_factory=list)
    dropped_columns: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    file_format: str = ""
    rejects_file: Path | None = None
    import_id: int | None = None
    dry_run: bool = False

    def as_json(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in COUNTS}
        return {
            **counts,
            "shared": [{"number": shared.number, "lines": list(shared.lines)} for shared in self.shared],
            "notes": dict(self.notes),
            "reasons": dict(self.reasons),
            "dropped_columns": list(self.dropped_columns),
            "diagnostics": [diagnostic.as_dict() for diagnostic in self.diagnostics],
            "format": self.file_format,
            "rejects_file": str(self.rejects_file) if self.rejects_file else None,
            "import_id": self.import_id,
            "dry_run": self.dry_run,
        }


COUNTS: Final = (
    "rows", "created", "updated", "unchanged", "rejected", "suppressed", "minors", "shared_numbers",
)  # fmt: skip
