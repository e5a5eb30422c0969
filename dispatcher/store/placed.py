"""People of a campaign by where they belong: region, role and groups, as they were when they were messaged."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Subquery, func, literal, select

from dispatcher.store.tables import cells, contacts


class PeopleCell(NamedTuple):
    """Unique people of a campaign who are alike. `word`: what is counted of them."""

    region: str
    rw: int | None
    rt: int | None
    role: str
    groups: tuple[str, ...]
    word: str
    people: int


def people_placed(connection: Connection, person: Subquery, *, neighbourhoods: bool) -> list[PeopleCell]:
    """`person`: contact_id, cell_id and word, each person once. RW and RT only where they are asked for.

    In no order: it is summed up.
    """
    source: Any = person
    where: list[ColumnElement[Any]] = []
    if neighbourhoods:
        source = source.outerjoin(contacts, contacts.c.id == person.c.contact_id)
        where = [contacts.c.rw.label("rw"), contacts.c.rt.label("rt")]
    # counted before cells are looked up: some thousand rows meet them instead of every person
    keys = (person.c.cell_id, *where, person.c.word)
    alike = select(*keys, func.count().label("people")).select_from(source).group_by(*keys).subquery()
    rw, rt = (alike.c.rw, alike.c.rt) if neighbourhoods else (literal(None), literal(None))
    columns = (cells.c.region, rw, rt, cells.c.role, cells.c.groups, alike.c.word, alike.c.people)
    statement = select(*columns).join(cells, cells.c.id == alike.c.cell_id)
    return [
        PeopleCell(region, rw, rt, role, tuple(groups.split(",")) if groups else (), str(word), people)
        for region, rw, rt, role, groups, word, people in connection.execute(statement)
    ]
