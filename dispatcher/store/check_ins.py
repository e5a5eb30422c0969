"""Who came: checked in once, whoever else does it at the same time; and guests whom nobody knows, counted.

The first check-in wins. Its instant is the database's, and the same request again (`ref`) finds itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, delete, func, select, update

from dispatcher.store.bulk import any_of, insert_ignore
from dispatcher.store.tables import contacts, guests, session_people

p, g = session_people.c, guests.c


def check_in(
    connection: Connection, session: str, contact_ids: Collection[int], via: str, now_us: int, ref: str = ""
) -> set[int]:
    """Those who had not come before."""
    ids = sorted(contact_ids)
    if not ids:
        return set()
    insert_ignore(connection, session_people, [{"session_slug": session, "contact_id": one} for one in ids])
    absent = (p.session_slug == session) & any_of(connection, p.contact_id, ids) & p.checked_in_us.is_(None)
    if connection.dialect.name == "postgresql":  # in one order, so that two doors never wait for each other
        connection.execute(select(p.contact_id).where(absent).order_by(p.contact_id).with_for_update())
    came = update(session_people).where(absent).values(checked_in_us=now_us, checked_in_via=via, checked_in_ref=ref)
    return set(connection.execute(came.returning(p.contact_id)).scalars())


class CheckIn(NamedTuple):
    at_us: int
    via: str
    ref: str


def check_in_of(connection: Connection, session: str, contact_id: int) -> CheckIn | None:
    statement = select(p.checked_in_us, p.checked_in_via, p.checked_in_ref).where(
        p.session_slug == session, p.contact_id == contact_id, p.checked_in_us.is_not(None)
    )
    row = connection.execute(statement).first()
    return CheckIn(*row) if row else None


def undo(connection: Connection, session: str, contact_id: int, at_us: int) -> bool:
    """Takes back the check-in of that very instant: a repeated undo does not touch a later one."""
    mine = (p.session_slug == session) & (p.contact_id == contact_id)
    came = update(session_people).where(mine, p.checked_in_us == at_us)
    if connection.execute(came.values(checked_in_us=None, checked_in_via="", checked_in_ref="")).rowcount != 1:
        return False
    connection.execute(delete(session_people).where(mine, p.checked_in_us.is_(None), p.rsvp == ""))
    return True


def count_guests(connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Rows of `guests`, each `ref` once; how many are new."""
    return insert_ignore(connection, guests, rows)


def uncount_guest(connection: Connection, session: str, ref: str) -> bool:
    return connection.execute(delete(guests).where(g.session_slug == session, g.ref == ref)).rowcount == 1


def came_by(connection: Connection, session: str) -> dict[str, int]:
    """`via` → people."""
    came = (p.session_slug == session) & p.checked_in_us.is_not(None)
    statement = select(p.checked_in_via, func.count()).where(came).group_by(p.checked_in_via)
    return {row[0]: row[1] for row in connection.execute(statement)}


class Present(NamedTuple):
    """`known`: people on record who came; `guests`: others; `expected`: who said yes."""

    known: int
    guests: int
    expected: int


def present(connection: Connection, session: str) -> Present:
    people = select(func.count(p.checked_in_us), func.sum(case((p.rsvp == "yes", 1), else_=0)))
    known, expected = connection.execute(people.where(p.session_slug == session)).one()
    others = connection.execute(select(func.count()).select_from(guests).where(g.session_slug == session))
    return Present(known, others.scalar_one(), expected or 0)


class Known(NamedTuple):
    id: int
    name_sealed: bytes | None
    rw: int | None


def people(connection: Connection, contact_ids: Sequence[int]) -> list[Known]:
    """Without those who were erased."""
    who = contacts.c
    statement = select(who.id, who.name_sealed, who.rw).where(
        any_of(connection, who.id, contact_ids), who.erased_us.is_(None)
    )
    return [Known(*row) for row in connection.execute(statement.order_by(who.id))]
