"""An event as iCalendar (RFC 5545): instants in UTC, texts escaped, lines folded at 75 octets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from dispatcher.core.clock import SECOND_US, to_us

_LINE: Final = 75
_FIRST_US: Final = to_us(datetime(2020, 1, 1, tzinfo=UTC))
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def event(
    uid: str, title: str, place: str, description: str, starts_us: int, ends_us: int | None, changed_us: int
) -> str:
    """`uid` stays the same over changes, and `changed_us` orders them."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//dispatcher//session//ID",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{_text(uid)}",
        f"SEQUENCE:{max(changed_us - _FIRST_US, 0) // SECOND_US}",
        f"DTSTAMP:{_instant(changed_us)}",
        f"DTSTART:{_instant(starts_us)}",
        *([f"DTEND:{_instant(ends_us)}"] if ends_us is not None else []),
        f"SUMMARY:{_text(title)}",
        f"LOCATION:{_text(place)}",
        f"DESCRIPTION:{_text(description)}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _instant(value_us: int) -> str:
    return datetime.fromtimestamp(value_us // SECOND_US, UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    escaped = re.sub(r"([\\;,])", r"\\\1", _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")))
    return escaped.replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Never within a character: a line is counted in octets."""
    part, size, room = "", 0, _LINE
    for character in line:
        width = len(character.encode())
        if size + width > room:
            yield part
            part, size, room = " ", 1, _LINE
        part, size = part + character, size + width
    yield part
