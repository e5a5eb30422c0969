"""Reads one XLSX sheet in a process of its own, with a memory limit.

`python -m dispatcher.audience.xlsx_child PATH [SHEET]` writes JSON lines: {"sheet": name}, then lists of rows, each
[line, [cells], problem], then {"end": true}; or {"error": code}.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

MEMORY_LIMIT_BYTES: Final = 2 << 30
_BATCH: Final = 256
_CHUNK: Final = 1 << 20
_CELL = re.compile(rb"<c\b([^>]*)>(.*?)</c>", re.DOTALL)
_ROW = re.compile(rb'\br="[A-Z]+(\d+)"')
_VALUE = re.compile(rb"<v\b[^>]*>[^<]|<is\b")


def main() -> None:
    _limit_memory()
    from python_calamine import CalamineError, PasswordError

    path, wanted = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    try:
        for line in _lines(path, wanted):
            sys.stdout.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n")
    except PasswordError:
        _fail("encrypted")
    except (CalamineError, zipfile.BadZipFile, KeyError, OSError):
        _fail("unreadable")
    except MemoryError:
        _fail("too-large")


def _fail(code: str) -> None:
    sys.stdout.write(json.dumps({"error": code}) + "\n")


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on every system
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _lines(path: str, wanted: str) -> Iterator[object]:
    from python_calamine import CalamineWorkbook

    with CalamineWorkbook.from_path(path) as book:
        chosen = _choose(book, wanted)
        if chosen is None:
            yield {"error": "no-sheet" if wanted else "empty", "sheets": book.sheet_names}
            return
        yield {"sheet": chosen.name}
        rows = _rows(chosen, _broken_rows(path, chosen.name))
        while batch := list(islice(rows, _BATCH)):
            yield batch
        yield {"end": True}


def _rows(sheet: CalamineSheet, broken: set[int]) -> Iterator[tuple[int, list[str], str]]:
    for line, cells in enumerate(sheet.iter_rows(), 1):
        texts = [cell if type(cell) is str else _text(cell) for cell in cells]
        if any(texts) or line in broken:
            yield line, texts, "cell_error" if line in broken else ""


def _choose(book: CalamineWorkbook, wanted: str) -> CalamineSheet | None:
    """The sheet of that name, else the first that holds anything."""
    if wanted:
        return book.get_sheet_by_name(wanted) if wanted in book.sheet_names else None
    sheets = (book.get_sheet_by_name(sheet.name) for sheet in book.sheets_metadata if _is_table(sheet.typ))
    return next((sheet for sheet in sheets if sheet.start is not None), None)


def _is_table(kind: object) -> bool:
    return str(kind).endswith("WorkSheet")


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        at_midnight = cell.time() == time()
        return (cell.date() if at_midnight else cell).isoformat()
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


def _broken_rows(path: str, sheet: str) -> set[int]:
    """Rows with an error value or a formula without a result: calamine shows both as empty cells."""
    found: set[int] = set()
    with zipfile.ZipFile(path) as archive, archive.open(_part_of(archive, sheet)) as part:
        rest = b""
        while chunk := part.read(_CHUNK):
            text = rest + chunk
            end = text.rfind(b"</c>") + 4
            if end < 4:
                rest = text[-_CHUNK:]
                continue
            rest = text[end:]
            if b"<f" in text or b't="e"' in text:
                found.update(_broken_in(text[:end]))
    return found


def _broken_in(text: bytes) -> Iterator[int]:
    for cell in _CELL.finditer(_without_empty_cells(text)):
        if _is_broken(cell[1], cell[2]) and (row := _ROW.search(cell[1])):
            yield int(row[1])


def _is_broken(attributes: bytes, content: bytes) -> bool:
    """An error, or a formula never calculated; one of type text may well have an empty result."""
    if b't="e"' in attributes:
        return True
    return b"<f" in content and b't="str"' not in attributes and not _VALUE.search(content)


def _without_empty_cells(text: bytes) -> bytes:
    return re.sub(rb"<c\b[^>]*/>", b"", text)


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """The file inside the archive that holds a sheet (ECMA-376 part 1, 18.2.19 and part 2, 9.3)."""
    from xml.etree import ElementTree

    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - Expat 2.4 and later stop entity bombs
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for element in book.iter():
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            identifier = next(value for key, value in element.items() if key.endswith("}id"))
            target = targets[identifier]
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise KeyError(sheet)


if __name__ == "__main__":
    main()
