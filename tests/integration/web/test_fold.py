"""Journal and fold in one commit: any order, repetition, early, several parts, several hops (invariants 6, 7, 11)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy import insert, update

from dispatcher.core.clock import DAY_US, SECOND_US
from dispatcher.core.status import Reason, Status
from dispatcher.operations.ingest import Arrived, age_parked, match_parked
from dispatcher.operations.record import Ended, record_ends
from dispatcher.receipts.fold import make_ref
from dispatcher.spi import Accepted, HookAnswer, Receipt
from dispatcher.store.tables import attempts, receipts, suppressions
from tests.integration.web.stage import Stage

SENT, DELIVERED, READ, FAILED = Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED


def named(provider_id: str, status: Status, **more: Any) -> HookAnswer:
    """A receipt without our reference."""
    return HookAnswer((Receipt(status, provider_id=provider_id, **more),))


def record(stage: Stage, message_id: int, *provider_ids: str, attempt: int = 1) -> None:
    """Our own record of the send, by a channel that does not echo our reference."""
    ended = Ended(message_id, attempt, Accepted(provider_ids, len(provider_ids)), keep_ids=True)
    stage.context.database.run(lambda connection: record_ends(stage.context, connection, [ended]))


@pytest.mark.parametrize("order", list(itertools.permutations((SENT, DELIVERED, READ, FAILED)))[::5])
def test_any_order_ends_alike_and_every_event_is_kept(stage: Stage, order: tuple[Status, ...]) -> None:
    message = stage.message(Status.ACCEPTED)
    stage.tell(message, *order, *order)
    assert stage.status(message) is READ
    assert stage.events == [("folded", status.value) for status in (*order, *order)]


def test_many_receipts_of_one_message_share_a_transaction(stage: Stage) -> None:
    first, second = stage.message(), stage.message()
    stage.take(
        HookAnswer((Receipt(READ, make_ref(first, 1)), Receipt(SENT, make_ref(second, 1)))),
        HookAnswer((Receipt(SENT, make_ref(first, 1)),)),
        HookAnswer((Receipt(DELIVERED, make_ref(second, 1)),)),
    )
    assert (stage.status(first), stage.status(second)) == (READ, DELIVERED)
    rows = stage.rows(receipts)
    assert [row.raw_sealed is not None for row in rows] == [True, False, True, True]
    sealer = stage.context.keys.sealer
    assert sealer.open("receipts.raw", rows[0].id, rows[0].raw_sealed) == "raw"


def test_a_receipt_before_our_own_record_is_kept(stage: Stage) -> None:
    message = stage.message(Status.SENDING)
    stage.tell(message, DELIVERED, provider_id="SM1")
    record(stage, message, "SM1")
    assert (stage.status(message), stage.row(message).provider_id) == (DELIVERED, "SM1")


def test_a_failure_has_its_reason_and_code(stage: Stage) -> None:
    message = stage.message(Status.ACCEPTED)
    stage.tell(message, FAILED, reason=Reason.UNREACHABLE, code="30003")
    row = stage.row(message)
    assert (row.status, row.reason, row.provider_code) == ("failed", "unreachable", "30003")


def test_without_our_reference_the_provider_id_finds_the_message(stage: Stage) -> None:
    message = stage.message()
    record(stage, message, "X1")
    stage.take(named("X1", DELIVERED))
    assert stage.status(message) is DELIVERED
    assert [(row.message_id, row.attempt) for row in stage.rows(receipts)] == [(message, 1)]


def test_what_comes_before_its_message_is_parked_and_matched(stage: Stage) -> None:
    message = stage.message()
    stage.take(named("X1", SENT), named("X1", DELIVERED), named("other", SENT))
    assert {state for state, _ in stage.events} == {"parked"}
    assert match_parked(stage.context, 100) == 0
    record(stage, message, "X1")
    assert match_parked(stage.context, 100) == 2
    assert stage.status(message) is DELIVERED
    assert stage.events == [("folded", "sent"), ("folded", "delivered"), ("parked", "sent")]


def test_a_parked_refusal_acts_when_it_is_matched(stage: Stage) -> None:
    message = stage.message()
    stage.take(named("X1", FAILED, reason=Reason.OPTED_OUT, suppress=True))
    record(stage, message, "X1")
    match_parked(stage.context, 100)
    assert [(row.purpose, row.via) for row in stage.rows(suppressions)] == [("*", "provider")]


def test_a_reused_provider_id_means_the_latest_attempt(stage: Stage) -> None:
    old, new = stage.message(), stage.message()
    record(stage, old, "7")
    record(stage, new, "7")
    stage.take(named("7", DELIVERED))
    assert (stage.status(old), stage.status(new)) == (Status.ACCEPTED, DELIVERED)


def test_a_provider_id_is_another_one_after_seven_days(stage: Stage) -> None:
    message = stage.message()
    record(stage, message, "7")
    clock = stage.context.database.clock
    clock._offset_us += 8 * DAY_US
    if not stage.context.database.is_sqlite:
        stage.context.database._synchronise = lambda: None  # type: ignore[method-assign]
    stage.take(named("7", DELIVERED))
    assert match_parked(stage.context, 100) == 0
    assert stage.status(message) is Status.ACCEPTED


def test_parked_events_age_out_after_seven_days(stage: Stage) -> None:
    stage.take(named("X1", SENT), named("X2", SENT))
    with stage.context.database.begin() as connection:
        aged = receipts.c.provider_id == "X1"
        long_ago = stage.context.now_us() - 7 * DAY_US - SECOND_US
        connection.execute(update(receipts).where(aged).values(received_us=long_ago))
    assert age_parked(stage.context) == 1
    assert age_parked(stage.context) == 0
    assert [state for state, _ in stage.events] == ["aged", "parked"]


def test_an_unknown_message_is_parked(stage: Stage) -> None:
    stage.tell(12345, DELIVERED)
    assert stage.events == [("parked", "delivered")]
    assert match_parked(stage.context, 10) == 0


def test_a_sender_speaks_of_its_own_messages_only(stage: Stage) -> None:
    message = stage.message(Status.ACCEPTED, sender="sms")
    stage.tell(message, DELIVERED, sender="wa")
    assert stage.status(message) is Status.ACCEPTED
    assert stage.events == [("parked", "delivered")]


def test_an_attempt_that_a_restored_database_forgot_is_adopted(stage: Stage) -> None:
    """Invariant 16: a row that waits, but was sent, must not be sent again."""
    message = stage.message(Status.QUEUED)
    stage.tell(message, SENT)
    assert stage.status(message) is SENT


def test_an_earlier_attempt_climbs_on_its_own(stage: Stage) -> None:
    message = stage.message(Status.ACCEPTED, attempt=2)
    with stage.context.database.begin() as connection:
        earlier = {"message_id": message, "attempt": 1, "sender_id": stage.senders["sms"], "status": "unknown"}
        connection.execute(insert(attempts).values(**earlier))
    stage.tell(message, SENT)
    assert stage.status(message) is Status.ACCEPTED
    stage.tell(message, DELIVERED)
    assert stage.status(message) is DELIVERED
    assert [row.status for row in stage.rows(attempts)] == ["delivered"]


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(
    ("words", "whole"),
    [
        ((("P1", DELIVERED),), Status.ACCEPTED),
        ((("P1", DELIVERED), ("P2", SENT)), SENT),
        ((("P1", DELIVERED), ("P2", DELIVERED), ("P1", SENT)), DELIVERED),
        ((("P1", DELIVERED), ("P2", FAILED)), FAILED),
        ((("P1", FAILED), ("P1", DELIVERED)), FAILED),
        ((("P1", DELIVERED), ("P1", FAILED)), FAILED),
        ((("P1", FAILED), ("P1", DELIVERED), ("P2", DELIVERED)), DELIVERED),
    ],
)
def test_a_message_of_two_parts(
    stage: Stage, words: tuple[tuple[str, Status], ...], whole: Status, early: bool
) -> None:
    """Delivered when all parts are, failed when one is; also where they come before our record."""
    message = stage.message()
    if not early:
        record(stage, message, "P1", "P2")
    for provider_id, status in words:
        stage.take(named(provider_id, status))
    if early:
        record(stage, message, "P1", "P2")
        match_parked(stage.context, 100)
    assert stage.status(message) is whole


def test_three_billed_parts_under_one_name_are_one(stage: Stage) -> None:
    message = stage.message(Status.ACCEPTED, parts=3)
    stage.tell(message, DELIVERED, provider_id="SM1")
    assert stage.status(message) is DELIVERED


def test_a_late_delivery_cancels_the_waiting_second_hop(stage: Stage) -> None:
    """Claimed or not; and the person is counted once, by the first hop."""
    person = stage.person()
    first = stage.message(Status.ACCEPTED, person)
    second = stage.message(Status.QUEUED, person, sender="wa", hop=1, claim_token=7)
    stage.tell(first, DELIVERED)
    row = stage.row(second)
    assert (row.status, row.reason, row.claim_token, row.counted) == ("cancelled", "reached", None, False)
    assert stage.row(first).counted


def test_a_second_hop_that_is_under_way_is_left_alone(stage: Stage) -> None:
    person = stage.person()
    first = stage.message(Status.ACCEPTED, person)
    second = stage.message(Status.SENDING, person, sender="wa", hop=1)
    stage.tell(first, DELIVERED)
    assert stage.status(second) is Status.SENDING


def test_a_refusal_told_by_the_provider_stops_the_number(stage: Stage) -> None:
    """Invariants 8 and 14: suppressed, and what waits for the number is cancelled in the same commit."""
    person = stage.person()
    message = stage.message(Status.ACCEPTED, person)
    _, other_step = stage.campaign("lain", {})
    waiting = stage.message(Status.QUEUED, person, step_id=other_step)
    stage.tell(message, FAILED, reason=Reason.OPTED_OUT, code="21610", suppress=True)
    assert [row.address_hash for row in stage.rows(suppressions)] == [stage.row(message).address_hash]
    assert (stage.row(waiting).status, stage.row(waiting).reason) == ("cancelled", "opted_out")


def test_words_nobody_knows_are_kept(stage: Stage) -> None:
    stage.take(HookAnswer(unmapped=("MessageStatus vanished",)))
    assert [(row.state, row.code) for row in stage.rows(receipts)] == [("unparsed", "MessageStatus vanished")]


def test_a_group_is_committed_whole_or_not_at_all(stage: Stage) -> None:
    message = stage.message(Status.ACCEPTED)
    good = Arrived(stage.senders["sms"], HookAnswer((Receipt(DELIVERED, make_ref(message, 1)),)), "raw")
    poison = Arrived(stage.senders["sms"], HookAnswer((Receipt(DELIVERED, occurred_us=1 << 70),)), "raw")
    with pytest.raises(Exception, match=r"(?i)overflow|range|too (large|big)"):
        stage.ingest.take([good, poison])
    assert stage.events == []
    assert stage.status(message) is Status.ACCEPTED
