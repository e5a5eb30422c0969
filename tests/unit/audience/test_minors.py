"""Who is a minor on a day, and whom a campaign may reach."""

from __future__ import annotations

from datetime import date

import pytest

from dispatcher.audience.minors import adult_on, is_minor, may_reach
from dispatcher.campaign.model import Minors

SIXTEEN = Minors(from_age=16, basis="Persetujuan orang tua")


@pytest.mark.parametrize(
    ("born", "on", "minor"),
    [
        (date(2009, 2, 10), date(2027, 2, 9), True),
        (date(2009, 2, 10), date(2027, 2, 10), False),
        (date(2008, 2, 29), date(2026, 2, 28), True),
        (date(2008, 2, 29), date(2026, 3, 1), False),
        (None, date(2099, 1, 1), True),
    ],
)
def test_somebody_is_a_minor_until_the_18th_birthday(born: date | None, on: date, minor: bool) -> None:
    """And always where only the mark is known, not the date."""
    assert is_minor(adult_on(born), on) is minor
    assert may_reach(adult_on(born), None, on) is not minor


def test_adults_and_people_of_unknown_age_are_reached() -> None:
    assert not is_minor(None, date(2027, 2, 10))
    assert may_reach(None, None, date(2027, 2, 10))


@pytest.mark.parametrize(
    ("born", "on", "reached"),
    [
        (date(2011, 2, 10), date(2027, 2, 9), False),
        (date(2011, 2, 10), date(2027, 2, 10), True),
        (date(2008, 2, 29), date(2024, 2, 29), False),
        (date(2008, 2, 29), date(2024, 3, 1), True),
        (None, date(2027, 2, 10), False),
    ],
)
def test_a_campaign_reaches_them_from_its_age_on(born: date | None, on: date, reached: bool) -> None:
    """Of somebody born on 29 February it may be a day late, never early."""
    assert may_reach(adult_on(born), SIXTEEN, on) is reached
