"""How many messages somebody gets at most, over all campaigns: on a day, in any 7 days running, in any 30.

Days are those of the person's own zone, else of the campaign's. What counts is a step that reaches out, whatever hops
it took, on the day it went or is to go; and for whoever shares a number, what the number got.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Final, Literal, NamedTuple

from dispatcher.audience.recipient import Point, Recipient
from dispatcher.campaign.model import Caps
from dispatcher.core.clock import DAY_US, from_us, to_us

EXEMPT: Final = "exempt"
_PERIODS: Final = (("per_day", 1), ("per_7_days", 7), ("per_30_days", 30))
REACH_US: Final = 31 * DAY_US
"""What went longer ago than this before a message is in no period with it, whatever the zone."""

_LAST_US: Final = to_us(datetime(9000, 1, 1, tzinfo=UTC))
"""For what waits for a window that never opens."""

Limits = tuple[tuple[int, int], ...]
"""(days running, messages at most); none: no caps."""


class Used(NamedTuple):
    """A message that counts. `step`: messages of one step count once for a person."""

    contact_id: int
    address_hash: bytes
    step: int
    at_us: int


def limits_of(installation: Caps, campaign: Caps | Literal["exempt"] | None) -> Limits:
    """The stricter of the two for each period."""
    if campaign == EXEMPT:
        return ()
    found = []
    for name, days in _PERIODS:
        given = [most for caps in (installation, campaign) if caps and (most := getattr(caps, name)) is not None]
        if given:
            found.append((days, min(given)))
    return tuple(found)


def is_full(limits: Limits, days: Collection[int], day: int) -> bool:
    """Whether one more on `day` would be too many in some period. Days are ordinals."""
    return any(_is_full(length, most, days, day) for length, most in limits)


def _is_full(length: int, most: int, days: Collection[int], day: int) -> bool:
    near = [one for one in days if abs(one - day) < length]
    if len(near) < most:
        return False
    first_days = range(day - length + 1, day + 1)
    return any(sum(first <= one < first + length for one in near) >= most for first in first_days)


def in_words(limits: Limits) -> str:
    """`1 a day, 3 in any 7 days`."""
    return ", ".join(f"{most} a day" if days == 1 else f"{most} in any {days} days" for days, most in limits)


class Room:
    """Whether people of a page may get one more. `at_us`: zone → when the message would go."""

    def __init__(self, limits: Limits, used: Iterable[Used], at_us: Callable[[str], int], zone: str) -> None:
        self._limits = limits
        self._zone = zone
        self._day = cache(lambda zone: self._day_of(at_us(zone), zone))
        self._by_person: dict[int, list[Used]] = defaultdict(list)
        self._by_number: dict[bytes, list[Used]] = defaultdict(list)
        for one in used:
            self._by_person[one.contact_id].append(one)
            self._by_number[one.address_hash].append(one)

    def is_full(self, person: Recipient, point: Point) -> bool:
        used = [*self._by_person.get(person.id, ()), *self._by_number.get(point.address_hash, ())]
        if not used:
            return False
        latest: dict[int, int] = {}
        for one in used:
            latest[one.step] = max(latest.get(one.step, 0), one.at_us)
        days = [self._day_of(at_us, person.zone) for at_us in latest.values()]
        return is_full(self._limits, days, self._day(person.zone))

    def _day_of(self, at_us: int, zone: str) -> int:
        return from_us(min(at_us, _LAST_US), zone or self._zone).toordinal()
