"""The file of rejected rows: as they stand in the contact file, with line and reason, ready to be mended."""

from __future__ import annotations

import csv
import filecmp
import os
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from dispatcher.audience.rows import RejectedRow
from dispatcher.core.errors import UsageError

_RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class RejectsFile:
    """Made with the first rejected row, for the owner's eyes only (0600).

    An older file stays as it is, somebody may have mended it: the new one gets the next free name, which `path` tells.
    What says the same as an older one, as an import after its dry run does, goes, and `path` is that older one.
    """

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self.path = path
        self.count = 0
        self._header = header
        self._older: list[Path] = []
        self._file: TextIO | None = None
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file:
            self._file.close()
            if error is None:
                self._drop_twin()

    def add(self, row: RejectedRow) -> None:
        if self._writer is None:
            self._open()
        self.count += 1
        self._writer.writerow([*map(harmless, row.cells), row.line, row.code, row.id, row.en])

    def _open(self) -> None:
        try:
            descriptor = self._make()
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

    def _make(self) -> int:
        for name in _numbered(self.path):
            try:
                descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                if name.is_symlink() or not name.is_file():
                    raise
                self._older.append(name)
            else:
                self.path = name
                return descriptor
        raise AssertionError("unreachable")

    def _drop_twin(self) -> None:
        for older in self._older:
            if _are_equal(self.path, older):
                self.path.unlink()
                self.path = older
                return


def _are_equal(one: Path, older: Path) -> bool:
    """What somebody else wrote may not be ours to read: then it is no twin."""
    try:
        return filecmp.cmp(one, older, shallow=False)
    except OSError:
        return False


def _numbered(path: Path) -> Iterator[Path]:
    """x.csv, x-2.csv, x-3.csv, …"""
    yield path
    for number in count(2):
        yield path.with_stem(f"{path.stem}-{number}")


def harmless(cell: str) -> str:
    """A cell that a spreadsheet program would run as a formula, as text."""
    return f"'{cell}" if cell.startswith(_RUNS_AS_FORMULA) else cell


def default_path(path: Path) -> Path:
    """Beside the contact file, or in the working folder where that one cannot be written."""
    name = f"{path.stem}.rejected.csv"
    return path.with_name(name) if os.access(path.parent, os.W_OK) else Path(name)
