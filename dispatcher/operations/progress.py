"""How far a campaign is: a few counters, cheap enough to be asked several times a second."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from dispatcher.core.status import Status
from dispatcher.operations.context import Context
from dispatcher.store import tally
from dispatcher.store.campaigns import require_campaign
from dispatcher.store.tables import steps

_WAITING = (Status.QUEUED, Status.SENDING)


@dataclass(frozen=True, slots=True)
class Standing:
    """People of the steps that are due. `waiting`: not yet sent; `open_receipts`: accepted, no end yet."""

    state: str
    total: int
    waiting: int
    unknown: int
    open_receipts: int
    is_over: bool

    @property
    def sent(self) -> int:
        return self.total - self.waiting


def standing_of(context: Context, slug: str) -> Standing:
    """UsageError where there is no such campaign."""
    now_us = context.now_us()
    with context.database.read() as connection:
        campaign = require_campaign(connection, slug)
        due = connection.execute(
            select(steps.c.id, steps.c.state, steps.c.selected, steps.c.pending).where(
                steps.c.campaign_id == campaign.id, steps.c.due_us <= now_us
            )
        ).all()
        counts = tally.read(connection, [row.id for row in due])
    people = {key: n for key, n in counts.items() if key.hop == tally.PEOPLE}
    waiting = sum(n for key, n in people.items() if key.status in _WAITING) + sum(row.pending for row in due)
    stopped = campaign.state in ("paused", "cancelled")
    return Standing(
        state=campaign.state,
        total=sum(row.selected for row in due),
        waiting=waiting,
        unknown=sum(n for key, n in people.items() if key.status == Status.UNKNOWN),
        open_receipts=sum(n for key, n in people.items() if key.status in (Status.ACCEPTED, Status.SENT)),
        is_over=stopped or all(row.state in ("done", "cancelled") for row in due),
    )
