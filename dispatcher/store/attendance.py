"""Who comes to a session: yes, no, or waiting for a place. The session's row is locked, so that no place goes twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, func, select, update

from dispatcher.core.errors import UsageError
from dispatcher.store.bulk import any_of, insert_ignore
from dispatcher.store.cancel import cancel_queued
from dispatcher.store.tables import contacts, messages, plans, session_people, sessions, steps

Rsvp = Literal["yes", "no", "waiting"]
p = session_people.c


def set_rsvp(
    connection: Connection, session_slug: str, contact_id: int, answer: Literal["yes", "no"], via: str, now_us: int
) -> str:
    """What it comes to: "yes", "no", or "waiting" where the session is full. UsageError for a session there is not.

    Saying yes again keeps the place, or the place in the queue. A no gives its place to whoever waits longest, and
    cancels what waits for this person in steps that do not mean people who decline (invariant 8).
    """
    capacity = _lock(connection, session_slug)
    mine = (p.session_slug == session_slug, p.contact_id == contact_id)
    insert_ignore(connection, session_people, [{"session_slug": session_slug, "contact_id": contact_id}])
    before: str = connection.execute(select(p.rsvp).where(*mine)).scalar_one()
    if before == answer:
        return before
    if answer == "yes":
        reached: Rsvp = "yes" if _has_room(connection, session_slug, capacity) else "waiting"
        if before == reached:
            return before
    else:
        reached = "no"
    values = {"rsvp": reached, "rsvp_via": via, "rsvp_us": now_us, "promoted_us": None}
    connection.execute(update(session_people).where(*mine).values(**values))
    if reached == "no":
        _cancel_reminders(connection, session_slug, contact_id, now_us)
        promote(connection, session_slug, now_us)
    return reached


def promote(connection: Connection, session_slug: str, now_us: int) -> int:
    """Places that are free go to those who wait, the longest first; how many."""
    capacity, promoted = _lock(connection, session_slug), 0
    while _has_room(connection, session_slug, capacity):
        waiting = _who(session_slug, "waiting", p.contact_id)
        first = connection.execute(waiting.order_by(p.rsvp_us, p.contact_id).limit(1)).scalar()
        if first is None:
            break
        theirs = (p.session_slug == session_slug, p.contact_id == first)
        connection.execute(update(session_people).where(*theirs).values(rsvp="yes", promoted_us=now_us))
        promoted += 1
    return promoted


def lock_places(connection: Connection, contact_ids: Sequence[int], now_us: int) -> list[str]:
    """Sessions to come in which these people have a place, or wait for one that they may be given at this very instant.

    Locked, as before any message that waits (`set_rsvp`).
    """
    s = sessions.c
    theirs = select(p.session_slug).where(any_of(connection, p.contact_id, contact_ids), p.rsvp.in_(["yes", "waiting"]))
    is_ahead = func.coalesce(s.ends_us, s.starts_us) > now_us
    held = select(s.slug).where(s.slug.in_(theirs), is_ahead).order_by(s.slug).with_for_update(key_share=True)
    return list(connection.execute(held).scalars())


def promoted(connection: Connection) -> dict[str, int]:
    """Session → how many who waited have a place now."""
    statement = select(p.session_slug, func.count()).where(p.promoted_us.is_not(None), p.rsvp == "yes")
    return {row[0]: row[1] for row in connection.execute(statement.group_by(p.session_slug))}


def _lock(connection: Connection, slug: str) -> int | None:
    """Its capacity."""
    # its key stays free: a check-in at this very instant refers to it
    mine = select(sessions.c.capacity).where(sessions.c.slug == slug).with_for_update(key_share=True)
    row = connection.execute(mine).first()
    if row is None:
        raise UsageError("unknown-session", f"there is no session {slug}", "See: dispatcher session list")
    capacity: int | None = row.capacity
    return capacity


def _has_room(connection: Connection, slug: str, capacity: int | None) -> bool:
    if capacity is None:
        return True
    return bool(connection.execute(_who(slug, "yes", func.count())).scalar_one() < capacity)


def _who(slug: str, rsvp: Rsvp, *columns: Any) -> Any:
    """People who said so; who was erased holds no place, and waits for none."""
    people = session_people.outerjoin(contacts, contacts.c.id == p.contact_id)
    return (
        select(*columns)
        .select_from(people)
        .where(p.session_slug == slug, p.rsvp == rsvp, contacts.c.erased_us.is_(None))
    )


def _cancel_reminders(connection: Connection, slug: str, contact_id: int, now_us: int) -> None:
    m = messages.c
    waiting = (
        select(m.id, steps.c.name, plans.c.document)
        .join(steps, steps.c.id == m.step_id)
        .join(plans, plans.c.id == steps.c.plan_id)
        .where(m.contact_id == contact_id, m.status == "queued", steps.c.occasion == slug)
    )
    unwanted = [row.id for row in connection.execute(waiting).all() if _leaves_out_decliners(row.document, row.name)]
    if unwanted:
        cancel_queued(connection, unwanted, now_us, "declined")


def _leaves_out_decliners(document: dict[str, Any], name: str) -> bool:
    written = document.get("campaign", {}).get("steps", [])
    meant: list[str] | None = next(
        (step.get("audience", {}).get("rsvp") for step in written if step["name"] == name), None
    )
    return meant is not None and meant != [] and "no" not in meant
