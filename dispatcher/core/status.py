"""The words for where a message stands: what each means, how they rank, which moves are legal.

Nothing else in the project spells a status; adapters map their provider's words to these.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where one message stands, worst to best within its kind."""

    QUEUED = "queued"  # waiting for its time, its permit or a worker
    SENDING = "sending"  # the attempt is committed; its bytes may leave any moment
    UNKNOWN = "unknown"  # may have been sent; settled by evidence or by a person, never by time
    ACCEPTED = "accepted"  # the provider took it
    SENT = "sent"  # it left for the carrier
    DELIVERED = "delivered"  # the carrier says the phone has it
    READ = "read"  # the person opened it
    FAILED = "failed"  # proven not delivered, for a reason
    EXPIRED = "expired"  # it became too late to be useful before it was sent
    CANCELLED = "cancelled"  # a person stopped it before it was sent


class Reason(StrEnum):
    """Why a person was skipped, a message failed, or a row waits. Stable words, used in JSON and in reports."""

    # skipped while expanding
    NO_CONSENT = "no_consent"
    OPTED_OUT = "opted_out"
    NO_ADDRESS = "no_address"
    SHARED_ADDRESS = "shared_address"
    CAPPED = "capped"
    MINOR = "minor"  # under 18, and the campaign does not say `minors:`, or from a higher age
    INELIGIBLE = "ineligible"  # e.g. a foreign number for a sender that serves ID only
    UNRENDERABLE = "unrenderable"  # the template failed for this person's data
    # failed
    INVALID_NUMBER = "invalid_number"
    UNREACHABLE = "unreachable"  # off, out of coverage, full inbox: might work another day
    BLOCKED = "blocked"  # the recipient or the carrier blocks this sender
    NOT_ON_CHANNEL = "not_on_channel"  # e.g. no WhatsApp account
    FILTERED = "filtered"  # carrier or provider refused the content
    TEMPLATE = "template"  # template missing, paused or not fitting its parameters
    OUTSIDE_WINDOW = "outside_window"  # free text to a person who did not write within 24 hours
    MISCONFIGURED = "misconfigured"
    UNSUPPORTED = "unsupported"
    THROTTLED = "throttled"
    PROVIDER = "provider_error"
    SYNTHETIC = "synthetic_contact"  # made-up contacts are refused by every sender but the simulator
    SETTLED = "settled_not_sent"  # a person or a look-up proved it was not sent
    OTHER = "other"


GOOD: Final = frozenset({Status.DELIVERED, Status.READ})
BAD: Final = frozenset({Status.FAILED, Status.EXPIRED, Status.CANCELLED})

#: Rank on the lattice an attempt climbs (invariant 6). `failed` sits below `delivered`: either may arrive first,
#: and the good one wins. `expired` and `cancelled` are queue states: no attempt ever holds them.
RANK: Final[dict[Status, int]] = {
    Status.CANCELLED: 0,
    Status.EXPIRED: 0,
    Status.QUEUED: 0,
    Status.SENDING: 1,
    Status.UNKNOWN: 2,
    Status.ACCEPTED: 3,
    Status.SENT: 4,
    Status.FAILED: 5,
    Status.DELIVERED: 6,
    Status.READ: 7,
}

#: Moves of a message row. Receipts may skip rungs; only a proven not-sent goes down, back to `queued`.
MOVES: Final[dict[Status, frozenset[Status]]] = {
    Status.QUEUED: frozenset(
        {
            Status.SENDING,
            Status.EXPIRED,
            Status.CANCELLED,
            Status.FAILED,
            Status.UNKNOWN,
            # a receipt of an earlier attempt, or of one whose commit was lost in a restore
            Status.ACCEPTED,
            Status.SENT,
            Status.DELIVERED,
            Status.READ,
        }
    ),
    Status.SENDING: frozenset(
        {
            Status.QUEUED,
            Status.UNKNOWN,
            Status.ACCEPTED,
            Status.SENT,
            Status.FAILED,
            Status.DELIVERED,
            Status.READ,
        }
    ),
    Status.UNKNOWN: frozenset(
        {
            Status.QUEUED,
            Status.ACCEPTED,
            Status.SENT,
            Status.FAILED,
            Status.DELIVERED,
            Status.READ,
        }
    ),
    Status.ACCEPTED: frozenset({Status.SENT, Status.FAILED, Status.DELIVERED, Status.READ}),
    Status.SENT: frozenset({Status.FAILED, Status.DELIVERED, Status.READ}),
    Status.DELIVERED: frozenset({Status.READ}),
    Status.READ: frozenset(),
    Status.FAILED: frozenset({Status.DELIVERED, Status.READ}),
    Status.EXPIRED: frozenset({Status.DELIVERED, Status.READ}),
    Status.CANCELLED: frozenset({Status.DELIVERED, Status.READ}),
}

#: How a person who has several hops is counted: the best hop wins. A hop still under way beats one that ended badly.
_PERSON_ORDER: Final = (
    Status.CANCELLED,
    Status.EXPIRED,
    Status.FAILED,
    Status.QUEUED,
    Status.SENDING,
    Status.UNKNOWN,
    Status.ACCEPTED,
    Status.SENT,
    Status.DELIVERED,
    Status.READ,
)
PERSON_RANK: Final[dict[Status, int]] = {status: i for i, status in enumerate(_PERSON_ORDER)}


def climb(current: Status, seen: Status) -> Status:
    """The state of one attempt after an event: whichever ranks higher (order-free and idempotent)."""
    return seen if RANK[seen] > RANK[current] else current


def best(statuses: Iterable[Status]) -> Status:
    """By which of their hops a person is counted. Raises ValueError for none."""
    return max(statuses, key=PERSON_RANK.__getitem__)


def is_legal(old: Status, new: Status) -> bool:
    return old == new or new in MOVES[old]
