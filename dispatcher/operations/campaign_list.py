"""List all campaigns. Little is imported: people ask often, and want to see it at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dispatcher.core.clock import iso
from dispatcher.operations.context import Context
from dispatcher.store.campaigns import all_campaigns, steps_of, unapplied_plans


def list_campaigns(context: Context) -> list[dict[str, Any]]:
    """Applied ones, then those that are only planned; newest first."""
    with context.database.read() as connection:
        found = all_campaigns(connection)
        rows = steps_of(connection, [row.id for row in found])
        planned = unapplied_plans(connection)
    return [*(_line(row, [s for s in rows if s.campaign_id == row.id]) for row in found), *map(_planned, planned)]


def _line(campaign: Any, steps: Sequence[Any]) -> dict[str, Any]:
    coming = [step.due_us for step in steps if step.state == "scheduled"]
    return {
        **standing(campaign),
        "title": campaign.title,
        "steps": len(steps),
        "steps_done": sum(step.state == "done" for step in steps),
        "next_due": iso(min(coming, default=None), campaign.zone),
    }


def _planned(plan: Any) -> dict[str, Any]:
    ready = plan.approved_us is not None or plan.waived
    return {
        "campaign": plan.slug,
        "state": "approved" if ready else "planned",
        "reason": "",
        "fingerprint": plan.fingerprint,
        "title": plan.summary.get("title", ""),
        "steps": len(plan.summary.get("steps", ())),
        "steps_done": 0,
        "next_due": min((step["due"] for step in plan.summary.get("steps", ())), default=None),
    }


def standing(campaign: Any) -> dict[str, Any]:
    """What every command that changes a campaign tells of it."""
    return {
        "campaign": campaign.slug,
        "state": campaign.state,
        "reason": campaign.state_reason,
        "fingerprint": campaign.fingerprint,
    }
