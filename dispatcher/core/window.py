"""When sending is allowed: times of day, on some weekdays, in a zone, less some dates.

Instants are microseconds since 1970 UTC. A window is open only while the wall clock of its zone is inside it:
where a clock is put forward, a start that does not exist opens at the change; where it is put back, an ambiguous
start waits for its second occurrence and an ambiguous end closes at its first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from dispatcher.core.clock import DAY_US, SECOND_US, from_us, to_us

EVERY_DAY: Final = frozenset(range(7))
#: The end "24:00". As a start it never opens.
END_OF_DAY: Final = time.max
#: An opening longer than this is reported as closing here (a schedule may be open at all times).
LONGEST_OPENING_US: Final = 8 * DAY_US

_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-4])[:.]([0-5]\d)")


class NeverOpensError(ValueError):
    """Asked when a window opens that never does; `never_opens` tells beforehand."""


def parse_time_of_day(text: str) -> time:
    """ "08:00", "8.30" or, as an end, "24:00". Raises ValueError with a message for people."""
    match = _TIME_OF_DAY.fullmatch(text.strip())
    if not match:
        raise ValueError("write a time of day as HH:MM, between 00:00 and 24:00")
    hour, minute = int(match[1]), int(match[2])
    if hour == 24:
        if minute:
            raise ValueError("the latest time of day is 24:00")
        return END_OF_DAY
    return time(hour, minute)


@dataclass(frozen=True, slots=True)
class Window:
    """One span of the day. `days`: 0 is Monday, the day it starts; `start > end` runs overnight.

    On a `blackout` date nothing is open or begins; an opening that runs into one ends at its midnight.
    `start == end` is empty: use "00:00" to "24:00" for a whole day.
    """

    zone: str
    days: frozenset[int]
    start: time
    end: time
    blackout: frozenset[date] = frozenset()

    @property
    def never_opens(self) -> bool:
        return not (self.days & EVERY_DAY) or self.start in (self.end, END_OF_DAY)

    def is_open(self, now_us: int) -> bool:
        return not self.never_opens and self.next_open_us(now_us) == now_us

    def next_open_us(self, now_us: int) -> int:
        """The first instant from now on at which it is open: now itself, if so. Raises NeverOpensError."""
        return max(now_us, _next_span(self, now_us)[0])

    def closes_us(self, now_us: int) -> int:
        """The end of the opening that `next_open_us` finds; the window is closed at that instant."""
        return Windows((self,)).closes_us(now_us)


@dataclass(frozen=True, slots=True)
class Windows:
    """Several windows taken together: open when any of them is."""

    windows: tuple[Window, ...]

    @property
    def never_opens(self) -> bool:
        return all(w.never_opens for w in self.windows)

    def is_open(self, now_us: int) -> bool:
        return any(w.is_open(now_us) for w in self.windows)

    def next_open_us(self, now_us: int) -> int:
        if self.never_opens:
            raise NeverOpensError("no day and time is left on which sending is allowed")
        return min(w.next_open_us(now_us) for w in self._usable())

    def closes_us(self, now_us: int) -> int:
        opens_us = closes_us = self.next_open_us(now_us)
        while closes_us < opens_us + LONGEST_OPENING_US:
            ends = [end for start, end in self._spans_at(closes_us) if start <= closes_us]
            if not ends:
                return closes_us
            closes_us = max(ends)
        return opens_us + LONGEST_OPENING_US

    def _spans_at(self, now_us: int) -> Iterator[tuple[int, int]]:
        return (_next_span(w, now_us) for w in self._usable())

    def _usable(self) -> Iterable[Window]:
        return (w for w in self.windows if not w.never_opens)


def _next_span(window: Window, now_us: int) -> tuple[int, int]:
    """The first opening that has not ended at `now_us`."""
    if window.never_opens:
        raise NeverOpensError("no day and time is left on which sending is allowed")
    yesterday = from_us(now_us, window.zone).toordinal() - 1
    # A year covers the weeks whose only opening falls into a gap of the clock.
    for ordinal in range(yesterday, yesterday + len(window.blackout) + 366):
        span = _span(window, ordinal)
        if span and span[1] > now_us:
            return span
    raise NeverOpensError("the window does not open within a year of its last blackout date")


@lru_cache(maxsize=8192)
def _span(window: Window, ordinal: int) -> tuple[int, int] | None:
    """The opening that begins on that day in the window's zone, as [start, end)."""
    day = date.fromordinal(ordinal)
    if day.weekday() not in window.days or day in window.blackout:
        return None
    zone, tomorrow = ZoneInfo(window.zone), day + timedelta(days=1)
    start_us = max(_instants(day, window.start, zone))
    end_us = min(_end(day, window, zone))
    if tomorrow in window.blackout:
        end_us = min(end_us, *_instants(tomorrow, time.min, zone))
    return (start_us, end_us) if start_us < end_us else None


def _end(day: date, window: Window, zone: ZoneInfo) -> tuple[int, int]:
    if window.end == END_OF_DAY:
        return _instants(day + timedelta(days=1), time.min, zone)
    overnight = window.start > window.end
    return _instants(day + timedelta(days=overnight), window.end, zone)


def _instants(day: date, at: time, zone: ZoneInfo) -> tuple[int, int]:
    """First and second occurrence of a wall time: equal, but where the clock is put back."""
    local = datetime.combine(day, at, zone)
    first_us, second_us = to_us(local.replace(fold=0)), to_us(local.replace(fold=1))
    if first_us > second_us:  # the wall clock skips this time
        first_us = second_us = _change_us(second_us, first_us, zone)
    return first_us, second_us


def _change_us(before_us: int, after_us: int, zone: ZoneInfo) -> int:
    """The instant in (before, after] at which the zone's offset changes, to the second."""
    offset = _offset(before_us, zone)
    low, high = before_us // SECOND_US, after_us // SECOND_US
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle * SECOND_US, zone) == offset else (low, middle)
    return high * SECOND_US


def _offset(instant_us: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(instant_us // SECOND_US, UTC).astimezone(zone).utcoffset()
