"""Which session a step goes by: as it stands where the step is live, else only as it was approved (invariant 10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from dispatcher.campaign.standing import Standing, changed, is_live, stated
from dispatcher.delivery.waiting import SESSION
from dispatcher.operations.revision import Revision
from dispatcher.store.sessions import find_session
from dispatcher.store.steps import set_state

Load = Callable[[Connection, int], Revision]


def revision_now(load: Load, connection: Connection, step_row: Any, applied_plan: int) -> Revision | None:
    """The step's revision with its session as it stands; None where that was not approved for this step.

    `applied_plan`: the campaign's; what it approved of a session holds for steps that began under an earlier one.
    """
    own = load(connection, step_row.plan_id)
    standing = find_session(connection, step_row.occasion) if step_row.occasion else None
    if standing is None or _changed(own, step_row, standing) == ():
        return own
    if any(_approves(revision, step_row, standing) for revision in (own, load(connection, applied_plan))):
        return own.with_session(step_row.occasion, standing.as_session(own.campaign.zone))
    return None


def _approves(revision: Revision, step_row: Any, standing: Standing) -> bool:
    others = _changed(revision, step_row, standing)
    return others is not None and (
        not others or (is_live(revision.campaign.step(step_row.name)) and "title" not in others)
    )


def _changed(revision: Revision, step_row: Any, standing: Standing) -> tuple[str, ...] | None:
    """In what the session stands otherwise than in the revision; None where that has no such step for it."""
    campaign, code = revision.campaign, step_row.occasion
    if code not in campaign.sessions or not any(code in step.sessions for step in _named(revision, step_row.name)):
        return None
    return changed(stated(campaign, code, campaign.sessions[code]), standing)


def _named(revision: Revision, name: str) -> list[Any]:
    return [step for step in revision.campaign.steps if step.name == name]


def pause_for(connection: Connection, campaign_id: int, code: str, now_us: int) -> None:
    """Nothing of it is sent until somebody has approved the session as it stands, or put it back."""
    reason = (
        f"{SESSION} {code} was changed after the approval; plan and approve the campaign anew, apply and resume it, "
        f"or put {code} back (session set) and resume"
    )
    set_state(connection, campaign_id, "paused", reason, now_us)
