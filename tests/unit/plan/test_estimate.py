"""Estimates: how long sending takes under a rate and a window, and what it costs by dated prices."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.clock import HOUR_US, SECOND_US, to_us
from dispatcher.core.money import Money
from dispatcher.core.window import EVERY_DAY, Window
from dispatcher.plan.estimate import PriceLine, Prices, span

ZONE = ZoneInfo("Asia/Jakarta")
HOURS = Window("Asia/Jakarta", EVERY_DAY, time(8), time(20))
JUNE = date(2027, 6, 1)


def at(hour: int, minute: int = 0, day: int = 10) -> int:
    return to_us(datetime(2027, 2, day, hour, minute, tzinfo=ZONE))


def test_without_a_rate_everything_leaves_at_once() -> None:
    found = span(HOURS, at(9), at(21), [(1000, None)])
    assert (found.starts_us, found.ends_us, found.late_units) == (at(9), at(9), 0)


def test_sending_waits_for_the_window() -> None:
    found = span(HOURS, at(6), at(21), [(10, 1.0)])
    assert found.starts_us == at(8)


def test_what_does_not_fit_into_a_day_goes_on_the_next() -> None:
    per_day = 12 * 3600 / 1.01
    found = span(HOURS, at(8), at(20, day=14), [(int(per_day) + 100, 1.0)])
    assert found.starts_us == at(8)
    assert found.ends_us is not None
    assert at(8, day=11) < found.ends_us < at(8, 5, day=11)
    assert found.late_units == 0


def test_what_comes_after_the_expiry_is_late() -> None:
    found = span(HOURS, at(8), at(9), [(7200, 1.0)])
    assert found.late_units == pytest.approx(7200 - 3600 / 1.01, abs=2)


def test_senders_work_side_by_side() -> None:
    together = span(HOURS, at(9), at(20), [(100, 1.0), (100, 1.0)])
    alone = span(HOURS, at(9), at(20), [(100, 1.0)])
    assert together == alone


@given(st.integers(1, 20_000), st.floats(0.5, 500))
def test_the_end_is_never_before_the_pace_allows(units: int, rate: float) -> None:
    found = span(HOURS, at(8), at(20, day=20), [(units, rate)])
    assert found.starts_us == at(8)
    assert found.ends_us is not None
    assert found.ends_us - at(8) >= (units - 1) * SECOND_US / rate


def test_a_window_that_is_over_before_the_expiry_sends_nothing() -> None:
    found = span(HOURS, at(21), at(21) + HOUR_US, [(5, None)])
    assert (found.starts_us, found.late_units) == (None, 5)


LINES = [
    PriceLine(date(2026, 1, 1), "IDR", Decimal(400), "segment", country="ID"),
    PriceLine(date(2027, 1, 1), "IDR", Decimal(450), "segment", country="ID"),
    PriceLine(date(2026, 1, 1), "USD", Decimal("0.025"), "message", sender="wa"),
]


@pytest.mark.parametrize(
    ("sender", "on", "expected"),
    [
        ("sms", date(2026, 6, 1), Money.of("IDR", 800)),
        ("sms", JUNE, Money.of("IDR", 900)),
        ("wa", JUNE, Money.of("USD", "0.025")),
        ("sms", date(2025, 1, 1), None),
    ],
)
def test_the_most_specific_and_then_the_youngest_price_counts(sender: str, on: date, expected: Money | None) -> None:
    assert Prices(LINES).of(sender, "twilio-sms", "ID", on, 1, 2) == expected
