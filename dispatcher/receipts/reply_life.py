"""The life of an automatic answer: a courtesy, so that a double is worse than none.

due → begun → accepted → delivered        failed: refused, and always will be
 ↑      │ └──▶ unknown (may have left; a receipt may tell, nobody tries again)
 └──────┘ proven not sent, or too fast    expired: too late to be of use; cancelled: not wanted any more
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from dispatcher.core.clock import MINUTE_US
from dispatcher.core.status import GOOD, Status
from dispatcher.delivery.schedule import retry_delay_us, throttle_delay_us
from dispatcher.spi import (
    Accepted,
    Ambiguous,
    Misconfigured,
    NotSent,
    OptedOut,
    Outcome,
    Throttled,
)

State = Literal["", "due", "begun", "unknown", "accepted", "failed", "delivered", "expired", "cancelled"]
USEFUL_US: Final = 15 * MINUTE_US
"""After that, an answer would only surprise."""

_RANK: Final[dict[str, int]] = {"begun": 1, "unknown": 2, "accepted": 3, "failed": 4, "delivered": 5}


class End(NamedTuple):
    """What a hand-over made of it. `next_us`: not before; `slow_us`: leave the sender alone so long."""

    state: State
    next_us: int = 0
    code: str = ""
    provider_id: str = ""
    slow_us: int = 0
    pause: str = ""
    stopped: bool = False


def after(outcome: Outcome, attempt: int, now_us: int, jitter: float) -> End:
    """`attempt` counts from 1; `jitter` in [0, 1)."""
    match outcome:
        case Accepted():
            state: State = "delivered" if outcome.final else "accepted"
            return End(state, provider_id=next(iter(outcome.provider_ids), ""))
        case Ambiguous():
            return End("unknown", code=outcome.code)
        case Throttled():
            delay_us = throttle_delay_us(outcome.retry_after_s)
            return End("due", now_us + delay_us, outcome.code, slow_us=delay_us)
        case NotSent():
            wait_us = retry_delay_us(attempt, jitter)
            if outcome.retry_after_s is not None:
                wait_us = max(wait_us, throttle_delay_us(outcome.retry_after_s))
            return End("due", now_us + wait_us, outcome.code)
        case Misconfigured():
            told = outcome.detail or "credentials or account were refused"
            return End("due", now_us, outcome.code, pause=f"{told} {f'({outcome.code})' if outcome.code else ''}")
        case OptedOut():
            return End("failed", code=outcome.code, stopped=True)
        case _:
            return End("failed", code=getattr(outcome, "code", ""))


def heard(state: str, status: Status) -> State:
    """What a provider's word makes of an answer that began; any order, any number of times: it only climbs."""
    said: State = "delivered" if status in GOOD else "failed" if status is Status.FAILED else "accepted"
    if status is Status.UNKNOWN or _RANK.get(state, 9) >= _RANK[said]:
        return state  # type: ignore[return-value]
    return said
