"""When a message may go, and when one that was not sent is tried again."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.clock import DAY_US, MINUTE_US, SECOND_US, to_us
from dispatcher.core.window import EVERY_DAY, Window
from dispatcher.delivery.schedule import (
    FAR_US,
    FIRST_RETRY_US,
    LONGEST_RETRY_US,
    next_opening,
    retry_delay_us,
    throttle_delay_us,
)

ZONE = ZoneInfo("Asia/Jakarta")
HOURS = Window("Asia/Jakarta", EVERY_DAY, time(8), time(20))


def at(day: int, hour: int) -> int:
    return to_us(datetime(2027, 2, day, hour, tzinfo=ZONE))


def test_inside_the_window_it_may_go_when_it_is_due() -> None:
    opening = next_opening(HOURS, at(10, 9))
    assert (opening.opens_us, opening.closes_us, opening.rule) == (at(10, 9), at(10, 20), "due")


@pytest.mark.parametrize(("day", "hour", "opens"), [(10, 7, at(10, 8)), (10, 20, at(11, 8)), (10, 23, at(11, 8))])
def test_outside_it_waits_for_the_next_opening(day: int, hour: int, opens: int) -> None:
    opening = next_opening(HOURS, at(day, hour))
    assert (opening.opens_us, opening.rule) == (opens, "window")
    assert opening.closes_us == opens + 12 * 60 * MINUTE_US


def test_a_window_that_never_opens_raises_nothing() -> None:
    opening = next_opening(Window("Asia/Jakarta", frozenset(), time(8), time(20)), at(10, 9))
    assert (opening.opens_us, opening.rule) == (FAR_US, "never")


@given(st.integers(1, 40), st.floats(0, 1, exclude_max=True))
def test_retries_wait_between_half_and_all_of_a_doubling_delay(tries: int, jitter: float) -> None:
    ceiling_us = min(FIRST_RETRY_US * 2 ** (tries - 1), LONGEST_RETRY_US)
    assert ceiling_us // 2 <= retry_delay_us(tries, jitter) <= ceiling_us


@pytest.mark.parametrize(
    ("asked_s", "waits_us"),
    [(None, SECOND_US), (0.0, 0), (-3.0, 0), (2.5, 2_500_000), (1e9, DAY_US)],
)
def test_a_throttled_sender_waits_as_long_as_it_is_asked_to(asked_s: float | None, waits_us: int) -> None:
    assert throttle_delay_us(asked_s) == waits_us
