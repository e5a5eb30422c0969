"""XLSX files, read by a child process (`xlsx_child`) after a look at the archive's table of contents."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dispatcher.audience.raw import RawRow
from dispatcher.core.errors import UsageError

MAX_UNPACKED_BYTES: Final = 200_000_000
_MAX_RATIO: Final = 300
_MAX_PARTS: Final = 10_000
_SAVE_AS_CSV: Final = "save the sheet as CSV (UTF-8) and import that file"

_ERRORS: Final = {
    "encrypted": ("the workbook is protected with a password", "remove the password, or " + _SAVE_AS_CSV),
    "unreadable": (
        "the workbook is damaged or is not an XLSX file",
        "open it, save it again as XLSX, or " + _SAVE_AS_CSV,
    ),
    "empty": ("no sheet of the workbook holds anything", "check that this is the right file"),
    "no-sheet": ("the workbook has no sheet of that name", "check the names of its sheets"),
    "too-large": ("the workbook is too large to read", _SAVE_AS_CSV),
}


def check_archive(path: Path) -> None:
    """Raises UsageError for what is no XLSX, unpacks to more than 200 MB, or is packed suspiciously tight."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile:
        raise _error("unreadable") from None
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        raise _error("unreadable")
    if any(part.flag_bits & 1 for part in parts):
        raise _error("encrypted")
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if unpacked > MAX_UNPACKED_BYTES or len(parts) > _MAX_PARTS:
        raise UsageError("xlsx-too-large", f"the workbook unpacks to {unpacked // 1_000_000} MB", _SAVE_AS_CSV)
    if unpacked > 10_000_000 and unpacked > packed * _MAX_RATIO:
        raise _error("too-large")


def xlsx_rows(path: Path, sheet: str = "") -> Iterator[RawRow]:
    """Rows of a sheet by their number in it; the first sheet that is not empty by default. Raises UsageError."""
    check_archive(path)
    command = [sys.executable, "-m", "dispatcher.audience.xlsx_child", str(path), *([sheet] if sheet else [])]
    with _start(command) as child:
        try:
            yield from _read(child)
        finally:
            child.kill()


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet, stdin=quiet)  # noqa: S603


def _read(child: subprocess.Popen[bytes]) -> Iterator[RawRow]:
    assert child.stdout
    for line in child.stdout:
        if not line.endswith(b"\n"):
            break
        message = json.loads(line)
        if isinstance(message, list):
            yield from (RawRow(*row) for row in message)
        elif "error" in message:
            raise _error(message["error"], message.get("sheets", ()))
        elif "end" in message:
            return
    raise _error("too-large")  # it ended without a last word: out of memory


def _error(code: str, sheets: tuple[str, ...] = ()) -> UsageError:
    message, hint = _ERRORS[code]
    names = ": " + ", ".join(name[:40] for name in sheets[:20]) if sheets else ""
    return UsageError(f"xlsx-{code}", message, hint + names)
