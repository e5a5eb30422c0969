"""What a step will cost and how long it will take, from dated prices, rates and windows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from dispatcher.core.clock import SECOND_US
from dispatcher.core.money import Money
from dispatcher.core.window import NeverOpensError, Window

_HEADROOM = 1.01  # permits are spaced by this much more than 1/rate (invariant 9)


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One dated price; empty `sender`, `channel`, `country` fit all."""

    since: date
    currency: str
    amount: Decimal
    per: Literal["message", "segment"]
    sender: str = ""
    channel: str = ""
    country: str = ""

    def fits(self, sender: str, channel: str, country: str, on: date) -> bool:
        own = ((self.sender, sender), (self.channel, channel), (self.country, country))
        return self.since <= on and all(mine in ("", theirs) for mine, theirs in own)

    @property
    def specificity(self) -> tuple[int, date]:
        """A line that names more wins; of equals, the younger."""
        return (4 * bool(self.sender) + 2 * bool(self.channel) + bool(self.country), self.since)


class Prices:
    """What one message costs. None where no line fits: unknown is not free."""

    def __init__(self, lines: Iterable[PriceLine]) -> None:
        self._lines = tuple(lines)
        self._found: dict[tuple[str, str, str, date], PriceLine | None] = {}

    def of(self, sender: str, channel: str, country: str, on: date, messages: int, segments: int) -> Money | None:
        key = (sender, channel, country, on)
        if key not in self._found:
            fitting = [line for line in self._lines if line.fits(*key)]
            self._found[key] = max(fitting, key=lambda line: line.specificity, default=None)
        line = self._found[key]
        if line is None:
            return None
        return Money.of(line.currency, line.amount * (segments if line.per == "segment" else messages))


@dataclass(frozen=True, slots=True)
class Span:
    """First and last hand-over, and how many cost units fall after the expiry."""

    starts_us: int | None
    ends_us: int | None
    late_units: int


def span(window: Window, due_us: int, expires_us: int, loads: Sequence[tuple[int, float | None]]) -> Span:
    """`loads`: cost units and rate per second of each sender, which send side by side; None: no limit."""
    starts: list[int] = []
    ends: list[int] = []
    late = 0
    for units, rate in loads:
        if units == 0:
            continue
        first, last, after = _walk(window, due_us, expires_us, units, rate)
        late += after
        if first is not None and last is not None:
            starts.append(first)
            ends.append(last)
    return Span(min(starts, default=None), max(ends, default=None), late)


def _walk(
    window: Window, due_us: int, expires_us: int, units: int, rate: float | None
) -> tuple[int | None, int | None, int]:
    """Through the openings of the window until all units are sent or the time is over."""
    needed_us = 0 if rate is None else int((units - 1) * SECOND_US * _HEADROOM / rate)
    first: int | None = None
    at_us, last = due_us, None
    while True:
        try:
            opens_us = window.next_open_us(at_us)
            closes_us = min(window.closes_us(opens_us), expires_us)
        except NeverOpensError:
            return first, last, units
        if opens_us >= expires_us:
            left = units if rate is None else min(units, int(needed_us * rate / (SECOND_US * _HEADROOM)) + 1)
            return first, last, left
        first = opens_us if first is None else first
        if needed_us < closes_us - opens_us:
            return first, opens_us + needed_us, 0
        needed_us -= closes_us - opens_us
        at_us = last = closes_us
