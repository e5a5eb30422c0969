"""How often one sender may message a person, and how many people a day: WhatsApp's pair rate and portfolio cap.

Both count numbers, as providers do, and are kept for the sender over all campaigns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from dispatcher.core.clock import DAY_US

SPACING: Final = "spacing"
PEOPLE_PER_DAY: Final = "people-per-day"


class Wish(NamedTuple):
    """A message that would go now."""

    id: int
    address_hash: bytes


class Touch(NamedTuple):
    """The last message of a sender to a number: which, and its instant."""

    message_id: int
    at_us: int


@dataclass(slots=True)
class Admission:
    """`go`: ids. `later`: id → when its spacing is over. `over`: ids for whom there is no room today."""

    go: set[int] = field(default_factory=set)
    later: dict[int, int] = field(default_factory=dict)
    over: list[int] = field(default_factory=list)


def admit(
    wishes: Sequence[Wish], touched: Mapping[bytes, Touch], now_us: int, spacing_us: int | None, room: int | None
) -> Admission:
    """`room`: how many people more there may be today; None: no limit.

    A message that was admitted before, and did not leave, does not stand in its own way.
    """
    admission, met = Admission(), set[bytes]()
    for message_id, number in wishes:
        last = touched.get(number)
        free_us = 0
        if spacing_us is not None:
            if number in met:
                free_us = now_us + spacing_us
            elif last is not None and last.message_id != message_id:
                free_us = last.at_us + spacing_us
        if free_us > now_us:
            admission.later[message_id] = free_us
            continue
        if room is not None and number not in met and not (last and last.at_us > now_us - DAY_US):
            if room <= 0:
                admission.over.append(message_id)
                continue
            room -= 1
        met.add(number)
        admission.go.add(message_id)
    return admission


def places(taken_us: Sequence[int], count: int, now_us: int) -> list[int]:
    """When `count` people more may be messaged: each a day after one whose place they take.

    `taken_us`: when those were messaged whose places are not promised yet, ascending. Where they do not suffice, the
    rest asks again in a day.
    """
    given = [at_us + DAY_US for at_us in taken_us[:count]]
    return given + [now_us + DAY_US] * (count - len(given))
