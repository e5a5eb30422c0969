"""The life of a message: what each event does to its row (invariants 3 to 6). Pure; the store locks, loads and saves.

    queued ──begin──▶ sending ──record──▶ accepted ──receipt──▶ sent ─▶ delivered ─▶ read
      ▲  │               │  │                            └────▶ failed
      │  └─expire/cancel │  └─lease ended / ambiguous─▶ unknown ──receipt, look-up, person──▶ any of these
      └──────────────────┴─ proven not sent ◀──────────────┘

A row that waits again keeps the number of its last attempt; the next begin makes a new one and the store keeps the old.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

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
from dispatcher.core.status import BAD, GOOD, RANK, Reason, Status, climb
from dispatcher.delivery.schedule import retry_delay_us, throttle_delay_us

Decision = Literal["sent", "not-sent", "resend"]
LOST: Final = "restored"
"""The rule of rows that may have been sent in a time that the database lost."""


@dataclass(slots=True)
class Message:
    """The part of a row that events change, and what they need to know."""

    id: int
    step_id: int
    campaign_id: int
    contact_id: int
    hop: int
    sender_id: int
    status: Status
    reason: str
    attempt: int
    tries: int
    prior: str
    claim_token: int | None
    lease_until_us: int | None
    not_before_us: int
    not_before_rule: str
    hop_after_us: int | None
    hop_due_us: int | None
    begun_us: int | None
    ended_us: int | None
    provider_id: str
    provider_code: str
    parts: int
    counted: bool
    has_sibling: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """What else an event asks for, beside the row."""

    slow_sender_us: int = 0
    """Take nothing more from this sender for so long."""
    pause_sender: str = ""
    """Pause it with this reason."""
    suppress: bool = False
    """The person stopped this sender."""


NOTHING = Effect()


def record(message: Message, attempt: int, outcome: Outcome, now_us: int, jitter: float) -> Effect:
    """An attempt ended as the adapter says. Late outcomes count as well; those of earlier attempts do not come here."""
    if attempt > message.attempt and message.status is Status.QUEUED:
        message.status, message.attempt = Status.SENDING, attempt  # a restored database lost its begin (invariant 16)
    if attempt != message.attempt or message.status not in (Status.SENDING, Status.UNKNOWN):
        return _late(message, attempt, outcome, now_us)
    message.claim_token = message.lease_until_us = None
    match outcome:
        case Accepted():
            _accept(message, outcome, now_us)
        case Rejected(reason, code):
            _end(message, Status.FAILED, reason, code, now_us)
        case OptedOut(code):
            _end(message, Status.FAILED, Reason.OPTED_OUT, code, now_us)
            return Effect(suppress=True)
        case Unsupported():
            _end(message, Status.FAILED, Reason.UNSUPPORTED, "", now_us)
        case Filtered(code):
            _end(message, Status.FAILED, Reason.FILTERED, code, now_us)
        case Ambiguous(code):
            message.status, message.provider_code = Status.UNKNOWN, code or message.provider_code
            _arm_hop(message, now_us)
        case Throttled(retry_after_s, code):
            delay_us = throttle_delay_us(retry_after_s)
            _requeue(message, now_us + delay_us, "throttled", code)
            return Effect(slow_sender_us=delay_us)
        case NotSent(code, _, retry_after_s):
            message.tries += 1
            wait_us = retry_delay_us(message.tries, jitter)
            if retry_after_s is not None:
                wait_us = max(wait_us, throttle_delay_us(retry_after_s))
            _requeue(message, now_us + wait_us, "retry", code)
        case Misconfigured(code, detail):
            _requeue(message, now_us, "sender", code)
            return Effect(
                pause_sender=f"{detail or 'credentials or account were refused'} {f'({code})' if code else ''}"
            )
    return NOTHING


def _late(message: Message, attempt: int, outcome: Outcome, now_us: int) -> Effect:
    """The row moved on (a receipt was faster, or a person settled it): only what climbs still counts."""
    if attempt == message.attempt and isinstance(outcome, Accepted):
        message.provider_id = message.provider_id or next(iter(outcome.provider_ids), "")
        message.parts = max(message.parts, outcome.parts)
        apply_receipt(message, attempt, Status.DELIVERED if outcome.final else Status.ACCEPTED, "", "", now_us)
    return Effect(suppress=isinstance(outcome, OptedOut))


def _accept(message: Message, outcome: Accepted, now_us: int) -> None:
    message.provider_id = next(iter(outcome.provider_ids), "")
    message.parts = max(outcome.parts, len(outcome.provider_ids), message.parts)
    message.status = Status.DELIVERED if outcome.final else Status.ACCEPTED
    message.reason, message.ended_us = "", now_us
    _arm_hop(message, now_us)


def _end(message: Message, status: Status, reason: str, code: str, now_us: int) -> None:
    message.status, message.reason, message.ended_us = status, reason, now_us
    message.provider_code = code or message.provider_code
    _arm_hop(message, now_us)


def _requeue(message: Message, not_before_us: int, rule: str, code: str) -> None:
    message.status, message.not_before_us, message.not_before_rule = Status.QUEUED, not_before_us, rule
    message.provider_code = code or message.provider_code


def _arm_hop(message: Message, now_us: int) -> None:
    """The next hop follows a failure at once, anything else at its deadline, a delivery never; and only once."""
    if message.hop_after_us is None:
        return
    if message.status in GOOD:
        message.hop_due_us = None
    elif message.status is Status.FAILED:
        message.hop_due_us = now_us
    elif message.hop_due_us is None and message.hop_after_us > 0:
        message.hop_due_us = now_us + message.hop_after_us


def begin(message: Message, now_us: int, lease_until_us: int) -> None:
    message.status, message.attempt = Status.SENDING, message.attempt + 1
    message.begun_us, message.lease_until_us = now_us, lease_until_us
    message.provider_id, message.parts, message.ended_us = "", 0, None


def withdraw(message: Message, token: int, now_us: int) -> None:
    """The worker with this token let nothing of it leave: back to the queue, the attempt's number stays used.

    The word may come after the lease. Of an attempt that someone else began meanwhile it says nothing.
    """
    if message.status not in (Status.SENDING, Status.UNKNOWN) or message.claim_token != token:
        return
    message.claim_token = message.lease_until_us = None
    _requeue(message, now_us, "late-permit", "")


def lease_ended(message: Message, now_us: int) -> None:
    """The worker of a begun attempt is gone: nobody knows (invariant 3). By the token it may still withdraw."""
    message.lease_until_us = None
    message.status = Status.UNKNOWN
    _arm_hop(message, now_us)


def lose(message: Message, now_us: int, ask_at_us: int) -> None:
    """Begun, or perhaps begun, in a time that the database lost (invariant 16): nobody knows, and no worker may say.

    A look-up asks from `ask_at_us` on; the campaign's `on_unknown` has no say.
    """
    message.status, message.claim_token, message.lease_until_us = Status.UNKNOWN, None, None
    message.not_before_us, message.not_before_rule = ask_at_us, LOST
    _arm_hop(message, now_us)


def apply_receipt(message: Message, attempt: int, status: Status, reason: str, code: str, now_us: int) -> None:
    """A word about an attempt, in any order, any number of times (invariant 6).

    Of a later attempt than the row knows: a restored database lost its begin (invariant 16).
    """
    if attempt >= message.attempt:
        _climb_current(message, status, reason, code, now_us)
    else:
        _climb_prior(message, status, now_us)


def _climb_current(message: Message, status: Status, reason: str, code: str, now_us: int) -> None:
    if status is Status.UNKNOWN or (message.status is Status.QUEUED and status is Status.FAILED):
        return  # a row that waits for its next attempt goes on waiting
    if message.status in BAD and status not in GOOD:
        return
    reached = climb(message.status, status)
    if reached is message.status:
        return
    message.status = reached
    message.reason = reason if reached is Status.FAILED else ""
    message.provider_code = code or message.provider_code
    message.claim_token = message.lease_until_us = None
    message.ended_us = message.ended_us or now_us
    _arm_hop(message, now_us)


def _climb_prior(message: Message, status: Status, now_us: int) -> None:
    """An earlier attempt: a delivery of it wins; a row that waits adopts it instead of sending again."""
    before = Status(message.prior) if message.prior else Status.QUEUED
    reached = climb(before, status)
    message.prior = reached
    adopts = message.status is Status.QUEUED and reached is not Status.FAILED and RANK[reached] >= RANK[Status.ACCEPTED]
    if adopts or (reached in GOOD and RANK[reached] > RANK[message.status]):
        message.status, message.reason = reached, ""
        message.claim_token = message.lease_until_us = None
        message.ended_us = message.ended_us or now_us
        _arm_hop(message, now_us)


def followed(message: Message) -> None:
    """The next hop was made."""
    message.hop_due_us = message.hop_after_us = None
    message.has_sibling = True


def expire(message: Message, now_us: int) -> None:
    message.status, message.claim_token, message.ended_us = Status.EXPIRED, None, now_us
    message.hop_due_us = None


def cancel(message: Message, reason: str, now_us: int) -> None:
    message.status, message.reason, message.claim_token = Status.CANCELLED, reason, None
    message.ended_us, message.hop_due_us = now_us, None


def settle(message: Message, decision: Decision, now_us: int) -> bool:
    """A person, a look-up or the campaign's `on_unknown` decides; False where the message is not unknown."""
    if message.status is not Status.UNKNOWN:
        return False
    message.claim_token = None
    if decision == "sent":
        message.status, message.ended_us = Status.ACCEPTED, now_us
        _arm_hop(message, now_us)
    elif decision == "not-sent":
        _end(message, Status.FAILED, Reason.SETTLED, "", now_us)
    else:
        _requeue(message, now_us, "resend", "")
    return True
