"""Tables: the same with Rich and without, and every word as it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.cli import output

CELL = st.one_of(st.integers(), st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=30))


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[object]]]:
    width = draw(st.integers(1, 6))
    headings = draw(st.lists(st.sampled_from(["", "a", "campaign", "not answered"]), min_size=width, max_size=width))
    return headings, draw(st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=5))


@given(tables())
def test_a_table_is_the_same_with_rich_and_without(table: tuple[list[str], list[list[object]]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        printed = []
        for plain in (output._plain_table, lambda *_: None):
            written: list[str] = []
            patch.setattr(output, "_plain_table", plain)
            patch.setattr(output.sys, "stdout", _Pipe(written))
            output.print_table(*table)
            printed.append("".join(written))
    assert printed[0] == printed[1]


class _Pipe:
    encoding = "utf-8"

    def __init__(self, written: list[str]) -> None:
        self._written = written

    def write(self, text: str) -> int:
        self._written.append(text)
        return len(text)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize("more", ["", " · ñ"])
def test_brackets_and_colons_are_no_markup(more: str, capsys: pytest.CaptureFixture[str]) -> None:
    title = f"Rapat [RW 05] :smile: [/bold]{more}"
    output.print_table(("title", "state"), [(title, "running")])
    assert f"{title}  running\n" in capsys.readouterr().out


def test_a_line_that_is_too_long_is_folded(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("reason",), [("x" * 200,)])
    assert capsys.readouterr().out.splitlines()[1:] == ["x" * 160, "x" * 40 + " " * 120]
