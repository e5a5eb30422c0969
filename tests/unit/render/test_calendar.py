"""iCalendar entries: escaped, folded, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.clock import to_us
from dispatcher.render.calendar import event

STARTS_US = to_us(datetime(2027, 2, 10, 2, tzinfo=UTC))
CHANGED_US = to_us(datetime(2027, 1, 1, tzinfo=UTC))


def _entry(
    title: str = "Kelas", place: str = "Balai Kota", ends_us: int | None = None, changed: int = CHANGED_US
) -> str:
    return event("pagi@kspl.id", title, place, "Kesbangpol", STARTS_US, ends_us, changed)


def _unfolded(entry: str) -> list[str]:
    return entry.replace("\r\n ", "").split("\r\n")


def test_instants_are_in_utc() -> None:
    lines = _unfolded(_entry(ends_us=STARTS_US + 7_200_000_000))
    assert "DTSTART:20270210T020000Z" in lines
    assert "DTEND:20270210T040000Z" in lines
    assert not any(line.startswith("DTEND") for line in _unfolded(_entry()))


def test_a_change_comes_after_what_it_changes() -> None:
    first, later = (
        next(int(line.split(":")[1]) for line in _unfolded(_entry(changed=at)) if line.startswith("SEQUENCE"))
        for at in (CHANGED_US, CHANGED_US + 1_000_000)
    )
    assert first < later < 2**31


@given(st.text(), st.text())
def test_no_text_can_add_a_line(title: str, place: str) -> None:
    """RFC 5545: lines of at most 75 octets, ended by CRLF; commas, semicolons, backslashes and line ends escaped."""
    entry = _entry(title, place)
    lines = _unfolded(entry)
    assert len(lines) == len(_unfolded(_entry()))
    assert [line.split(":")[0] for line in lines] == [line.split(":")[0] for line in _unfolded(_entry())]
    assert all(len(line.encode()) <= 75 for line in entry.split("\r\n"))


def test_texts_are_escaped() -> None:
    assert "SUMMARY:a\\, b\\; c\\\\ d\\ne" in _unfolded(_entry("a, b; c\\ d\ne"))
