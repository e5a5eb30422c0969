"""Who came to a session, for reports: people of one campaign alike, and those it did not invite. Nobody's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal, select

from dispatcher.outreach.turnout import TurnoutCell
from dispatcher.store.bulk import any_of
from dispatcher.store.by_step import of_steps
from dispatcher.store.tables import cells, contacts, guests, memberships, messages, session_people

m, p = messages.c, session_people.c
_PAGE = 2000


def invited(
    connection: Connection, session: str, step_ids: Sequence[int], *, neighbourhoods: bool
) -> list[TurnoutCell]:
    """Everyone who was given a message of these steps, each once; the youngest cell says where they belong."""
    youngest = func.max(m.cell_id).label("cell_id")
    person = select(m.contact_id, youngest).where(of_steps(connection, step_ids)).group_by(m.contact_id).subquery()
    mine = (p.session_slug == session) & (p.contact_id == person.c.contact_id)
    source: Any = person.join(cells, cells.c.id == person.c.cell_id).outerjoin(session_people, mine)
    where: list[ColumnElement[Any]] = []
    if neighbourhoods:
        source = source.outerjoin(contacts, contacts.c.id == person.c.contact_id)
        where = [contacts.c.rw, contacts.c.rt]
    came = p.checked_in_us.is_not(None)
    grouped = [cells.c.region, *where, cells.c.role, cells.c.groups, p.rsvp, came]
    rw, rt = where or [literal(None), literal(None)]
    columns = [cells.c.region, rw, rt, cells.c.role, cells.c.groups, func.coalesce(p.rsvp, ""), came, func.count()]
    statement = select(*columns).select_from(source).group_by(*grouped).order_by(*grouped)
    return [
        TurnoutCell(r[0], r[1], r[2], r[3], _groups(r[4]), True, r[5], bool(r[6]), r[7])
        for r in connection.execute(statement)
    ]


def uninvited(
    connection: Connection, session: str, step_ids: Sequence[int], *, neighbourhoods: bool
) -> list[TurnoutCell]:
    """People on record who answered or came although these steps did not invite them, as they are now."""
    found: Counter[TurnoutCell] = Counter()
    for _, rows in groupby(_others(connection, session, step_ids), key=lambda row: row.contact_id):
        row, *more = rows
        groups = tuple(sorted({one.group_slug for one in (row, *more) if one.group_slug}))
        rw, rt = (row.rw, row.rt) if neighbourhoods else (None, None)
        found[TurnoutCell(row.region, rw, rt, row.role, groups, False, row.rsvp, row.checked_in_us is not None, 0)] += 1
    return [cell._replace(people=people) for cell, people in found.items()]


def _others(connection: Connection, session: str, step_ids: Sequence[int]) -> Any:
    """A row for each group of a person, persons together."""
    was_invited = select(m.id).where(m.contact_id == p.contact_id, any_of(connection, m.step_id, step_ids)).exists()
    statement = (
        select(
            p.contact_id, p.rsvp, p.checked_in_us, contacts.c.region, contacts.c.rw, contacts.c.rt, contacts.c.role,
            memberships.c.group_slug,
        )
        .join(contacts, contacts.c.id == p.contact_id)
        .outerjoin(memberships, memberships.c.contact_id == p.contact_id)
        .where(p.session_slug == session, ~was_invited)
        .order_by(p.contact_id)
    )  # fmt: skip
    return connection.execute(statement.execution_options(yield_per=_PAGE))


def by_step(connection: Connection, session: str, step_ids: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """Step → (people it invited, how many of them said yes, how many came)."""
    person = (
        select(m.step_id, m.contact_id)
        .where(of_steps(connection, step_ids))
        .group_by(m.step_id, m.contact_id)
        .subquery()
    )
    mine = (p.session_slug == session) & (p.contact_id == person.c.contact_id)
    said_yes = func.count(p.rsvp).filter(p.rsvp == "yes")
    statement = (
        select(person.c.step_id, func.count(), said_yes, func.count(p.checked_in_us))
        .select_from(person.outerjoin(session_people, mine))
        .group_by(person.c.step_id)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(statement)}


def guests_by_group(connection: Connection, session: str) -> dict[str, int]:
    g = guests.c
    statement = select(g.group_slug, func.count()).where(g.session_slug == session).group_by(g.group_slug)
    return {row[0]: row[1] for row in connection.execute(statement)}


def _groups(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()
