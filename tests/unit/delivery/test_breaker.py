"""The breaker: what it counts, over which window, and what it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dispatcher.core.clock import HOUR_US, MINUTE_US
from dispatcher.core.status import Reason, Status
from dispatcher.delivery.breaker import (
    BEGINNING,
    FAULTS,
    Counts,
    Mark,
    base,
    judge_failures,
    judge_refusals,
    wants_mark,
)
from dispatcher.delivery.limits import Limit, Limits

NOW = 1_700_000_000_000_000
FAILED = Limits().failed or Limit(share=1, least=1, within="1m")  # type: ignore[arg-type]
OPTED_OUT = Limits().opted_out or FAILED


def test_failures_of_recipients_are_no_faults() -> None:
    own = {Reason.INVALID_NUMBER, Reason.UNREACHABLE, Reason.NOT_ON_CHANNEL, Reason.OPTED_OUT, Reason.SYNTHETIC}
    counts = Counts.of({(Status.FAILED, reason): 10 for reason in (*own, Reason.FILTERED)})
    assert counts == Counts(60, 60, {"filtered": 10})
    assert not own & FAULTS


def test_what_was_taken_ended_and_what_waits_did_not() -> None:
    waits = {(status, ""): 100 for status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN, Status.CANCELLED)}
    taken = {(Status.ACCEPTED, ""): 1, (Status.SENT, ""): 2, (Status.DELIVERED, ""): 4, (Status.READ, ""): 8}
    assert Counts.of({**waits, **taken}) == Counts(15, 12, {})


@pytest.mark.parametrize(
    ("ended", "faults", "trips"),
    [(49, 49, False), (50, 25, True), (50, 24, False), (1000, 499, False), (1000, 500, True), (0, 0, False)],
)
def test_failures_trip_at_half_of_fifty(ended: int, faults: int, trips: bool) -> None:
    assert bool(judge_failures(Counts(ended, 0, {"filtered": faults}), FAILED)) is trips


def test_receipts_of_earlier_messages_are_weighed_against_each_other() -> None:
    """Nothing was sent in the window; of those whose end was told in it, few failed, or most."""
    assert not judge_failures(Counts(0, 1000, {"provider_error": 60}), FAILED)
    assert judge_failures(Counts(0, 100, {"provider_error": 60}), FAILED)


@pytest.mark.parametrize(
    ("refused", "sent", "trips"), [(19, 100, False), (20, 666, True), (20, 667, False), (30, 1000, True), (20, 3, True)]
)
def test_refusals_trip_at_three_of_a_hundred(refused: int, sent: int, trips: bool) -> None:
    assert bool(judge_refusals(refused, Counts(sent), OPTED_OUT)) is trips


def test_it_says_what_happened_and_what_to_do() -> None:
    why = judge_failures(Counts(100, 0, {"provider_error": 21, "filtered": 41}), FAILED)
    assert why.startswith("breaker: 62 of 100 messages failed within 5 min")
    assert "(filtered 41, provider_error 21)" in why
    assert "cancel" in why
    assert "25 people opted out after 400 messages within 24 h" in judge_refusals(25, Counts(400), OPTED_OUT)


def test_a_window_counts_the_difference_and_never_less_than_nothing() -> None:
    before = Counts(100, 80, {"filtered": 5, "template": 3})
    now = Counts(130, 70, {"filtered": 9, "template": 1, "other": 2})
    assert now.since(before) == Counts(30, 0, {"filtered": 4, "other": 2})


@given(st.lists(st.tuples(st.integers(1, 60_000_000), st.integers(0, 3)), max_size=60))
def test_a_window_is_never_shorter_than_it_says_and_marks_stay_few(steps: list[tuple[int, int]]) -> None:
    within_us, now_us, ended, marks = 5 * MINUTE_US, NOW, 0, list[Mark]()
    history = [(0, 0)]
    for passed_us, more in steps:
        now_us, ended = now_us + passed_us, ended + more
        history.append((now_us, ended))
        start = base(marks, now_us, within_us)
        at_start = next(n for at_us, n in reversed(history) if at_us <= now_us - within_us)
        assert start.counts.ended <= at_start
        assert start in (*marks, BEGINNING)
        if wants_mark(marks, Counts(ended), now_us, within_us):
            marks = [mark for mark in marks if mark.at_us >= start.at_us] + [Mark(now_us, Counts(ended))]
        assert len(marks) <= 13


def test_a_resumption_is_a_beginning_of_its_own() -> None:
    resumed = Mark(0, Counts(500, 500, {"filtered": 500}))
    assert base([resumed, Mark(NOW, Counts(510))], NOW + MINUTE_US, 5 * MINUTE_US) is resumed
    assert not wants_mark([resumed], resumed.counts, NOW, HOUR_US)


@pytest.mark.parametrize(
    ("written", "failed", "opted_out"),
    [
        ({}, (0.5, 50), (0.03, 20)),
        ("off", None, None),
        ({"failed": "off"}, None, (0.03, 20)),
        ({"failed": {"share": "20 %"}, "opted_out": {"least": 5, "within": "2h"}}, (0.2, 50), (0.03, 5)),
    ],
)
def test_limits_as_written(written: Any, failed: Any, opted_out: Any) -> None:
    limits = Limits.model_validate(written)
    found = [limit and (limit.share, limit.least) for limit in (limits.failed, limits.opted_out)]
    assert found == [failed, opted_out]


@pytest.mark.parametrize(
    "written",
    [
        {"fails": {}},
        {"failed": {"share": 0}},
        {"failed": {"share": "101 %"}},
        {"failed": {"share": "viel %"}},
        {"failed": {"within": "0m"}},
        {"opted_out": {"ends": 3}},
        {"except": ["Not A Slug"]},
        "on",
    ],
)
def test_what_is_no_limit_is_refused(written: Any) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate(written)
