"""Who said that they will come to a session, as far as there are places."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, func, select, update

from dispatcher.store.bulk import insert_ignore
from dispatcher.store.tables import session_people, sessions

p = session_people.c


def set_rsvp(
    connection: Connection, session_slug: str, contact_id: int, answer: Literal["yes", "no"], via: str, now_us: int
) -> str:
    """What stands now: yes, no, or waiting where a yes found no place. A no gives its place to who waits longest."""
    capacity = connection.execute(
        select(sessions.c.capacity).where(sessions.c.slug == session_slug).with_for_update()
    ).scalar_one()
    insert_ignore(connection, session_people, [{"session_slug": session_slug, "contact_id": contact_id}])
    mine = (p.session_slug == session_slug) & (p.contact_id == contact_id)
    before = connection.execute(select(p.rsvp).where(mine)).scalar_one()
    if before == answer or (before, answer) == ("waiting", "yes"):
        return str(before)
    stands: str = answer
    if answer == "yes" and capacity is not None and _coming(connection, session_slug) >= capacity:
        stands = "waiting"
    connection.execute(update(session_people).where(mine).values(rsvp=stands, rsvp_via=via, rsvp_us=now_us))
    if before == "yes":
        _promote(connection, session_slug, now_us)
    return stands


def _coming(connection: Connection, session_slug: str) -> int:
    counted = select(func.count()).where(p.session_slug == session_slug, p.rsvp == "yes")
    return int(connection.execute(counted).scalar_one())


def _promote(connection: Connection, session_slug: str, now_us: int) -> None:
    waiting = select(p.contact_id).where(p.session_slug == session_slug, p.rsvp == "waiting")
    first = connection.execute(waiting.order_by(p.rsvp_us, p.contact_id).limit(1)).scalar()
    if first is not None:
        mine = (p.session_slug == session_slug) & (p.contact_id == first)
        connection.execute(update(session_people).where(mine).values(rsvp="yes", rsvp_us=now_us))
