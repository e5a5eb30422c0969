"""When a campaign pauses itself: too many messages fail through no fault of their recipients, or too many opt out.

Seen over moving windows, by the difference between the campaign's counters now and where they stood a window ago.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, Protocol

from dispatcher.core.status import GOOD, Reason, Status

BREAKER: Final = "breaker:"
"""How the reason of a campaign begins that paused itself for its failures or refusals."""

Kind = Literal["failed", "opted_out"]
KINDS: Final[tuple[Kind, ...]] = ("failed", "opted_out")


class Limit(Protocol):
    """Trips where `share` or more of what ended within so long, and at least `least` of them, went wrong."""

    @property
    def share(self) -> float: ...
    @property
    def least(self) -> int: ...
    @property
    def within(self) -> timedelta: ...
    @property
    def within_us(self) -> int: ...


#: Failures that say something of the campaign, its texts or its senders. All others are about one recipient.
FAULTS: Final = frozenset(
    {
        Reason.BLOCKED,
        Reason.FILTERED,
        Reason.TEMPLATE,
        Reason.OUTSIDE_WINDOW,
        Reason.MISCONFIGURED,
        Reason.UNSUPPORTED,
        Reason.THROTTLED,
        Reason.PROVIDER,
        Reason.OTHER,
    }
)

_MARKS_A_WINDOW = 10


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages of a campaign, all in all. `told`: those whose end a receipt or a refusal told; `faults`: by reason."""

    ended: int = 0
    told: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, messages: Mapping[tuple[Status, str], int]) -> Counts:
        """(status, reason) → how many."""
        told = sum(n for (status, _), n in messages.items() if status in GOOD or status is Status.FAILED)
        taken = sum(n for (status, _), n in messages.items() if status in (Status.ACCEPTED, Status.SENT))
        faults: Counter[str] = Counter()
        for (status, reason), n in messages.items():
            if status is Status.FAILED and reason in FAULTS:
                faults[reason] += n
        return cls(taken + told, told, dict(faults))

    def since(self, before: Counts) -> Counts:
        """A failure that a late receipt took back counts as none."""
        faults = {reason: n - before.faults.get(reason, 0) for reason, n in self.faults.items()}
        return Counts(
            max(self.ended - before.ended, 0),
            max(self.told - before.told, 0),
            {reason: n for reason, n in faults.items() if n > 0},
        )


@dataclass(frozen=True, slots=True)
class Mark:
    at_us: int
    counts: Counts


BEGINNING: Final = Mark(0, Counts())
"""Of a campaign that was never resumed; a resumption puts another of that instant in its place."""


def base(marks: Sequence[Mark], now_us: int, within_us: int) -> Mark:
    """Where the window begins: the newest mark that is at least so old. `marks` ascending."""
    return next((mark for mark in reversed(marks) if mark.at_us <= now_us - within_us), BEGINNING)


def wants_mark(marks: Sequence[Mark], counts: Counts, now_us: int, within_us: int) -> bool:
    """About ten a window; none while nothing moves."""
    last = marks[-1] if marks else BEGINNING
    return counts != last.counts and now_us - last.at_us >= within_us // _MARKS_A_WINDOW


def judge_failures(window: Counts, limit: Limit) -> str:
    """Why to pause; "" where all is well. Receipts may tell of messages that were taken before the window."""
    ended, faults = max(window.ended, window.told), sum(window.faults.values())
    if ended < limit.least or faults < limit.share * ended:
        return ""
    words = ", ".join(f"{reason} {n}" for reason, n in sorted(window.faults.items(), key=lambda one: -one[1]))
    return (
        f"{BREAKER} {faults} of {ended} messages failed within {_minutes(limit)}, and not through their recipients "
        f"({words}); the limit is {limit.share:.0%}. Mend what the report names, or cancel"
    )


def judge_refusals(refused: int, window: Counts, limit: Limit) -> str:
    """`refused`: people who opted out after a message of the window. Why to pause; "" where all is well."""
    messages = max(window.ended, refused)
    if refused < limit.least or refused < limit.share * messages:
        return ""
    return (
        f"{BREAKER} {refused} people opted out after {messages} messages within {_minutes(limit)}; "
        f"the limit is {limit.share:.0%}. Look at the text and at whom it goes to, or cancel"
    )


def _minutes(limit: Limit) -> str:
    minutes = int(limit.within.total_seconds()) // 60
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
