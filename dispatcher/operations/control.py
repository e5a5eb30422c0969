"""Pause, resume and cancel a campaign.

A claim reads the campaign's state in its own transaction, so a change holds at once, with what was claimed in the last
0.8 s as the only exception (invariant 8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from dispatcher.core.errors import RefusedError
from dispatcher.delivery.schedule import AHEAD_US
from dispatcher.delivery.waiting import CEILING
from dispatcher.operations.campaign_list import standing
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.operations.readdress import Readdresser
from dispatcher.operations.session_course import settle_sessions
from dispatcher.store.breaker import forget_before_now
from dispatcher.store.campaigns import cancel_open_steps, require_campaign, steps_of
from dispatcher.store.installation import record_act
from dispatcher.store.sessions import stale_steps
from dispatcher.store.steps import set_state, update_campaign
from dispatcher.store.upkeep import cancel_campaign_rows

_OVER = ("done", "cancelled")


def pause_campaign(context: Context, slug: str, by: str = "", reason: str = "") -> dict[str, Any]:
    """RefusedError where it is over; pausing twice changes nothing."""
    with context.database.begin() as connection:
        campaign = require_campaign(connection, slug, lock=True)
        if campaign.state in _OVER:
            raise _over(campaign, "be paused")
        if campaign.state != "paused":
            now_us = context.now_us()
            said = reason or (f"paused by {by}" if by else "paused")
            set_state(connection, campaign.id, "paused", said, now_us)
            record_act(connection, now_us, by, "pause", slug, {"reason": reason})
        return standing(require_campaign(connection, slug))


def resume_campaign(
    context: Context,
    slug: str,
    by: str = "",
    reason: str = "",
    *,
    lift_ceilings: bool = False,
    breaker: bool | None = None,
) -> dict[str, Any]:
    """Only a paused one; one that met a ceiling only with `lift_ceilings`.

    `breaker`: whether it may pause itself for its failures and refusals from now on; None leaves that as it was. What
    was counted before the resumption does not count for it.

    Texts that wait and tell of a session as it was before are written anew first, while nothing is sent.
    """
    resumption = _Resumption(Expander(context), slug, by, reason, lift_ceilings, breaker)
    while stale := context.database.run(resumption.go_on):
        for step_id in stale:
            Readdresser(resumption.expander).rewrite_step(step_id)
        resumption.rewritten.update(stale)
    with context.database.read() as connection:
        return standing(require_campaign(connection, slug))


@dataclass
class _Resumption:
    expander: Expander
    slug: str
    by: str
    reason: str
    lift_ceilings: bool
    breaker: bool | None
    rewritten: dict[int, int] = field(default_factory=dict)
    """Step → the change of its session up to which its texts were written anew."""

    def go_on(self, connection: Connection) -> dict[int, int]:
        """Steps to be rewritten first, with the change that asks for it; none where the campaign goes on."""
        campaign = require_campaign(connection, self.slug, lock=True)
        if campaign.state in _OVER:
            raise _over(campaign, "be resumed")
        if campaign.state != "paused":
            return {}
        _refuse_at_ceiling(campaign, lift_ceilings=self.lift_ceilings)
        settle_sessions(self.expander.revision, connection, campaign)
        stale = stale_steps(connection, campaign.id)
        fresh = {step_id: at_us for step_id, at_us in stale.items() if self.rewritten.get(step_id) != at_us}
        if not fresh:
            self._resume(connection, campaign)
        return fresh

    def _resume(self, connection: Connection, campaign: Any) -> None:
        now_us = self.expander.context.now_us()
        if self.lift_ceilings:
            update_campaign(connection, campaign.id, ceilings_lifted=True)
        if self.breaker is not None:
            update_campaign(connection, campaign.id, breaker_off=not self.breaker)
        forget_before_now(connection, campaign.id)
        set_state(connection, campaign.id, _resumed_state(connection, campaign.id, now_us), "", now_us)
        details = {"reason": self.reason, "ceilings_lifted": self.lift_ceilings, "breaker": self.breaker}
        record_act(connection, now_us, self.by, "resume", self.slug, details)


def cancel_campaign(context: Context, slug: str, by: str = "", reason: str = "") -> dict[str, Any]:
    """For good. The state comes first, then the waiting rows, some hundred a commit; a tick finishes what died."""
    campaign_id = context.database.run(lambda connection: _cancel(context, connection, slug, by, reason))
    cancelled = cancel_campaign_rows(context.database, campaign_id)
    with context.database.read() as connection:
        return {**standing(require_campaign(connection, slug)), "cancelled_messages": cancelled}


def _cancel(context: Context, connection: Connection, slug: str, by: str, reason: str) -> int:
    campaign = require_campaign(connection, slug, lock=True)
    if campaign.state == "done":
        raise _over(campaign, "be cancelled")
    if campaign.state != "cancelled":
        now_us = context.now_us()
        said = reason or (f"cancelled by {by}" if by else "cancelled")
        set_state(connection, campaign.id, "cancelled", said, now_us)
        cancel_open_steps(connection, campaign.id, now_us)
        record_act(connection, now_us, by, "cancel", slug, {"reason": reason})
    return int(campaign.id)


def _resumed_state(connection: Connection, campaign_id: int, now_us: int) -> str:
    steps = steps_of(connection, [campaign_id])
    begun = any(step.started_us is not None or step.due_us <= now_us + AHEAD_US for step in steps)
    return "running" if begun else "scheduled"


def _refuse_at_ceiling(campaign: Any, *, lift_ceilings: bool) -> None:
    if campaign.state_reason.startswith(CEILING) and not (lift_ceilings or campaign.ceilings_lifted):
        raise RefusedError(
            "ceiling",
            f"{campaign.slug} paused itself: {campaign.state_reason.removeprefix(CEILING).strip()}",
            "Plan and approve it anew, or go beyond what was approved: campaign resume --lift-ceilings",
        )


def _over(campaign: Any, act: str) -> RefusedError:
    return RefusedError(
        campaign.state, f"{campaign.slug} is {campaign.state} and cannot {act}", "Give a new campaign a new name."
    )
