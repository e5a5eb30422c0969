"""Spacing and people per day, held by whoever asks, in any order, with messages that are admitted and do not leave."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.clock import DAY_US, HOUR_US
from dispatcher.delivery.people import Touch, Wish, admit, places

NOW = 1_700_000_000_000_000
A, B, C = b"a", b"b", b"c"


def test_without_rules_all_go() -> None:
    assert admit([Wish(1, A), Wish(2, A)], {A: Touch(9, NOW)}, NOW, None, None).go == {1, 2}


def test_a_second_message_to_a_number_waits_for_the_rest_of_the_spacing() -> None:
    admission = admit([Wish(1, A), Wish(2, B)], {A: Touch(9, NOW - HOUR_US)}, NOW, 6 * HOUR_US, None)
    assert admission.go == {2}
    assert admission.later == {1: NOW + 5 * HOUR_US}


def test_two_to_one_number_at_once_are_spaced() -> None:
    admission = admit([Wish(1, A), Wish(2, A)], {}, NOW, HOUR_US, None)
    assert (admission.go, admission.later) == ({1}, {2: NOW + HOUR_US})


def test_what_was_admitted_and_did_not_leave_goes_on() -> None:
    assert admit([Wish(1, A)], {A: Touch(1, NOW - 1)}, NOW, HOUR_US, 0).go == {1}


def test_only_new_people_take_room() -> None:
    known = {A: Touch(8, NOW - HOUR_US), B: Touch(9, NOW - DAY_US)}
    admission = admit([Wish(1, B), Wish(2, A), Wish(3, C), Wish(4, C)], known, NOW, None, 1)
    assert admission.go == {1, 2}
    assert admission.over == [3, 4]
    assert admit([Wish(3, C), Wish(4, C)], {}, NOW, None, 1).go == {3, 4}


def test_places_are_those_of_people_a_day_ago() -> None:
    assert places([NOW - HOUR_US, NOW], 3, NOW) == [NOW + 23 * HOUR_US, NOW + DAY_US, NOW + DAY_US]
    assert places([NOW - HOUR_US, NOW], 1, NOW) == [NOW + 23 * HOUR_US]


@given(
    st.lists(st.tuples(st.sampled_from([A, B, C, b"d", b"e"]), st.integers(0, 20), st.booleans()), max_size=80),
    st.integers(1, 3),
    st.integers(1, 12),
)
def test_no_moving_day_and_no_pair_is_ever_exceeded(
    asked: list[tuple[bytes, int, bool]], cap: int, spacing_h: int
) -> None:
    """Each is asked for some hours after the one before; what is admitted may leave or not."""
    now_us, spacing_us = NOW, spacing_h * HOUR_US
    touched: dict[bytes, Touch] = {}
    sent: defaultdict[bytes, list[int]] = defaultdict(list)
    for message_id, (number, hours, leaves) in enumerate(asked):
        now_us += hours * HOUR_US
        used = sum(one.at_us > now_us - DAY_US for one in touched.values())
        admission = admit([Wish(message_id, number)], touched, now_us, spacing_us, cap - used)
        if admission.go:
            touched[number] = Touch(message_id, now_us)
            if leaves:
                sent[number].append(now_us)
        day = {n for n, instants in sent.items() if any(at_us > now_us - DAY_US for at_us in instants)}
        assert len(day) <= cap
    for instants in sent.values():
        assert all(later - earlier >= spacing_us for earlier, later in pairwise(instants))
