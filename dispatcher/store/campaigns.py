"""Campaigns as people see them: lists, their plans, their steps, and moves between states."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from dispatcher.core.errors import UsageError
from dispatcher.store.steps import campaign_by_slug
from dispatcher.store.tables import campaigns, plans, steps

Found = Row[Any]


def require_campaign(connection: Connection, slug: str, *, lock: bool = False) -> Any:
    """UsageError where it was never applied; the hint says what is known of it."""
    found = campaign_by_slug(connection, slug, lock=lock)
    if found is not None:
        return found
    planned = connection.execute(select(plans.c.id).where(plans.c.slug == slug).limit(1)).first()
    if planned is None:
        raise UsageError("unknown-campaign", f"there is no campaign {slug}", "See: dispatcher campaign list")
    raise UsageError(
        "not-applied", f"{slug} was planned but not applied yet", "Start it with: dispatcher campaign apply FILE"
    )


def all_campaigns(connection: Connection) -> list[Found]:
    """Newest first."""
    return list(connection.execute(select(campaigns).order_by(campaigns.c.id.desc())))


def unapplied_plans(connection: Connection) -> list[Found]:
    """The newest plan of each campaign that was never applied."""
    newest = (
        select(func.max(plans.c.id))
        .where(plans.c.slug.not_in(select(campaigns.c.slug)))
        .group_by(plans.c.slug)
        .scalar_subquery()
    )
    columns = (plans.c.slug, plans.c.fingerprint, plans.c.summary, plans.c.approved_us, plans.c.waived)
    return list(connection.execute(select(*columns).where(plans.c.id.in_(newest)).order_by(plans.c.id.desc())))


def newest_plan(connection: Connection, slug: str) -> Found:
    """Of a campaign that was planned, applied or not."""
    return connection.execute(select(plans).where(plans.c.slug == slug).order_by(plans.c.id.desc()).limit(1)).one()


def steps_of(connection: Connection, campaign_ids: list[int]) -> list[Found]:
    """In the order of the campaign."""
    statement = select(steps).where(steps.c.campaign_id.in_(campaign_ids))
    return list(connection.execute(statement.order_by(steps.c.campaign_id, steps.c.ordinal, steps.c.id)))


def cancel_open_steps(connection: Connection, campaign_id: int, now_us: int) -> None:
    """Nothing more is expanded. Who was not yet decided on stays `pending` (invariant 11)."""
    connection.execute(
        update(steps)
        .where(steps.c.campaign_id == campaign_id, steps.c.state != "done")
        .values(state="cancelled", finished_us=now_us)
    )
