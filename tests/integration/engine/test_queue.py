"""Claim, begin, record, release: whose a row is, and for how long (invariants 3 to 6, 8)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Connection

from dispatcher.core.status import Reason, Status
from dispatcher.spi import (
    Accepted,
    Ambiguous,
    Filtered,
    Misconfigured,
    NotSent,
    OptedOut,
    Outcome,
    Rejected,
    Throttled,
    Unsupported,
)
from dispatcher.store import claims
from dispatcher.store.tables import attempts
from tests.integration.engine.stage import LEASE_US, Hands, Stage

END = {
    Accepted(("x",)): "accepted",
    Accepted(final=True): "delivered",
    Rejected(Reason.INVALID_NUMBER): "failed",
    OptedOut("21610"): "failed",
    Unsupported(): "failed",
    Filtered("30007"): "failed",
    Ambiguous(): "unknown",
    Throttled(1.0): "queued",
    NotSent(): "queued",
    Misconfigured("20003"): "queued",
}


@pytest.mark.parametrize("outcome", END, ids=lambda outcome: type(outcome).__name__)
def test_each_outcome_has_its_end_and_is_recorded_once(stage: Stage, outcome: Outcome) -> None:
    stage.people(3)
    stage.start()
    begun = stage.send(outcome, 2)
    assert stage.statuses() == Counter({END[outcome]: 2}) + Counter({"queued": 1})
    before = stage.rows()
    if END[outcome] != "unknown":
        stage.record(begun, outcome)
        assert [row.status for row in stage.rows()] == [row.status for row in before]


def test_a_row_is_one_workers_only(stage: Stage) -> None:
    stage.people(5)
    stage.start()
    mine, theirs = stage.claim(3, token=1), stage.claim(5, token=2)
    assert (len(mine), len(theirs)) == (3, 2)
    assert not {row.id for row in mine} & {row.id for row in theirs}
    assert stage.begin(mine, token=2) == {}
    assert len(stage.begin(mine, token=1)) == 3
    assert stage.begin(mine, token=1) == {}


def test_a_claim_that_ended_belongs_to_the_next(stage: Stage) -> None:
    """Invariant 3: a lease that ends without an attempt returns the row, and the first holder cannot begin it."""
    clock = Hands(stage.context)
    stage.people(2)
    stage.start()
    first = stage.claim(token=1)
    clock.pass_s(2.1)
    assert stage.begin(first, token=1) == {}
    second = stage.claim(token=2)
    assert {row.id for row in second} == {row.id for row in first}
    assert stage.begin(first, token=1) == {}
    assert len(stage.begin(second, token=2)) == 2
    stage.run(lambda connection: claims.release(connection, 1, [row.id for row in first]))
    assert stage.statuses() == {"sending": 2}


def test_what_was_released_can_be_claimed_at_once(stage: Stage) -> None:
    stage.people(2)
    stage.start()
    rows = stage.claim(token=1)
    stage.run(lambda connection: claims.release(connection, 1, [rows[0].id]))
    assert [row.id for row in stage.claim(token=2)] == [rows[0].id]


def test_a_lease_that_ends_after_the_attempt_makes_it_unknown_and_a_late_word_still_counts(stage: Stage) -> None:
    """Invariants 3 and 4."""
    clock = Hands(stage.context)
    stage.people(2)
    stage.start()
    begun = stage.begin(stage.claim())
    clock.pass_us(LEASE_US)
    stage.tick()
    assert stage.statuses() == {"unknown": 2}
    one, other = begun.items()
    stage.record(dict([one]), Accepted(("late",)))
    stage.record(dict([other]), NotSent())
    assert stage.statuses() == {"accepted": 1, "queued": 1}


def test_each_attempt_is_kept_and_the_message_row_holds_the_last(stage: Stage) -> None:
    clock = Hands(stage.context)
    stage.people(1)
    stage.start()
    for attempt in (1, 2, 3):
        assert list(stage.send(NotSent()).values()) == [attempt]
        clock.pass_s(600)
    (row,) = stage.rows()
    assert (row.attempt, row.tries, row.not_before_rule) == (3, 3, "retry")
    with stage.context.database.read() as connection:
        kept = connection.execute(attempts.select().order_by(attempts.c.attempt)).all()
    assert [(one.attempt, one.status, one.reason) for one in kept] == [
        (1, "failed", "not_sent"),
        (2, "failed", "not_sent"),
    ]


def test_a_late_acceptance_of_an_earlier_attempt_is_adopted_instead_of_sending_again(stage: Stage) -> None:
    clock = Hands(stage.context)
    stage.people(1)
    stage.start()
    first = stage.send(NotSent())
    clock.pass_s(600)
    (message_id,) = first
    stage.record({message_id: 1}, Accepted(("x",)))
    assert stage.statuses() == {Status.ACCEPTED: 1}
    assert stage.claim() == ()


def test_urgent_rows_go_before_normal_ones(stage: Stage) -> None:
    stage.people(10)
    stage.start("biasa")
    stage.start("segera", step="priority: urgent")
    urgent, normal = stage.campaign("segera").id, stage.campaign("biasa").id
    claimed = Counter(row.campaign_id for row in stage.claim(15))
    assert claimed == {urgent: 10, normal: 5}


def test_no_plan_of_the_database_claims_more_than_was_asked(postgres_url: str, tmp_path: Path) -> None:
    stage = Stage(postgres_url, tmp_path)
    stage.people(50)
    stage.start()

    def claim(connection: Connection) -> int:
        for kind in ("hashjoin", "mergejoin", "hashagg", "sort", "material"):
            connection.exec_driver_sql(f"SET LOCAL enable_{kind} = off")
        now_us = stage.context.now_us()
        return len(claims.claim(connection, stage.sender_id(), 10, 7, now_us, now_us + 1))

    assert stage.run(claim) == 10
    stage.close()


def test_campaigns_of_a_sender_take_turns(stage: Stage) -> None:
    """A large campaign does not hold up a small one."""
    stage.people(40)
    ids = []
    for slug in ("satu", "dua", "tiga"):
        stage.start(slug)
        ids.append(stage.campaign(slug).id)
    assert Counter(row.campaign_id for row in stage.claim(30)) == dict.fromkeys(ids, 10)
    served = [stage.claim(1, token=turn, turn=turn)[0].campaign_id for turn in range(6)]
    assert Counter(served) == dict.fromkeys(ids, 2)
    # what one leaves over goes to the others
    stage.claim(29, token=8)
    rest = stage.claim(100, token=9)
    assert len(rest) == 120 - 30 - 6 - 29
