"""The life of a message: hypothesis drives every interleaving of events against the promises of DESIGN 3."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dispatcher.core.outcome import (
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
from dispatcher.core.status import GOOD, RANK, Reason, Status, is_legal
from dispatcher.delivery import machine
from dispatcher.delivery.machine import Message

NOW = 1_700_000_000_000_000
RECEIPTS = (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED)
PROVEN_NOT_SENT: tuple[Outcome, ...] = (Throttled(1.0), NotSent(), Misconfigured("20003", "wrong token"))
OUTCOMES: tuple[Outcome, ...] = (
    Accepted(("SM1",), 1),
    Accepted((), 1, final=True),
    Rejected(Reason.INVALID_NUMBER),
    OptedOut(),
    Unsupported(),
    Filtered(),
    Ambiguous(),
    *PROVEN_NOT_SENT,
)


def queued(**changes: object) -> Message:
    values: dict[str, object] = {
        "id": 1, "step_id": 1, "campaign_id": 1, "contact_id": 1, "hop": 0, "sender_id": 1,
        "status": Status.QUEUED, "reason": "", "attempt": 0, "tries": 0, "prior": "", "claim_token": None,
        "lease_until_us": None, "not_before_us": NOW, "not_before_rule": "due", "hop_after_us": None,
        "hop_due_us": None, "begun_us": None, "ended_us": None, "provider_id": "", "provider_code": "",
        "parts": 0, "counted": True, "has_sibling": False,
    }  # fmt: skip
    return Message(**{**values, **changes})  # type: ignore[arg-type]


def sending(attempt: int = 1, **changes: object) -> Message:
    message = queued(attempt=attempt - 1, claim_token=7, **changes)
    machine.begin(message, NOW, NOW + 15)
    return message


def receive(message: Message, statuses: Iterable[Status]) -> Status:
    for status in statuses:
        machine.apply_receipt(message, message.attempt, status, "unreachable", "30003", NOW)
    return message.status


@pytest.mark.parametrize("statuses", [p for n in (1, 2, 3) for p in itertools.permutations(RECEIPTS, n)])
def test_receipts_end_in_the_same_state_in_any_order(statuses: tuple[Status, ...]) -> None:
    """Invariant 6: the fold is the highest rank, whatever came first."""
    expected = max(statuses, key=RANK.__getitem__)
    assert receive(sending(), statuses) is expected
    assert receive(sending(), statuses + statuses) is expected


@given(st.lists(st.sampled_from(RECEIPTS), min_size=1), st.integers(0, 5))
def test_a_receipt_before_our_own_record_of_the_send_is_kept(statuses: list[Status], position: int) -> None:
    """Invariant 6: our record comes late among the receipts, and the end is the same."""
    early = sending()
    receive(early, statuses[:position])
    machine.record(early, 1, Accepted(("SM1",), 1), NOW, 0.5)
    receive(early, statuses[position:])
    late = sending()
    machine.record(late, 1, Accepted(("SM1",), 1), NOW, 0.5)
    assert receive(late, statuses) is early.status
    assert early.provider_id == late.provider_id == "SM1"


@pytest.mark.parametrize("outcome", PROVEN_NOT_SENT, ids=lambda o: type(o).__name__)
def test_what_was_proven_not_sent_waits_again_with_a_reason(outcome: Outcome) -> None:
    """Invariant 5: back to the queue, with an instant and the rule that set it."""
    message = sending()
    machine.record(message, 1, outcome, NOW, 0.5)
    assert message.status is Status.QUEUED
    assert message.claim_token is None
    assert message.not_before_rule in {"throttled", "retry", "sender"}


def test_throttling_uses_up_no_attempt_and_slows_the_sender_for_as_long_as_it_asks() -> None:
    message = sending()
    effect = machine.record(message, 1, Throttled(2.5), NOW, 0.5)
    assert message.tries == 0
    assert message.not_before_us == NOW + 2_500_000
    assert effect.slow_sender_us == 2_500_000


def test_retries_back_off_with_jitter_up_to_a_limit() -> None:
    delays = []
    for tries in range(12):
        message = sending(tries=tries)
        machine.record(message, 1, NotSent(), NOW, 0.999)
        delays.append(message.not_before_us - NOW)
    assert delays == sorted(delays)
    assert delays[0] > 1_000_000
    assert delays[-1] <= 5 * 60 * 1_000_000


def test_an_ambiguous_end_is_unknown_and_never_goes_back_by_itself() -> None:
    """Invariant 4."""
    message = sending()
    machine.record(message, 1, Ambiguous(), NOW, 0.5)
    assert message.status is Status.UNKNOWN
    machine.lease_ended(orphan := sending(), NOW)
    assert orphan.status is Status.UNKNOWN


def test_a_resent_message_adopts_the_first_attempt_when_that_turns_out_to_be_accepted() -> None:
    """Invariant 4: evidence beats the decision to resend, as long as nothing more has left."""
    message = sending()
    machine.record(message, 1, Ambiguous(), NOW, 0.5)
    assert machine.settle(message, "resend", NOW)
    machine.apply_receipt(message, 1, Status.SENT, "", "", NOW)
    assert message.status is Status.SENT


def test_a_delivery_of_an_earlier_attempt_wins_over_the_failure_of_a_later_one() -> None:
    """Invariant 6: `delivered` in any attempt wins."""
    message = sending(attempt=2)
    machine.record(message, 2, Rejected(Reason.UNREACHABLE), NOW, 0.5)
    machine.apply_receipt(message, 1, Status.DELIVERED, "", "", NOW)
    assert message.status is Status.DELIVERED


def test_the_next_hop_follows_a_failure_at_once_and_a_deadline_otherwise() -> None:
    failed = sending(hop_after_us=5000)
    machine.record(failed, 1, Rejected(Reason.NOT_ON_CHANNEL), NOW, 0.5)
    assert failed.hop_due_us == NOW
    accepted = sending(hop_after_us=5000)
    machine.record(accepted, 1, Accepted(("SM1",)), NOW, 0.5)
    assert accepted.hop_due_us == NOW + 5000
    machine.apply_receipt(accepted, 1, Status.DELIVERED, "", "", NOW)
    assert accepted.hop_due_us is None


def test_a_hop_without_a_deadline_never_follows_mere_acceptance() -> None:
    message = sending(hop_after_us=0)
    machine.record(message, 1, Accepted(("SM1",)), NOW, 0.5)
    assert message.hop_due_us is None
    machine.apply_receipt(message, 1, Status.FAILED, "unreachable", "30003", NOW)
    assert message.hop_due_us == NOW


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Accepted(("SM1",)), Status.ACCEPTED), (Ambiguous(), Status.UNKNOWN), (NotSent(), Status.QUEUED)],
)
def test_the_end_of_an_attempt_whose_begin_was_lost_counts(outcome: Outcome, status: Status) -> None:
    """Invariant 16: the database was restored under the worker."""
    message = queued()
    machine.record(message, 1, outcome, NOW, 0.5)
    assert message.status is status


@pytest.mark.parametrize("attempt", [1, 3])
def test_a_receipt_of_any_lost_attempt_settles_what_is_held(attempt: int) -> None:
    """Invariant 16: how often it was tried in the lost time, nobody knows."""
    message = sending()
    machine.lose(message, NOW, NOW + 60)
    assert (message.status, message.claim_token, message.not_before_rule) == (Status.UNKNOWN, None, machine.LOST)
    machine.withdraw(message, 7, NOW)
    assert message.status is Status.UNKNOWN, "no worker of that time may say that nothing left"
    machine.apply_receipt(message, attempt, Status.SENT, "", "", NOW)
    assert message.status is Status.SENT


class Life(RuleBasedStateMachine):
    """One message, a carrier that remembers what reached it, and events in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.message = queued(hop_after_us=1000)
        self.left: set[int] = set()  # attempts whose bytes reached the carrier
        self.resends = 0  # decisions that accept a second send
        self.before = self.message.status
        self.was_good = False

    def _remember(self) -> None:
        self.before = self.message.status

    @precondition(lambda self: self.message.status is Status.QUEUED)
    @rule()
    def begin(self) -> None:
        self._remember()
        self.message.claim_token = 7
        machine.begin(self.message, NOW, NOW + 15)

    @precondition(lambda self: self.message.status is Status.SENDING)
    @rule(outcome=st.sampled_from(OUTCOMES))
    def send_and_record(self, outcome: Outcome) -> None:
        self._remember()
        if not isinstance(outcome, NotSent | Throttled | Misconfigured):
            self.left.add(self.message.attempt)
        machine.record(self.message, self.message.attempt, outcome, NOW, 0.5)

    @precondition(lambda self: self.message.status is Status.SENDING)
    @rule(reached=st.booleans())
    def worker_dies(self, reached: bool) -> None:
        self._remember()
        if reached:
            self.left.add(self.message.attempt)
        machine.lease_ended(self.message, NOW)

    @precondition(lambda self: self.message.status is Status.SENDING)
    @rule()
    def withdraw(self) -> None:
        self._remember()
        machine.withdraw(self.message, 7, NOW)

    @precondition(lambda self: self.left)
    @rule(status=st.sampled_from(RECEIPTS), data=st.data())
    def receipt(self, status: Status, data: st.DataObject) -> None:
        self._remember()
        attempt = data.draw(st.sampled_from(sorted(self.left)))
        machine.apply_receipt(self.message, attempt, status, "unreachable", "", NOW)

    @precondition(lambda self: self.left)
    @rule(data=st.data(), outcome=st.sampled_from([Accepted(("SM1",)), Ambiguous()]))
    def late_outcome(self, data: st.DataObject, outcome: Outcome) -> None:
        self._remember()
        attempt = data.draw(st.sampled_from(sorted(self.left)))
        machine.record(self.message, attempt, outcome, NOW, 0.5)

    @rule(decision=st.sampled_from(["sent", "not-sent", "resend"]))
    def settle(self, decision: machine.Decision) -> None:
        self._remember()
        if machine.settle(self.message, decision, NOW) and decision == "resend":
            self.resends += 1

    @precondition(lambda self: self.message.status is Status.QUEUED)
    @rule(how=st.sampled_from(["expire", "cancel"]))
    def end_waiting(self, how: str) -> None:
        self._remember()
        if how == "expire":
            machine.expire(self.message, NOW)
        else:
            machine.cancel(self.message, "cancelled", NOW)

    @invariant()
    def moves_are_legal(self) -> None:
        assert is_legal(self.before, self.message.status), (self.before, self.message.status)

    @invariant()
    def good_news_is_never_lost(self) -> None:
        self.was_good = self.was_good or self.message.status in GOOD
        assert not self.was_good or self.message.status in GOOD

    @invariant()
    def nothing_is_sent_twice_unless_someone_decided_so(self) -> None:
        """Invariants 3 to 5: each further send needs a decision to resend."""
        assert len(self.left) <= 1 + self.resends

    @invariant()
    def a_row_in_hand_is_one_that_waits_or_whose_worker_may_still_speak(self) -> None:
        if self.message.claim_token is not None:
            assert self.message.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)


TestLife = Life.TestCase
