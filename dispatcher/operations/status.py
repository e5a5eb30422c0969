"""Where a campaign stands, and why anything waits. Read from the counters in one snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from dispatcher.core.clock import iso
from dispatcher.core.status import Status
from dispatcher.operations.apply import AHEAD_US, CEILING
from dispatcher.operations.context import Context
from dispatcher.operations.occasions import SESSION
from dispatcher.outreach.funnel import Funnel, total
from dispatcher.store.campaigns import require_campaign, steps_of
from dispatcher.store.reports import Waiting, funnels, snapshot, waiting
from dispatcher.store.senders import sender_rows


@dataclass(frozen=True, slots=True)
class Why:
    """Something waits: how much of which step, for what, and when it goes on (None: when a person acts)."""

    step: str
    rule: str
    people: int
    explanation: str
    until_us: int | None

    def as_dict(self, zone: str) -> dict[str, Any]:
        return {
            "step": self.step,
            "rule": self.rule,
            "people": self.people,
            "until": iso(self.until_us, zone),
            "explanation": self.explanation,
        }


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """A campaign's row, its steps' rows, a funnel for each step; `why` where it was asked for."""

    campaign: Any
    steps: tuple[Any, ...]
    funnels: Mapping[int, Funnel]
    now_us: int
    why: tuple[Why, ...] | None = None

    @property
    def total(self) -> Funnel:
        return total(self.funnels[step.id] for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        zone = self.campaign.zone
        why = {} if self.why is None else {"why": [one.as_dict(zone) for one in self.why]}
        return {
            "campaign": self.campaign.slug,
            "title": self.campaign.title,
            "state": self.campaign.state,
            "reason": self.campaign.state_reason,
            "as_of": iso(self.now_us, zone),
            **self.total.as_dict(),
            "steps": [{**step_head(step, zone), **self.funnels[step.id].as_dict()} for step in self.steps],
            **why,
        }


def step_head(step: Any, zone: str) -> dict[str, Any]:
    return {
        "name": step.name,
        "occasion": step.occasion,
        "due": iso(step.due_us, zone),
        "expires": iso(step.expires_us, zone),
        "state": step.state,
    }


def campaign_status(context: Context, slug: str, *, why: bool = False) -> CampaignStatus:
    """UsageError where there is no such campaign."""
    now_us = context.now_us()
    with snapshot(context.database) as connection:
        found = read_status(connection, slug, now_us)
        if not why:
            return found
        reasons = _Reasons(connection, found).all()
    return CampaignStatus(found.campaign, found.steps, found.funnels, now_us, tuple(reasons))


def read_status(connection: Connection, slug: str, now_us: int) -> CampaignStatus:
    """Within a snapshot of the caller's."""
    campaign = require_campaign(connection, slug)
    steps = steps_of(connection, [campaign.id])
    return CampaignStatus(campaign, tuple(steps), funnels(connection, steps), now_us)


class _Reasons:
    """Each reason for waiting, said in words a campaign manager can act on."""

    def __init__(self, connection: Connection, status: CampaignStatus) -> None:
        self._status = status
        self._now_us = status.now_us
        self._senders = {row.id: row for row in sender_rows(connection)}
        self._waiting = waiting(connection, [step.id for step in status.steps], status.now_us)
        self._names = {step.id: _name(step) for step in status.steps}

    def all(self) -> list[Why]:
        return [*self._campaign(), *self._steps(), *self._rows(), *self._unknown()]

    def _campaign(self) -> list[Why]:
        campaign, people = self._status.campaign, sum(row.rows for row in self._waiting)
        if campaign.state != "paused":
            return []
        if campaign.state_reason.startswith(SESSION):
            said = f"The campaign is paused ({campaign.state_reason})."
            return [Why("", "session", people + self._status.total.pending, said, None)]
        at_ceiling = campaign.state_reason.startswith(CEILING)
        way = f"dispatcher campaign resume {campaign.slug}{' --lift-ceilings' if at_ceiling else ''}"
        said = f"The campaign is paused ({campaign.state_reason}). Go on with: {way}"
        return [Why("", "paused", people + self._status.total.pending, said, None)]

    def _steps(self) -> list[Why]:
        found = []
        for step in self._status.steps:
            if step.state != "scheduled":
                continue
            expands_us = step.due_us - AHEAD_US
            said = (
                "Not due yet; people are chosen within the hour before."
                if expands_us > self._now_us
                else "Due; it is expanded by the next worker that runs (dispatcher up)."
            )
            until_us = step.due_us if expands_us > self._now_us else None
            found.append(Why(_name(step), "not-due", step.pending, said, until_us))
        return found

    def _rows(self) -> list[Why]:
        return [self._row(row) for row in self._waiting]

    def _row(self, row: Waiting) -> Why:
        sender = self._senders.get(row.sender_id)
        step, name = self._names[row.step_id], sender.name if sender else str(row.sender_id)
        if sender is None or sender.removed:
            said = f"Sender {name} is no longer in the settings: put it back, or cancel the campaign."
            return Why(step, "sender-removed", row.rows, said, None)
        if sender.paused:
            said = f"Sender {name} is paused: {sender.pause_reason or 'by a person'}. Go on with: "
            return Why(step, "sender", row.rows, f"{said}dispatcher channel set {name} --resume", None)
        if (sender.slow_until_us or 0) > self._now_us:
            said = f"The provider asked sender {name} to slow down."
            return Why(step, "throttled", row.rows, said, sender.slow_until_us)
        if row.is_due:
            rate = f" at {sender.rate_per_s:g} {sender.rate_unit}s a second" if sender.rate_per_s else ""
            return Why(step, "turn", row.rows, f"Waits for its turn through {name}{rate}.", self._now_us)
        said = RULES.get(row.rule, "Waits until then.")
        return Why(step, row.rule, row.rows, said, row.from_us if row.rule != "never" else None)

    def _unknown(self) -> list[Why]:
        slug = self._status.campaign.slug
        said = (
            "May have been sent; nobody knows. Receipts and look-ups go on settling them; a person can: "
            f"dispatcher message settle --campaign {slug} --as sent|not-sent|resend --by WHO"
        )
        held = [(step, self._status.funnels[step.id].people.get(Status.UNKNOWN, 0)) for step in self._status.steps]
        return [Why(_name(step), "unknown", n, said, None) for step, n in held if n]


RULES: Mapping[str, str] = {
    "due": "Not due yet.",
    "window": "Outside the hours at which people may be messaged; goes on when they open.",
    "retry": "The provider could not be reached; it is tried again.",
    "throttled": "The provider asked to slow down.",
    "sender": "The sender was refused; it goes on when the sender is put right.",
    "late-permit": "Its turn passed before it could leave; it takes the next.",
    "resend": "Was settled to be sent again.",
    "proven-not-sent": "The provider proved it was not sent; it is sent again.",
    "never": "The campaign's window never opens again: it will expire.",
}


def _name(step: Any) -> str:
    return f"{step.name} · {step.occasion}" if step.occasion else str(step.name)
