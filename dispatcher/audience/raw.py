"""A row as it stands in the file."""

from __future__ import annotations

from typing import Final, NamedTuple

MAX_COLUMNS: Final = 512
MAX_ROW_CHARACTERS: Final = 1 << 20


class RawRow(NamedTuple):
    """`line` counts physical lines (or rows of the sheet) from 1; `problem` is a key of REASONS, or ""."""

    line: int
    cells: list[str]
    problem: str = ""


def fitted(row: RawRow, width: int) -> RawRow:
    """With exactly `width` cells, where only empty ones had to go; else with its problem."""
    cells = row.cells
    if row.problem or len(cells) == width:
        return row
    if len(cells) < width:
        return row._replace(problem="too_few_cells")
    if any(cell.strip() for cell in cells[width:]):
        return row._replace(problem="too_many_cells")
    return row._replace(cells=cells[:width])
