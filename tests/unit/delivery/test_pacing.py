"""Permits: no sliding second above the rate, however late within 8 ms each is used (invariant 9)."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.delivery.pacing import HORIZON_US, LATE_US, capacity, interval_us, permits

NOW = 1_700_000_000_000_000
RATES = st.integers(1, 1000).map(float)


def most_in_a_second(uses: list[tuple[int, int]]) -> int:
    """(instant, cost units): the most units in any sliding second."""
    uses = sorted(uses)
    most = start = inside = 0
    for instant, units in uses:
        inside += units
        while uses[start][0] <= instant - 1_000_000:
            inside -= uses[start][1]
            start += 1
        most = max(most, inside)
    return most


@given(RATES, st.lists(st.integers(0, 700_000), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_claims_of_any_workers_one_after_the_other_never_exceed_the_rate(rate, gaps, random) -> None:  # type: ignore[no-untyped-def]
    tat_us, uses = 0, list[tuple[int, int]]()
    for now_us in accumulate(gaps, initial=NOW):
        taken, tat_us = permits(tat_us, now_us, rate, [1] * capacity(tat_us, now_us, rate))
        uses += [(at_us + random.randint(0, LATE_US), 1) for at_us in taken]
    assert most_in_a_second(uses) <= rate


@given(st.floats(0.1, 2000), st.integers(0, 2 * HORIZON_US))
def test_capacity_is_how_many_fit_before_the_horizon(rate: float, ahead_us: int) -> None:
    room = capacity(NOW + ahead_us, NOW, rate)
    taken, tat_us = permits(NOW + ahead_us, NOW, rate, [1] * (room + 5))
    assert len(taken) == room
    assert all(NOW <= at_us < NOW + HORIZON_US for at_us in taken)
    assert tat_us == NOW + ahead_us + room * interval_us(rate)


def test_a_message_of_several_units_moves_the_next_by_all_of_them() -> None:
    taken, tat_us = permits(0, NOW, 10.0, [3, 1, 1])
    assert taken == [NOW, NOW + 303_000, NOW + 404_000]
    assert tat_us == NOW + 505_000


def test_a_sender_that_rested_saves_nothing_up() -> None:
    taken, _ = permits(NOW - 10_000_000, NOW, 10.0, [1, 1])
    assert taken == [NOW, NOW + 101_000]
