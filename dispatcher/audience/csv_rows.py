"""Streams a CSV file row by row: any usual encoding and delimiter, in bounded memory.

No broken row takes others along: a quote that is never closed would swallow what follows, so such a row is rejected by
its first line, and the lines after it are read again as rows of their own.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final, TextIO

from dispatcher.audience.headings import read_heading
from dispatcher.audience.raw import MAX_ROW_CHARACTERS, RawRow, fitted

DELIMITERS: Final = (",", ";", "\t", "|")
_SAMPLE_BYTES: Final = 1 << 18
_BLOCK_CHARACTERS: Final = 1 << 14
_MAX_LINES_PER_ROW: Final = 200
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNDECODED = re.compile("[\udc80-\udcff\ufffd]")
_SEP_LINE = re.compile(r"\ufeff?\"?sep=(.)\"?\r?\n?", re.IGNORECASE)
_ONE_BYTE: Final = frozenset({"cp1252", "mac_roman"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """`first_line` is where the rows begin: 2 after Excel's "sep=;"."""

    encoding: str
    delimiter: str
    first_line: int = 1


def detect(path: Path) -> Dialect:
    """From the first 256 KiB."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    encoding = _encoding(sample)
    lines = sample.decode(encoding, "replace").splitlines(keepends=True)[:50]
    if lines and (declared := _SEP_LINE.fullmatch(lines[0])):
        return Dialect(encoding, declared[1], 2)
    return Dialect(encoding, max(DELIMITERS, key=lambda d: _fitness(lines, d)))


def csv_rows(path: Path, dialect: Dialect, width: int | None = None) -> Iterator[RawRow]:
    """Every row that is not blank, from `first_line`. With `width`, rows of another width carry their problem."""
    errors = "replace" if dialect.encoding.startswith("utf-16") else "surrogateescape"
    with path.open(encoding=dialect.encoding, errors=errors, newline="") as file:
        lines = _Lines(file)
        for _ in range(dialect.first_line - 1):
            next(lines, "")
        yield from _records(lines, dialect, width)


def _records(lines: _Lines, dialect: Dialect, width: int | None) -> Iterator[RawRow]:
    reader = csv.reader(lines, delimiter=dialect.delimiter)
    one_byte = dialect.encoding in _ONE_BYTE
    while True:
        while plain := lines.plain_rows(dialect):
            yield from (row if width is None else fitted(row, width) for row in plain if any(row.cells))
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (_TooLong, csv.Error):
            yield lines.retreat(dialect.delimiter, "quote" if lines.spans() else "too_large")
            continue
        if lines.cut and not lines.spans():
            yield RawRow(lines.first_line, cells, "too_large")
        elif lines.cut or lines.is_unclosed() or lines.is_torn(dialect.delimiter):
            yield lines.retreat(dialect.delimiter, "quote")
        elif any(cells):
            row = RawRow(lines.first_line, cells, lines.problem(one_byte))
            if width is not None and len(cells) != width:
                row = fitted(row, width)
                if row.problem and lines.spans():
                    row = lines.retreat(dialect.delimiter, row.problem)
            yield row


class _TooLong(Exception):  # noqa: N818
    """A row spans more lines or characters than any real one."""


class _Lines:
    """Feeds the CSV reader, remembers the lines of the current row, and can hand them out once more."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._again: deque[str] = deque()
        self._row: list[str] = []
        self._characters = 0
        self._line = 0
        self._at_end = False
        self.first_line = 0
        self.cut = False

    def plain_rows(self, dialect: Dialect) -> list[RawRow]:
        """The next rows, at once, where every line is one and needs no care; [] where each has to be looked at."""
        if self._again:
            return []
        block = self._file.read(_BLOCK_CHARACTERS)
        block += self._file.readline(MAX_ROW_CHARACTERS)  # never half a line, nor half a line end
        if not _is_plain(block, dialect.encoding):
            self._again.extend(StringIO(block, newline=""))
            return []
        cells = csv.reader(StringIO(block, newline=""), delimiter=dialect.delimiter)
        rows = [RawRow(line, row) for line, row in enumerate(cells, self._line + 1)]
        self._line += len(rows)
        return rows

    def begin(self) -> None:
        self._row.clear()
        self._characters = 0
        self.first_line = self._line + 1
        self.cut = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._file.readline(MAX_ROW_CHARACTERS)
        if not line:
            self._at_end = True
            raise StopIteration
        self._line += 1
        self._row.append(line)
        self._characters += len(line)
        if len(line) >= MAX_ROW_CHARACTERS:
            return self._skip_rest(line)
        if len(self._row) > _MAX_LINES_PER_ROW or self._characters > MAX_ROW_CHARACTERS:
            raise _TooLong
        return line

    def _skip_rest(self, line: str) -> str:
        """Reads on to the end of an overlong line; what is handed out is only good for showing where it was."""
        self.cut = True
        while line and not line.endswith(("\n", "\r")):
            line = self._file.readline(MAX_ROW_CHARACTERS)
        self._row[-1] = self._row[-1][:200].replace('"', " ")
        return self._row[-1]

    def spans(self) -> bool:
        return len(self._row) > 1

    def is_unclosed(self) -> bool:
        """At the end of the file the reader hands out what it has, also inside a quote."""
        return self._at_end and not self._again and sum(line.count('"') for line in self._row) % 2 == 1

    def is_torn(self, delimiter: str) -> bool:
        """A row over several lines whose quotes only pair up by chance: text follows one that closes."""
        if len(self._row) < 2:
            return False
        try:
            list(csv.reader(self._row, delimiter=delimiter, strict=True))
        except csv.Error:
            return True
        return False

    def problem(self, one_byte: bool) -> str:
        for line in self._row:
            if "\0" in line:
                return "nul"
            if not line.isascii() and (_UNDECODED.search(line) or (one_byte and _is_utf8(line))):
                return "encoding"
        return ""

    def retreat(self, delimiter: str, problem: str) -> RawRow:
        """Rejects the row's first line alone; the others will be read again."""
        first, *others = self._row
        self._again.extendleft(reversed(others))
        self._line -= len(others)
        return RawRow(self.first_line, first.rstrip("\r\n").split(delimiter), problem)


