"""Caps: how many a day, in any 7 days running, in any 30."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product

import pytest

from dispatcher.audience.caps import Room, Used, in_words, is_full, limits_of
from dispatcher.audience.recipient import Point, Recipient
from dispatcher.campaign.model import Caps
from dispatcher.core.clock import DAY_US, to_us
from dispatcher.delivery.schedule import FAR_US

NONE = Caps()
DAY = date(2027, 2, 10).toordinal()
NOON_US = to_us(datetime(2027, 2, 10, 5, tzinfo=UTC))  # in Jakarta
PHONE = Point(1, "sms", 0, b"phone", b"", "ID")
ANI = Recipient(7, points=(PHONE,))


def _caps(**most: int) -> Caps:
    return Caps.model_validate(most)


def test_the_stricter_of_two_caps_counts_and_exempt_means_none() -> None:
    installation = _caps(per_day=2, per_30_days=8)
    assert limits_of(installation, None) == ((1, 2), (30, 8))
    assert limits_of(installation, _caps(per_day=1, per_7_days=3, per_30_days=9)) == ((1, 1), (7, 3), (30, 8))
    assert limits_of(NONE, _caps(per_7_days=3)) == ((7, 3),)
    assert limits_of(installation, "exempt") == ()
    assert limits_of(NONE, None) == ()


def test_limits_in_words() -> None:
    assert in_words(limits_of(_caps(per_day=1, per_7_days=3), None)) == "1 a day, 3 in any 7 days"


@pytest.mark.parametrize(
    ("had", "full"),
    [([], False), ([0], False), ([0, 0], True), ([-6, -6], True), ([-7, -6], False), ([-6, 6], False), ([3, 5], True)],
)
def test_seven_days_are_any_seven_running(had: list[int], full: bool) -> None:
    """Also those to come: what waits for a later day holds its place."""
    assert is_full(((7, 2),), [DAY + day for day in had], DAY) is full


def test_a_full_period_is_one_in_which_one_more_would_be_too_many() -> None:
    """Against the definition: with the new day among them, some run of days holds more than the cap."""
    for had in product(range(-4, 5), repeat=3):
        days = [*had, 0]
        fits = all(sum(first <= day < first + 3 for day in days) <= 2 for first in range(-2, 1))
        assert is_full(((3, 2),), had, 0) is not fits


def _room(*used: Used, per_day: int = 1) -> Room:
    return Room(((1, per_day),), used, lambda zone: NOON_US, "Asia/Jakarta")


def test_hops_of_one_step_count_once() -> None:
    first, second = Used(7, b"phone", 1, NOON_US), Used(7, b"other", 1, NOON_US)
    assert not _room(first, second, per_day=2).is_full(ANI, PHONE)
    assert _room(first, second._replace(step=2), per_day=2).is_full(ANI, PHONE)


def test_what_the_number_got_counts_for_everyone_who_has_it() -> None:
    assert _room(Used(8, b"phone", 1, NOON_US)).is_full(ANI, PHONE)
    assert not _room(Used(8, b"other", 1, NOON_US)).is_full(ANI, PHONE)


def test_days_are_those_of_the_person() -> None:
    """15:30 UTC is 22:30 of the same day in Jakarta, and 00:30 of the next in Jayapura."""
    used = Used(7, b"phone", 1, to_us(datetime(2027, 2, 10, 15, 30, tzinfo=UTC)))
    assert _room(used).is_full(ANI, PHONE)
    assert not _room(used).is_full(Recipient(7, zone="Asia/Jayapura", points=(PHONE,)), PHONE)


def test_what_waits_for_a_window_that_never_opens_is_on_no_day() -> None:
    assert not _room(Used(7, b"phone", 1, FAR_US)).is_full(ANI, PHONE)
    assert _room(Used(7, b"phone", 1, NOON_US + DAY_US // 4)).is_full(ANI, PHONE)
