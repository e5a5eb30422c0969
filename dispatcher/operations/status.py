"""Where a campaign stands, and why anything waits. Read from the counters in one snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from dispatcher.core.clock import iso
from dispatcher.core.status import Reason, Status
from dispatcher.delivery.machine import LOST
from dispatcher.delivery.schedule import AHEAD_US
from dispatcher.delivery.waiting import Why, say, why_paused, why_queued
from dispatcher.operations.context import Context
from dispatcher.operations.generation import is_older
from dispatcher.outreach.funnel import Funnel, total
from dispatcher.store.campaigns import require_campaign, steps_of
from dispatcher.store.generation import is_worked_on
from dispatcher.store.reports import Waiting, funnels, lost_unknown, snapshot, waiting
from dispatcher.store.senders import sender_rows


@dataclass(frozen=True, slots=True)
class Waits:
    """So many people of a step wait; "": of any. `until_us`: when they go on; None: when a person acts."""

    step: str
    people: int
    rule: str
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
    why: tuple[Waits, ...] | None = None

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
        older = is_older(connection, context.environment.state_dir)
        reasons = _Reasons(connection, found, is_older=older).all()
    return CampaignStatus(found.campaign, found.steps, found.funnels, now_us, tuple(reasons))


def read_status(connection: Connection, slug: str, now_us: int) -> CampaignStatus:
    """Within a snapshot of the caller's."""
    campaign = require_campaign(connection, slug)
    steps = steps_of(connection, [campaign.id])
    return CampaignStatus(campaign, tuple(steps), funnels(connection, steps), now_us)


class _Reasons:
    """Each reason for waiting: what is in everyone's way first."""

    def __init__(self, connection: Connection, status: CampaignStatus, *, is_older: bool) -> None:
        self._status, self._now_us = status, status.now_us
        self._is_older = is_older
        self._is_worked_on = is_worked_on(connection, status.now_us)
        self._senders = {row.id: row for row in sender_rows(connection)}
        ids = [step.id for step in status.steps]
        self._waiting = waiting(connection, status.campaign.id, status.now_us)
        self._lost = lost_unknown(connection, ids)
        self._names = {step.id: _name(step) for step in status.steps}

    def all(self) -> list[Waits]:
        steps, rows = self._steps(), self._rows()
        return [
            *self._campaign(),
            *self._installation([*steps, *rows]),
            *steps,
            *rows,
            *self._unknown(),
            *self._capped(),
        ]

    def _campaign(self) -> list[Waits]:
        campaign = self._status.campaign
        if campaign.state != "paused":
            return []
        people = sum(row.rows for row in self._waiting) + self._status.total.pending
        return [Waits("", people, *why_paused(campaign.slug, campaign.state_reason))]

    def _installation(self, others: list[Waits]) -> list[Waits]:
        """Of what could go now."""
        people = sum(one.people for one in others if one.rule in _NOW)
        if not people or self._status.campaign.state == "paused":
            return []
        if self._is_older:
            return [Waits("", people, *say("older"))]
        return [] if self._is_worked_on else [Waits("", people, *say("nobody-runs"))]

    def _steps(self) -> list[Waits]:
        waiting = [step for step in self._status.steps if step.state == "scheduled"]
        return [Waits(_name(step), step.pending, *self._step(step)) for step in waiting]

    def _step(self, step: Any) -> Why:
        is_early = step.due_us - AHEAD_US > self._now_us
        return say("not-due", step.due_us) if is_early else say("expanding")

    def _rows(self) -> list[Waits]:
        return [Waits(self._names[row.step_id], row.rows, *self._row(row)) for row in self._waiting]

    def _row(self, row: Waiting) -> Why:
        sender = self._senders.get(row.sender_id)
        name = sender.name if sender else str(row.sender_id)
        return why_queued(row.rule, row.from_us, sender, name, self._now_us)

    def _unknown(self) -> list[Waits]:
        found = []
        for step in self._status.steps:
            held, lost = self._status.funnels[step.id].people.get(Status.UNKNOWN, 0), self._lost.get(step.id, 0)
            for rule, people in (("unknown", held - lost), (LOST, lost)):
                if people > 0:
                    found.append(Waits(_name(step), people, *say(rule, campaign=self._status.campaign.slug)))
        return found

    def _capped(self) -> list[Waits]:
        """Who waits for nothing any more: but the number asks for a sentence."""
        counts = [(step, self._status.funnels[step.id].skipped.get(Reason.CAPPED, 0)) for step in self._status.steps]
        return [Waits(_name(step), people, *say("capped")) for step, people in counts if people]


_NOW = ("turn", "expanding")


def _name(step: Any) -> str:
    return f"{step.name} · {step.occasion}" if step.occasion else str(step.name)
