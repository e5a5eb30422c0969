"""When a message may go: inside its window, before it expires; and when a proven-not-sent one is tried again."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.core.clock import HOUR_US, MINUTE_US, SECOND_US
from dispatcher.core.window import NeverOpensError, Window

FAR_US = 1 << 62
AHEAD_US = HOUR_US
"""A step is expanded at most this long before it is due (invariant 10)."""

FIRST_RETRY_US = 2 * SECOND_US
LONGEST_RETRY_US = 5 * MINUTE_US
DEFAULT_THROTTLE_US = 1 * SECOND_US
LONGEST_THROTTLE_US = 24 * 60 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Opening:
    """[`opens_us`, `closes_us`) and the rule that set it: `due`, `window`, or `never`."""

    opens_us: int
    closes_us: int
    rule: str


def next_opening(window: Window, wanted_us: int) -> Opening:
    """The first stretch of the window that is not over at `wanted_us`; never raises: FAR_US where there is none."""
    try:
        opens_us = window.next_open_us(wanted_us)
        return Opening(opens_us, window.closes_us(opens_us), "due" if opens_us == wanted_us else "window")
    except NeverOpensError:
        return Opening(FAR_US, FAR_US, "never")


def retry_delay_us(tries: int, jitter: float) -> int:
    """Exponential with jitter, from 2 s to 5 min. `tries` counts from 1; `jitter` in [0, 1)."""
    ceiling_us = min(FIRST_RETRY_US << min(tries - 1, 16), LONGEST_RETRY_US)
    return int(ceiling_us * (0.5 + jitter / 2))


def throttle_delay_us(retry_after_s: float | None) -> int:
    """As long as the provider asks, at most a day."""
    if retry_after_s is None:
        return DEFAULT_THROTTLE_US
    # in this order also where it is not a number, or endless
    return int(min(LONGEST_THROTTLE_US, max(0.0, retry_after_s * SECOND_US)))
