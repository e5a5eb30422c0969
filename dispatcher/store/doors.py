"""Doors of sessions: officers' links, and who is meant by a code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, delete, func, insert, or_, select, union, update

from dispatcher.store.bulk import any_of, insert_ignore
from dispatcher.store.by_step import of_steps
from dispatcher.store.door_codes import door_number
from dispatcher.store.keys import Keys
from dispatcher.store.tables import contacts, door_codes, doors, messages, session_people, sessions, steps

_AT_ONCE: Final = 20_000

d, c = doors.c, door_codes.c


def token_hash(keys: Keys, token: str) -> bytes:
    return keys.hash_identity(f"door-token:{token}")


def put_door(connection: Connection, values: dict[str, Any]) -> None:
    connection.execute(insert(doors).values(**values))


def door_by_hash(connection: Connection, digest: bytes) -> Any | None:
    """The door's row with its session's; revoked and expired ones too."""
    statement = (
        select(d.id.label("door_id"), d.label, d.after_us, d.revoked_us, sessions)
        .join(sessions, sessions.c.slug == d.session_slug)
        .where(d.token_hash == digest)
    )
    return connection.execute(statement).first()


def doors_of(connection: Connection, session: str) -> Sequence[Any]:
    """Oldest first."""
    return connection.execute(select(doors).where(d.session_slug == session).order_by(d.id)).all()


def labels(connection: Connection, session: str) -> dict[int, str]:
    return {row.id: row.label for row in connection.execute(select(d.id, d.label).where(d.session_slug == session))}


def revoke_door(connection: Connection, session: str, door_id: int, now_us: int) -> bool | None:
    """None: the session has no such door; False: it was revoked before."""
    mine = (d.id == door_id) & (d.session_slug == session)
    if connection.execute(select(d.id).where(mine)).first() is None:
        return None
    return connection.execute(update(doors).where(mine, d.revoked_us.is_(None)).values(revoked_us=now_us)).rowcount == 1


class Coded(NamedTuple):
    contact_id: int
    session: str


def by_code(connection: Connection, code: int) -> list[Coded]:
    """Whoever has the code, at whichever session."""
    statement = select(c.contact_id, c.session_slug).where(c.code == code).order_by(c.contact_id)
    return [Coded(*row) for row in connection.execute(statement)]


def filled_us(connection: Connection, door_id: int) -> int:
    """Up to when invitations were looked through at that door."""
    return int(connection.execute(select(d.filled_us).where(d.id == door_id)).scalar_one())


def uncoded(connection: Connection, session: str, since_us: int = 0, limit: int = 1) -> Sequence[int]:
    """Contacts who belong to the session and have no code yet, ascending.

    They were invited by any campaign, in steps that were under way at `since_us` or later; or have answered, or come.
    """
    known = select(c.contact_id).where(c.session_slug == session, c.contact_id == contacts.c.id).exists()
    statement = (
        select(contacts.c.id)
        .where(contacts.c.id.in_(_involved(connection, session, since_us)), contacts.c.erased_us.is_(None), ~known)
        .order_by(contacts.c.id)
        .limit(limit)
    )
    return connection.execute(statement).scalars().all()


def _involved(connection: Connection, session: str, since_us: int) -> Select[Any]:
    answered = select(session_people.c.contact_id).where(session_people.c.session_slug == session)
    s = steps.c
    under_way = or_(s.expanded_us.is_(None), s.expanded_us >= since_us)
    begun = select(s.id).where(s.occasion == session, s.state != "scheduled", under_way)
    found = connection.execute(begun).scalars().all()
    if not found:
        return answered
    mine = of_steps(connection, sorted(found))
    return select(union(select(messages.c.contact_id).where(mine), answered).subquery().c.contact_id)


def fill_codes(connection: Connection, keys: Keys, session: str, since_us: int = 0) -> int:
    """Gives codes to everyone who has none yet; how many."""
    filled = 0
    while ids := uncoded(connection, session, since_us, _AT_ONCE):
        rows = [{"session_slug": session, "contact_id": one, "code": door_number(keys, session, one)} for one in ids]
        insert_ignore(connection, door_codes, rows)
        filled += len(ids)
    return filled


def note_filled(connection: Connection, door_id: int, now_us: int) -> None:
    connection.execute(update(doors).where(d.id == door_id).values(filled_us=now_us))


def coded_among(connection: Connection, session: str, contact_ids: Sequence[int]) -> set[int]:
    """Those of them who belong to the session."""
    mine = (c.session_slug == session) & any_of(connection, c.contact_id, contact_ids)
    return set(connection.execute(select(c.contact_id).where(mine)).scalars())


def forget_codes(connection: Connection, contact_id: int) -> None:
    connection.execute(delete(door_codes).where(c.contact_id == contact_id))


def _aged(before_us: int) -> Select[Any]:
    """Sessions that were over by then; one without an end counts from its start."""
    s = sessions.c
    return select(s.slug).where(func.coalesce(s.ends_us, s.starts_us) < before_us)


def count_aged_codes(connection: Connection, before_us: int) -> int:
    found = select(func.count()).select_from(door_codes).where(c.session_slug.in_(_aged(before_us)))
    return connection.execute(found).scalar_one()


def forget_aged_codes(connection: Connection, before_us: int) -> int:
    """Of sessions that were over by then; how many. A code can be made anew from the keys."""
    return connection.execute(delete(door_codes).where(c.session_slug.in_(_aged(before_us)))).rowcount
