"""Permits: at which instants a sender may hand over what it was asked for (invariant 9).

The generic cell rate algorithm without burst: each cost unit moves the sender's theoretical arrival time (`tat`) by
1.01/rate. Permits that are used at most 8 ms late keep any sliding second below the rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from dispatcher.core.clock import SECOND_US

HEADROOM = 1.01
HORIZON_US = 500_000
"""A claim takes at most the rows whose permits fall this far ahead (invariant 8)."""

LATE_US = 8_000
"""A permit used later than this is void."""

SHORTEST_LEAD_US = 45_000
LONGEST_LEAD_US = 400_000


class Lead:
    """How far ahead of its first permit a slice is begun, and a claim made at the latest: what commits take, as found.

    A fixed one would let a message starve where the disk or the machine is slower: each of its permits would be void
    before the message is begun. Steady sending is not slowed: there the permits of a claim lie ahead already.
    """

    def __init__(self) -> None:
        self.us = SHORTEST_LEAD_US

    def was_late(self) -> None:
        self.us = min(2 * self.us, LONGEST_LEAD_US)

    def was_in_time(self) -> None:
        """All of a claim, which is half a second at the rate."""
        self.us = max(self.us - self.us // 20, SHORTEST_LEAD_US)


def interval_us(rate_per_s: float) -> int:
    """The distance between two cost units, rounded up."""
    return math.ceil(HEADROOM * SECOND_US / rate_per_s)


def capacity(tat_us: int, now_us: int, rate_per_s: float) -> int:
    """How many single units have their permit within the horizon."""
    start_us = max(tat_us, now_us)
    if start_us >= now_us + HORIZON_US:
        return 0
    return (now_us + HORIZON_US - start_us - 1) // interval_us(rate_per_s) + 1


def permits(
    tat_us: int, now_us: int, rate_per_s: float, units: Sequence[int], horizon_us: int = HORIZON_US
) -> tuple[list[int], int]:
    """Instants for the first messages that fit before the horizon, and the sender's new `tat`.

    `units`: cost units of each message, in order. Fewer instants than messages: the rest does not fit.
    """
    step_us, at_us, taken = interval_us(rate_per_s), max(tat_us, now_us), []
    for cost in units:
        if at_us >= now_us + horizon_us:
            break
        taken.append(at_us)
        at_us += cost * step_us
    return taken, at_us
