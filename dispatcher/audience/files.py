"""Opens a contact file of any kind and finds its header; rows then stream from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from dispatcher.audience.columns import SAMPLE_ROWS, ColumnMap, Wishes, map_columns
from dispatcher.audience.csv_rows import csv_rows, detect
from dispatcher.audience.headings import PHONES, read_heading, slug
from dispatcher.audience.raw import MAX_COLUMNS, RawRow, fitted
from dispatcher.audience.xlsx_rows import xlsx_rows
from dispatcher.core.errors import UsageError

#: Titles and empty rows that may stand above the header.
_SEARCHED_ROWS: Final = 20
_OLE2: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE: Final = "open it in a spreadsheet program and save it as XLSX or CSV (UTF-8)"


@dataclass(frozen=True, slots=True)
class ContactFile:
    """A file whose header was read. Iterating `rows()` reads it from the top, each time."""

    path: Path
    header: tuple[str, ...]
    header_line: int
    format: str
    """As a person names it: "XLSX", or "CSV (utf-8, delimiter ;)"."""
    _source: partial[Iterator[RawRow]]

    def rows(self) -> Iterator[RawRow]:
        """The rows below the header, each as wide as the header or with its problem; bounded memory."""
        width = len(self.header)
        for row in self._source():
            if row.line > self.header_line:
                yield fitted(row, width)


def open_rows(path: Path, sheet: str = "", headings: Collection[str] = ()) -> ContactFile:
    """Finds format and header. `headings` are those a --map names: they help to find the header row.

    Raises UsageError: `no-such-file`, `empty-file`, `too-many-columns`, `old-spreadsheet`, `not-a-table`, `xlsx-…`.
    """
    start = _first_bytes(path)
    if not start.strip(b"\r\n\t ,;\0\xef\xbb\xbf\xff\xfe"):
        raise UsageError("empty-file", f"{path.name} is empty", "check that this is the right file")
    if start.startswith(b"PK") or path.suffix.lower() in (".xlsx", ".xlsm", ".ods", ".xls"):
        _require_xlsx(path, start)
        source = partial(xlsx_rows, path, sheet)
        header = _find_header(source, path, headings)
        return ContactFile(path, tuple(header.cells), header.line, "XLSX", source)
    _require_text(path, start)
    dialect = detect(path)
    header = _find_header(partial(csv_rows, path, dialect), path, headings)
    source = partial(csv_rows, path, dialect, len(header.cells))
    shown = {"\t": "tab"}.get(dialect.delimiter, dialect.delimiter)
    name = f"CSV ({dialect.encoding.removesuffix('-sig')}, delimiter {shown})"
    return ContactFile(path, tuple(header.cells), header.line, name, source)


def read_columns(file: ContactFile, wishes: Wishes | None = None) -> ColumnMap:
    """What the columns hold, by the header and the first rows. Raises UsageError as `map_columns` does."""
    with closing(file.rows()) as rows:  # type: ignore[type-var]
        sample = [row.cells for row in islice(rows, SAMPLE_ROWS) if not row.problem]
    return map_columns(file.header, sample, wishes, file.path.name, file.header_line)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except FileNotFoundError:
        raise UsageError("no-such-file", f"there is no file {path.name}", "check the path") from None
    except (PermissionError, IsADirectoryError):
        message = f"{path.name} cannot be read"
        raise UsageError("no-such-file", message, "check that it is a file and that you may read it") from None


def _require_xlsx(path: Path, start: bytes) -> None:
    if start.startswith(_OLE2) and path.suffix.lower() != ".xls":
        raise UsageError("xlsx-encrypted", f"{path.name} is protected with a password", f"remove it: {_SAVE}")
    if start.startswith(_OLE2) or path.suffix.lower() == ".xls":
        raise UsageError("old-spreadsheet", f"{path.name} is in the old XLS format", _SAVE)
    if b"opendocument.spreadsheet" in start[:200] or path.suffix.lower() == ".ods":
        raise UsageError("old-spreadsheet", f"{path.name} is an OpenDocument spreadsheet", _SAVE)


def _require_text(path: Path, start: bytes) -> None:
    if start.startswith((b"%PDF", _OLE2, b"\x89PNG", b"\xff\xd8\xff")) or b"<html" in start[:1000].lower():
        raise UsageError("not-a-table", f"{path.name} is not a table of contacts", _SAVE)


def _find_header(source: partial[Iterator[RawRow]], path: Path, headings: Collection[str]) -> RawRow:
    """The first row that names a phone column, else the first row; without empty cells at its end."""
    named = {slug(heading) for heading in headings}
    with closing(source()) as rows:  # type: ignore[type-var]
        first = list(islice(rows, _SEARCHED_ROWS))
    if not first:
        raise UsageError("empty-file", f"{path.name} holds no rows", "check that this is the right file")
    header = next((row for row in first if _is_header(row, named)), first[0])
    if header.problem == "too_large" or len(_trimmed(header.cells)) > MAX_COLUMNS:
        message = f"{path.name} has more than {MAX_COLUMNS} columns, or a header longer than 1 MiB"
        raise UsageError("too-many-columns", message, "keep the columns you need, and check the delimiter")
    return header._replace(cells=_trimmed(header.cells))


def _is_header(row: RawRow, named: set[str]) -> bool:
    return len(row.cells) <= MAX_COLUMNS and any(
        read_heading(cell).field in PHONES or slug(cell) in named for cell in row.cells if len(cell) <= 100
    )


def _trimmed(cells: list[str]) -> list[str]:
    texts = [cell.strip() for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return texts
