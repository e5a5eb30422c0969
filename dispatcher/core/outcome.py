"""What happened to one send. The adapter names it; the engine decides what follows.

    Accepted        the provider took it                          → accepted, wait for receipts
    Rejected        refused for this address, and always will be  → failed, next hop
    OptedOut        the person stopped this sender                → failed, suppressed, next hop
    Unsupported     this channel cannot carry this message        → failed, next hop
    Filtered        the content was refused                       → failed; many pause the campaign for review
    Throttled       never processed, too fast                     → back to the queue, the sender slows, no attempt used
    NotSent         proven not to have left                       → back to the queue, an attempt used
    Misconfigured   credentials or account are wrong              → back to the queue, the sender pauses
    Ambiguous       may have been sent                            → unknown, settled by evidence (invariant 4)

An outcome never holds a number, a name or a text: `code` is the provider's code, `detail` our own words.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.core.status import Reason


@dataclass(frozen=True, slots=True)
class Accepted:
    """`provider_ids`: one per part where the provider names parts, else one; empty where it names none.

    `final`: the channel has no receipts, so `delivered` by its own account is all we will know (console, filedrop).
    """

    provider_ids: tuple[str, ...] = ()
    parts: int = 0
    final: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    reason: Reason
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class OptedOut:
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unsupported:
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Filtered:
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Throttled:
    """`retry_after_s`: as asked by the provider; None where it named no time."""

    retry_after_s: float | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """`retry_after_s`: the earliest useful time to try again, where the provider gave one (e.g. 86400)."""

    code: str = ""
    detail: str = ""
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Misconfigured:
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    code: str = ""
    detail: str = ""


Outcome = Accepted | Rejected | OptedOut | Unsupported | Filtered | Throttled | NotSent | Misconfigured | Ambiguous
