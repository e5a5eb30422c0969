"""Apply a campaign: start or schedule exactly what was approved (invariant 10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from dispatcher.campaign.fingerprint import sender_names, short
from dispatcher.campaign.standing import settled, stated, used_codes
from dispatcher.core.errors import RefusedError
from dispatcher.delivery.schedule import AHEAD_US
from dispatcher.delivery.waiting import CEILING
from dispatcher.operations.context import Context
from dispatcher.operations.plan import load_revision
from dispatcher.operations.revision import Revision
from dispatcher.operations.senders import sync_senders
from dispatcher.spi.http import PooledClient
from dispatcher.store.generation import is_worked_on
from dispatcher.store.installation import one_at_a_time, record_act
from dispatcher.store.plans import find_plan
from dispatcher.store.sessions import put_sessions, table_of
from dispatcher.store.steps import campaign_by_slug, insert_campaign, put_steps, set_state, update_campaign

_NEWLY_APPROVED = "newly approved; resume it"


@dataclass(frozen=True, slots=True)
class Applied:
    campaign: str
    fingerprint: str
    state: str
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "campaign": self.campaign,
            "fingerprint": self.fingerprint,
            "state": self.state,
            "note": self.note,
        }


def apply_campaign(context: Context, path: Path, by: str = "") -> Applied:
    """RefusedError for anything but the approved fingerprint; ProviderError where a sender has no credentials."""
    revision, _ = load_revision(context, path)
    for name in sender_names(revision.campaign):
        # no connection is made: what is missing is told by its name, before it shows as another fingerprint
        context.open_sender(name, PooledClient(), resolve=False)
    with context.database.read() as connection:
        plan = _approved_plan(connection, revision, is_waived=context.settings.approval == "waived")
    sync_senders(context)
    with context.database.begin() as connection:
        state = _apply(connection, context, revision, plan, by)
        is_running = is_worked_on(connection, context.now_us())
    note = "" if is_running else "Nothing is running: start `dispatcher up`, or a worker, to send."
    return Applied(revision.campaign.campaign, revision.fingerprint, state, note)


def _approved_plan(connection: Connection, revision: Revision, *, is_waived: bool) -> Any:
    """A plan that was made while approvals were waived is good for as long as they are."""
    slug, fingerprint = revision.campaign.campaign, revision.fingerprint
    plan = find_plan(connection, fingerprint, slug, ready=True, is_waived=is_waived)
    if plan is not None:
        return plan
    if find_plan(connection, fingerprint, slug) is None:
        raise RefusedError(
            "not-planned",
            f"{slug} has no plan for this file as it stands (fingerprint {short(fingerprint)})",
            "Plan it (again, if the file, a session or a sender changed): dispatcher campaign plan FILE --by WHO",
        )
    raise RefusedError(
        "not-approved",
        f"the plan {short(fingerprint)} of {slug} is not approved",
        f"A second person runs: dispatcher campaign approve {slug} --fingerprint {short(fingerprint)} --by WHO",
    )


def _apply(connection: Connection, context: Context, revision: Revision, plan: Any, by: str) -> str:
    now_us = context.now_us()
    one_at_a_time(connection, revision.campaign.campaign)
    revision = _with_sessions(connection, revision, now_us)
    campaign = revision.campaign
    existing = campaign_by_slug(connection, campaign.campaign, lock=True)
    if existing is not None and existing.fingerprint == revision.fingerprint:
        return _approve_more(connection, existing, plan, now_us)
    state = "running" if _first_due_us(revision) <= now_us + AHEAD_US else "scheduled"
    values = {
        "plan_id": plan.id,
        "fingerprint": revision.fingerprint,
        "title": campaign.title,
        "purpose": campaign.purpose,
        "zone": campaign.zone,
        "goal_people": campaign.goal.people if campaign.goal else None,
        "ceilings": plan.summary["ceilings"],
        "ceilings_lifted": False,
        "applied_by": by,
    }
    if existing is None:
        campaign_id = insert_campaign(connection, {**values, "slug": campaign.campaign, "state": state}, now_us)
    else:
        campaign_id, state = _revise(connection, existing, values, state, now_us)
    put_steps(connection, campaign_id, plan.id, _step_rows(revision, plan.summary), now_us)
    record_act(connection, now_us, by, "apply", campaign.campaign, {"fingerprint": revision.fingerprint})
    return state


def _with_sessions(connection: Connection, revision: Revision, now_us: int) -> Revision:
    """The file's new sessions into the table, which then stands still; what others changed meanwhile counts.

    The table comes first: whoever changes a session locks it before the campaigns that go by it.
    """
    campaign = revision.campaign
    put_sessions(connection, [stated(campaign, code, one) for code, one in campaign.sessions.items()], now_us)
    standing = revision.with_campaign(settled(campaign, table_of(connection, used_codes(campaign), lock=True)))
    if standing.fingerprint != revision.fingerprint:
        raise RefusedError(
            "session-changed",
            f"a session of {campaign.campaign} was changed just now",
            "See: dispatcher session list. Plan the campaign again, and have it approved.",
        )
    return standing


def _revise(
    connection: Connection, existing: Any, values: Mapping[str, Any], state: str, now_us: int
) -> tuple[int, str]:
    """A new revision of an applied campaign: only while nothing of it is under way (invariant 15)."""
    if existing.state == "running":
        raise RefusedError(
            "running",
            f"{existing.slug} is running with another fingerprint ({short(existing.fingerprint)})",
            f"Pause it first: dispatcher campaign pause {existing.slug}",
        )
    if existing.state == "cancelled":
        raise RefusedError("cancelled", f"{existing.slug} was cancelled", "Give the campaign a new name to run it.")
    update_campaign(connection, existing.id, **values)
    if existing.state == "paused":
        set_state(connection, existing.id, "paused", _NEWLY_APPROVED, now_us)
        return existing.id, "paused"
    set_state(connection, existing.id, state, "", now_us)
    return existing.id, state


def _approve_more(connection: Connection, existing: Any, plan: Any, now_us: int) -> str:
    """The same campaign, planned and approved again, for more people than before: new ceilings (invariant 10)."""
    if plan.id > existing.plan_id and existing.state in ("scheduled", "running", "paused"):
        values = {"plan_id": plan.id, "ceilings": plan.summary["ceilings"], "ceilings_lifted": False}
        update_campaign(connection, existing.id, **values)
        if existing.state_reason.startswith(CEILING):
            set_state(connection, existing.id, "paused", _NEWLY_APPROVED, now_us)
    return str(existing.state)


def _first_due_us(revision: Revision) -> int:
    return min((one.due_us for _, one in revision.dues()), default=0)


def _step_rows(revision: Revision, summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    planned = {(step["name"], step["occasion"]): step["selected"] for step in summary["steps"]}
    return [
        {
            "name": step.name,
            "occasion": one.session,
            "ordinal": index,
            "due_us": one.due_us,
            "expires_us": one.expires_us,
            "selected": planned.get((step.name, one.session), 0),
            "pending": planned.get((step.name, one.session), 0),
        }
        for index, (step, one) in enumerate(revision.dues())
    ]
