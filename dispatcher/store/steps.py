"""Applied campaigns and their steps: what is to happen when, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from dispatcher.store.bulk import insert_ignore
from dispatcher.store.installation import take_ids
from dispatcher.store.tables import campaigns, steps


def campaign_by_slug(connection: Connection, slug: str, *, lock: bool = False) -> Any | None:
    statement = select(campaigns).where(campaigns.c.slug == slug)
    return connection.execute(statement.with_for_update() if lock else statement).first()


def insert_campaign(connection: Connection, values: Mapping[str, Any], now_us: int) -> int:
    (identifier,) = take_ids(connection, 1, now_us)
    connection.execute(insert(campaigns).values(id=identifier, applied_us=now_us, state_us=now_us, **values))
    return identifier


def update_campaign(connection: Connection, campaign_id: int, **values: Any) -> None:
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(**values))


def set_state(connection: Connection, campaign_id: int, state: str, reason: str, now_us: int) -> None:
    update_campaign(connection, campaign_id, state=state, state_reason=reason, state_us=now_us)


def pause_running(connection: Connection, campaign_id: int, reason: str, now_us: int) -> bool:
    """False where it does not run any more."""
    paused = connection.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id, campaigns.c.state == "running")
        .values(state="paused", state_reason=reason, state_us=now_us)
    )
    return paused.rowcount == 1


def put_steps(
    connection: Connection, campaign_id: int, plan_id: int, rows: Sequence[Mapping[str, Any]], now_us: int
) -> None:
    """The steps of a revision. Steps that were expanded keep what they are; others are replaced (invariant 15)."""
    untouched = [steps.c.campaign_id == campaign_id, steps.c.state == "scheduled"]
    connection.execute(delete(steps).where(*untouched))
    fresh = take_ids(connection, len(rows), now_us)
    values = [
        {**row, "id": i, "campaign_id": campaign_id, "plan_id": plan_id, "state": "scheduled"}
        for i, row in zip(fresh, rows, strict=True)
    ]
    insert_ignore(connection, steps, values)


def due_steps(connection: Connection, before_us: int, limit: int = 50) -> list[Any]:
    """Steps to expand now, of campaigns that are scheduled or running, earliest first."""
    statement = (
        select(steps)
        .join(campaigns, campaigns.c.id == steps.c.campaign_id)
        .where(
            steps.c.state.in_(["scheduled", "expanding"]),
            steps.c.due_us <= before_us,
            campaigns.c.state.in_(["scheduled", "running"]),
        )
        .order_by(steps.c.due_us, steps.c.id)
        .limit(limit)
    )
    return list(connection.execute(statement))
