"""Who is under age, on the day a step is due: under 18, as the law on personal data has it, though people vote from 17.

A campaign reaches minors only where it says so (`minors:`), from an age on and with the basis on which it may. Somebody
marked as a minor of whom no birth date is known stays one.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatcher.campaign.model import Minors

ADULT = 18


def adult_on(born: date | None) -> date:
    """The 18th birthday of somebody marked as a minor; who was born on 29 February has it on 1 March."""
    return date.max if born is None else _birthday(born, ADULT)


def is_minor(adult_on: date | None, on: date) -> bool:
    """`adult_on`: None for adults, and for people of whom no age is known."""
    return adult_on is not None and on < adult_on


def may_reach(adult_on: date | None, minors: Minors | None, on: date) -> bool:
    """`minors`: the campaign's word; None leaves them out."""
    if adult_on is None or on >= adult_on:
        return True
    if minors is None or adult_on == date.max:
        return False
    return on >= _birthday(adult_on, minors.from_age - ADULT)


def _birthday(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
