"""Routes: what follows a failure or a deadline, and how a person with several hops is counted (invariant 11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from dispatcher.core.status import Reason, Status
from dispatcher.delivery import machine
from dispatcher.operations.control import pause_campaign, resume_campaign
from dispatcher.operations.fold import Event, fold
from dispatcher.spi import Accepted, Ambiguous, Receipt, Rejected
from dispatcher.store.bulk import insert
from dispatcher.store.installation import take_ids
from dispatcher.store.outbox import Batch
from dispatcher.store.receipts import Attempt
from dispatcher.store.stops import stop_address
from dispatcher.store.tables import contact_points
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Hands, Stage, point

FAILURE_ONLY = "[{senders: wa}, {senders: sms}]"
DEADLINE = '[{senders: wa, after: "1 hour"}, {senders: sms}]'
THREE = '[{senders: wa, after: "1 hour"}, {senders: sms, after: "1 hour"}, {senders: last}]'
NO_ACCOUNT = Rejected(Reason.NOT_ON_CHANNEL, "63003")


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(database_url, tmp_path, {"wa": Provider(), "sms": Provider(), "last": Provider()})
    yield stage
    stage.close()


@pytest.fixture
def clock(stage: Stage) -> Hands:
    return Hands(stage.context)


def receipt(stage: Stage, row: Any, status: Status, reason: Reason | None = None) -> None:
    event = Event(
        {"sender_id": row.sender_id, "state": "parked"}, Receipt(status, reason=reason), Attempt(row.id, row.attempt)
    )
    stage.run(lambda connection: fold(connection, [event], stage.context.now_us()))


def test_a_failure_is_followed_at_once_and_the_person_counts_once(stage: Stage, clock: Hands) -> None:
    stage.people(3)
    step_id = stage.start(route=FAILURE_ONLY)
    stage.send(NO_ACCOUNT, 1, sender="wa")
    stage.send(Accepted(("x",)), 2, sender="wa")
    stage.tick()
    assert stage.statuses(hop=1) == {"queued": 1}
    assert stage.people_by_status(step_id) == {"queued": 1, "accepted": 2}
    stage.send(Accepted(("y",)), sender="sms")
    assert stage.people_by_status(step_id) == {"accepted": 3}
    stage.tick()
    assert len(stage.rows()) == 4


def test_nobody_is_followed_to_a_number_that_somebody_else_was_sent_to(database_url: str, tmp_path: Path) -> None:
    """Invariant 2: the first has a number of their own for WhatsApp, and for SMS that of the family, as the second."""
    stage = Stage(database_url, tmp_path, {"wa": Provider(media="whatsapp"), "sms": Provider()})
    _, family = stage.people(2)
    with stage.context.database.begin() as connection:
        first, second = connection.execute(select(contact_points.c.contact_id).order_by(contact_points.c.id)).scalars()
        mine = contact_points.c.contact_id == first
        connection.execute(update(contact_points).where(mine).values(media="whatsapp"))
        connection.execute(update(contact_points).where(~mine).values(media="any"))
        (identifier,) = take_ids(connection, 1, stage.context.now_us())
        insert(connection, contact_points, [point(stage.context.keys, first, identifier, family)])
    step_id = stage.start(route=FAILURE_ONLY, text="Gunakan hak pilih Anda. Stop: s.id/x")
    assert stage.people_by_status(step_id) == {"queued": 2}
    begun = stage.begin(stage.claim(sender="wa"), sender="wa")
    of = {row.contact_id: row.id for row in stage.rows()}
    stage.record({of[first]: begun[of[first]]}, NO_ACCOUNT)
    stage.record({of[second]: begun[of[second]]}, Accepted(("x",)))
    stage.tick()
    assert stage.rows(hop=1) == []
    assert stage.people_by_status(step_id) == {"accepted": 1, "failed": 1}
    stage.close()


@pytest.mark.parametrize("ambiguous", [True, False])
def test_without_a_delivery_the_next_hop_goes_at_the_deadline(stage: Stage, clock: Hands, ambiguous: bool) -> None:
    """Never for mere acceptance, and for `unknown` only then."""
    stage.people(2)
    step_id = stage.start(route=DEADLINE)
    begun = stage.send(Ambiguous() if ambiguous else Accepted(("x",)), sender="wa")
    receipt(stage, stage.rows(id=next(iter(begun)))[0], Status.DELIVERED)
    clock.pass_s(3599)
    stage.tick()
    assert stage.rows(hop=1) == []
    clock.pass_s(1)
    stage.tick()
    (second,) = stage.rows(hop=1)
    assert second.contact_id == stage.rows(hop=0)[1].contact_id
    assert stage.people_by_status(step_id) == {"unknown" if ambiguous else "accepted": 1, "delivered": 1}


def test_a_late_delivery_of_the_first_cancels_a_waiting_second_claimed_or_not(stage: Stage, clock: Hands) -> None:
    stage.people(2)
    step_id = stage.start(route=DEADLINE)
    stage.send(Accepted(("x",)), sender="wa")
    clock.pass_s(3600)
    stage.tick()
    claimed = stage.claim(1, sender="sms")
    for row in stage.rows(hop=0):
        receipt(stage, row, Status.DELIVERED)
    assert stage.begin(claimed, sender="sms") == {}
    assert stage.statuses(hop=1) == {"cancelled": 2}
    assert stage.people_by_status(step_id) == {"delivered": 2}


def test_a_failure_that_comes_after_everything_was_sent_is_followed_all_the_same(stage: Stage, clock: Hands) -> None:
    """The campaign was done by then: an account that turns out not to exist is told minutes later."""
    stage.people(2)
    stage.start(route=FAILURE_ONLY)
    stage.send(Accepted(("x",)), sender="wa")
    stage.tick()
    assert stage.campaign().state == "done"
    receipt(stage, stage.rows()[0], Status.FAILED, Reason.NOT_ON_CHANNEL)
    work = stage.tick()
    assert stage.statuses(hop=1) == {"queued": 1}
    assert stage.sender_id("sms") in work.senders
    stage.send(Accepted(("y",)), sender="sms")
    assert stage.statuses() == {"failed": 1, "accepted": 2}


def test_a_route_may_have_three_hops(stage: Stage, clock: Hands) -> None:
    stage.people(1)
    step_id = stage.start(route=THREE)
    for sender, hop in (("wa", 0), ("sms", 1), ("last", 2)):
        assert [row.hop for row in stage.rows()] == list(range(hop + 1))
        stage.send(NO_ACCOUNT, sender=sender)
        stage.tick()
    assert stage.statuses() == {"failed": 3}
    assert stage.people_by_status(step_id) == {"failed": 1}
    receipt(stage, stage.rows(hop=1)[0], Status.DELIVERED)
    assert stage.people_by_status(step_id) == {"delivered": 1}
    assert stage.campaign().state == "done"


def test_no_hop_follows_once_the_step_expired_or_the_person_stopped(stage: Stage, clock: Hands) -> None:
    numbers = stage.people(2)
    stage.start(route=FAILURE_ONLY, step='expires: "2 hours"')
    stage.send(NO_ACCOUNT, sender="wa")
    hashed = stage.context.keys.hash_address(numbers[0])
    stage.run(lambda connection: stop_address(connection, hashed, "*", "opted_out", "reply", stage.context.now_us()))
    stage.tick()
    assert len(stage.rows(hop=1)) == 1
    stage.send(Accepted(("y",)), sender="sms")
    clock.pass_s(3 * 3600)
    receipt(stage, stage.rows(hop=1)[0], Status.FAILED, Reason.UNREACHABLE)
    stage.tick()
    assert stage.statuses() == {"failed": 3}
    assert {row.hop_due_us for row in stage.rows()} == {None}


def test_a_paused_campaign_follows_nothing_until_it_goes_on(stage: Stage, clock: Hands) -> None:
    stage.people(1)
    stage.start(route=FAILURE_ONLY)
    stage.send(NO_ACCOUNT, sender="wa")
    pause_campaign(stage.context, "ajakan")
    stage.tick()
    assert stage.rows(hop=1) == []
    resume_campaign(stage.context, "ajakan")
    stage.tick()
    assert len(stage.rows(hop=1)) == 1


def test_of_two_hops_under_way_the_better_one_counts(stage: Stage, clock: Hands) -> None:
    """Also when the first goes back to the queue while the second is being sent."""
    stage.people(1)
    step_id = stage.start(route=DEADLINE)
    stage.send(Ambiguous(), sender="wa")
    clock.pass_s(3600)
    stage.tick()
    begun = stage.begin(stage.claim(sender="sms"), sender="sms")
    assert stage.people_by_status(step_id) == {"unknown": 1}

    def resend(connection: Any) -> None:
        batch = Batch.lock(connection, [stage_row.id for stage_row in first])
        for row in batch.rows.values():
            machine.settle(row, "resend", stage.context.now_us())
        batch.save()

    first = stage.rows(hop=0)
    stage.run(resend)
    assert stage.people_by_status(step_id) == {"sending": 1}
    stage.record(begun, NO_ACCOUNT)
    assert stage.people_by_status(step_id) == {"queued": 1}
