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
    """`person`: contact_id, cell_id and word, each person once. RW and RT only where they are asked for."""
    where: list[ColumnElement[Any]] = [literal(None), literal(None)]
    source: Any = person.join(cells, cells.c.id == person.c.cell_id)
    if neighbourhoods:
        where = [contacts.c.rw, contacts.c.rt]
        source = source.outerjoin(contacts, contacts.c.id == person.c.contact_id)
    rw, rt = (column.label(name) for column, name in zip(where, ("rw", "rt"), strict=True))
    keys = [cells.c.region, *(where if neighbourhoods else ()), cells.c.role, cells.c.groups, person.c.word]
    columns = (cells.c.region, rw, rt, cells.c.role, cells.c.groups, person.c.word, func.count())
    statement = select(*columns).select_from(source).group_by(*keys).order_by(*keys)
    return [
        PeopleCell(region, rw, rt, role, tuple(groups.split(",")) if groups else (), str(word), people)
        for region, rw, rt, role, groups, word, people in connection.execute(statement)
    ]
