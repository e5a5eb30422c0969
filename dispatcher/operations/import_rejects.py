"""The file of rejected rows: as they stand in the contact file, with line and reason, ready to be mended."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from dispatcher.audience.rows import RejectedRow
from dispatcher.core.errors import UsageError

_RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class RejectsFile:
    """Made with the first rejected row, for the owner's eyes only (0600). An older one is replaced."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self.path = path
        self.count = 0
        self._header = header
        self._file: TextIO | None = None
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file:
            self._file.close()

    def add(self, row: RejectedRow) -> None:
        if self._writer is None:
            self._open()
        self.count += 1
        self._writer.writerow([*map(harmless, row.cells), row.line, row.code, row.id, row.en])

    def _open(self) -> None:
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise UsageError(
                "rejects-file",
                f"the file for rejected rows, {self.path}, cannot be written ({error.strerror})",
                "Name another one with --rejects.",
            ) from None
        os.fchmod(descriptor, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8-sig", errors="backslashreplace", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow([*map(harmless, self._header), "baris", "kode", "alasan", "reason"])


def harmless(cell: str) -> str:
    """A cell that a spreadsheet program would run as a formula, as text."""
    return f"'{cell}" if cell.startswith(_RUNS_AS_FORMULA) else cell


def default_path(path: Path) -> Path:
    """Beside the contact file, or in the working folder where that one cannot be written."""
    name = f"{path.stem}.rejected.csv"
    return path.with_name(name) if os.access(path.parent, os.W_OK) else Path(name)
