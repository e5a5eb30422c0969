"""Instants are whole microseconds since 1970 UTC (`…_us`), so that SQLite and Postgres agree.

The database's clock decides what is due (DESIGN 5): `Clock` holds the offset between it and the local clock, read every
few seconds. Local clocks only measure durations.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


def to_us(instant: datetime) -> int:
    """Microseconds of an aware datetime; ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    delta = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND_US + delta.microseconds


def from_us(instant_us: int, zone: str = "UTC") -> datetime:
    seconds, micros = divmod(instant_us, SECOND_US)
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).replace(microsecond=micros)


def iso(instant_us: int | None, zone: str = "UTC") -> str | None:
    """ISO 8601 with offset, to the second: the form of every instant in our JSON."""
    return None if instant_us is None else from_us(instant_us, zone).isoformat(timespec="seconds")


def boottime_ns() -> int:
    """A clock that also runs while the machine sleeps (invariant 4); monotonic where there is none."""
    clock_id = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(clock_id)


class Clock:
    """Now, by the database's clock: a local steady clock plus an offset that `set_offset` moves."""

    def __init__(self, steady_ns: Callable[[], int] = boottime_ns) -> None:
        self._steady_ns = steady_ns
        self._offset_us = time.time_ns() // 1000 - steady_ns() // 1000

    def now_us(self) -> int:
        return self._steady_ns() // 1000 + self._offset_us

    def synchronise(self, database_now_us: int) -> None:
        """Adopt the database's instant, read just now."""
        self._offset_us = database_now_us - self._steady_ns() // 1000