def _is_plain(block: str, encoding: str) -> bool:
    """Without quotes a line is a row, and no cell of a short block is too long for the CSV reader."""
    if '"' in block or "\0" in block or len(block) > csv.field_size_limit():
        return False
    return block.isascii() or not (encoding in _ONE_BYTE or _UNDECODED.search(block))


def _is_utf8(line: str) -> bool:
    try:
        return bool(line.encode("cp1252").decode("utf-8"))
    except UnicodeError:
        return False


def _fitness(lines: list[str], delimiter: str) -> tuple[int, int, int]:
    """How many known headings a row has, how many rows are as wide as the first, and that width."""
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    except csv.Error:
        return 0, 0, 0
    known = max((sum(1 for cell in row if read_heading(cell[:100]).field) for row in rows[:20]), default=0)
    width = len(rows[0]) if rows else 0
    return known, sum(1 for row in rows if len(row) == width > 1), width


def _encoding(sample: bytes) -> str:
    for bom, name in _BOMS:
        if sample.startswith(bom):
            return name
    if wide := _utf16_without_bom(sample):
        return wide
    lines = sample.splitlines()
    if len(sample) == _SAMPLE_BYTES:
        lines.pop()  # most likely cut
    odd_lines = [line for line in lines if not line.isascii()]
    utf8 = sum(1 for line in odd_lines if _decodes(line))
    if utf8 * 2 >= len(odd_lines):
        return "utf-8"
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=sorted(_ONE_BYTE)).best()
    return best.encoding if best and best.encoding in _ONE_BYTE else "cp1252"


def _decodes(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _utf16_without_bom(sample: bytes) -> str:
    """Latin letters leave every second byte zero."""
    half = max(len(sample) // 2, 1)
    if sample[1::2].count(0) > half * 0.7 and sample[::2].count(0) < half * 0.1:
        return "utf-16-le"
    if sample[::2].count(0) > half * 0.7 and sample[1::2].count(0) < half * 0.1:
        return "utf-16-be"
    return ""
