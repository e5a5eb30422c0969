"""The table of sessions: what stands, and which steps go by it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, func, select, update

from dispatcher.campaign.standing import Standing
from dispatcher.store.bulk import any_of, insert_ignore
from dispatcher.store.by_step import of_steps
from dispatcher.store.tables import campaigns, messages, session_people, sessions, steps

s = sessions.c
_NOT_TOLD = ("queued", "failed", "expired", "cancelled")
_COLUMNS = (s.slug, s.title, s.place, s.address, s.region, s.zone, s.starts_us, s.ends_us, s.capacity)


def table_of(
    connection: Connection, codes: Collection[str] | None = None, *, lock: bool = False
) -> dict[str, Standing]:
    """Code → session, by its start; all of them without `codes`. Locked in the order of their codes."""
    statement = select(*_COLUMNS).order_by(s.slug if lock else s.starts_us, s.slug)
    if codes is not None:
        statement = statement.where(any_of(connection, s.slug, sorted(codes)))
    rows = connection.execute(statement.with_for_update() if lock else statement)
    return {row.slug: Standing(*row) for row in rows}


def find_session(connection: Connection, code: str) -> Standing | None:
    return table_of(connection, [code]).get(code)


def put_sessions(connection: Connection, found: Sequence[Standing], now_us: int) -> None:
    """Those that are new; those that exist stay as they stand."""
    insert_ignore(connection, sessions, [{**_values(one), "updated_us": now_us} for one in found])


def change_session(connection: Connection, standing: Standing, now_us: int) -> None:
    values = _values(standing)
    connection.execute(update(sessions).where(s.slug == values.pop("slug")).values(**values, updated_us=now_us))


def _values(standing: Standing) -> dict[str, Any]:
    values = asdict(standing)
    return {"slug": values.pop("code"), **values}


def stale_steps(connection: Connection, campaign_id: int) -> dict[int, int]:
    """Steps that began before their session was last changed, with that instant: what waits may tell of the former."""
    statement = (
        select(steps.c.id, s.updated_us)
        .join(sessions, s.slug == steps.c.occasion)
        .where(
            steps.c.campaign_id == campaign_id,
            steps.c.state.in_(("expanding", "expanded")),
            s.updated_us >= steps.c.started_us,
        )
    )
    return {row.id: row.updated_us for row in connection.execute(statement)}


def unfinished_steps(
    connection: Connection, codes: Collection[str] | None = None, campaign_id: int | None = None
) -> list[Any]:
    """Steps of these sessions, or with any session, of which something is still to be sent; locked in ascending id.

    Each with its campaign's `campaign_state`, `slug` and `applied_plan`. Of a campaign that is over, there are none.
    """
    columns = (campaigns.c.state.label("campaign_state"), campaigns.c.slug, campaigns.c.plan_id.label("applied_plan"))
    statement = (
        select(steps, *columns)
        .join(campaigns, campaigns.c.id == steps.c.campaign_id)
        .where(
            steps.c.occasion != "",
            steps.c.state.in_(("scheduled", "expanding", "expanded")),
            campaigns.c.state.in_(("scheduled", "running", "paused")),
        )
        .order_by(steps.c.id)
    )
    if codes is not None:
        statement = statement.where(any_of(connection, steps.c.occasion, sorted(codes)))
    if campaign_id is not None:
        statement = statement.where(steps.c.campaign_id == campaign_id)
    return list(connection.execute(statement.with_for_update()))


def move_step(connection: Connection, step_id: int, due_us: int, expires_us: int) -> None:
    connection.execute(update(steps).where(steps.c.id == step_id).values(due_us=due_us, expires_us=expires_us))


def waiting_after(connection: Connection, step_id: int, message_id: int, limit: int) -> list[int]:
    """Ids of a step's messages that wait, above `message_id`, ascending."""
    m = messages.c
    statement = select(m.id).where(m.step_id == step_id, m.status == "queued", m.id > message_id)
    return list(connection.execute(statement.order_by(m.id).limit(limit)).scalars())


def anything_waits(connection: Connection, step_id: int) -> bool:
    return bool(waiting_after(connection, step_id, 0, 1))


def told_people(connection: Connection, code: str) -> int:
    """Who was messaged about a session, as far as is known, and has not declined it."""
    m, p = messages.c, session_people.c
    declined = select(p.contact_id).where(p.session_slug == code, p.contact_id == m.contact_id, p.rsvp == "no")
    ids = connection.execute(select(steps.c.id).where(steps.c.occasion == code)).scalars().all()
    told = (of_steps(connection, ids), m.status.not_in(_NOT_TOLD), ~declined.exists())
    return connection.execute(select(func.count(m.contact_id.distinct())).where(*told)).scalar_one()


def campaigns_by_session(connection: Connection) -> dict[str, list[str]]:
    """Code → campaigns that were applied with a step for it."""
    statement = (
        select(steps.c.occasion, campaigns.c.slug)
        .join(campaigns, campaigns.c.id == steps.c.campaign_id)
        .where(steps.c.occasion != "")
        .distinct()
        .order_by(campaigns.c.slug)
    )
    found: dict[str, list[str]] = {}
    for code, slug in connection.execute(statement):
        found.setdefault(code, []).append(slug)
    return found
