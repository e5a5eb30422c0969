"""Visits of recipients' pages for reports: people once each, programs and shared links apart."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, literal, select

from dispatcher.store.placed import PeopleCell, people_placed
from dispatcher.store.tables import links, session_people

l = links.c  # noqa: E741


class StepVisits(NamedTuple):
    """`people`: who opened their own page; `previewed`: links that a program fetched; `shared`: openings of the link to
    pass on, by whomever."""

    step_id: int
    people: int
    previewed: int
    shared: int


def visits_by_step(connection: Connection, campaign_id: int) -> list[StepVisits]:
    """Steps of which anything was seen."""
    is_mine = l.contact_id.is_not(None)
    people = func.count(l.contact_id.distinct()).filter(is_mine, l.visited_us.is_not(None))
    previewed = func.count().filter(is_mine, l.previewed_us.is_not(None))
    shared = func.coalesce(func.sum(l.visits).filter(~is_mine), 0)
    statement = (
        select(l.step_id, people, previewed, shared).where(_seen(campaign_id)).group_by(l.step_id).order_by(l.step_id)
    )
    return [StepVisits(row[0], row[1], row[2], int(row[3])) for row in connection.execute(statement)]


def visitors(connection: Connection, campaign_id: int) -> int:
    """People who opened a page of theirs, each once over all steps."""
    mine = (_seen(campaign_id), l.visited_us.is_not(None), l.contact_id.is_not(None))
    return int(connection.execute(select(func.count(l.contact_id.distinct())).where(*mine)).scalar_one())


def visitors_by_cell(connection: Connection, campaign_id: int, *, neighbourhoods: bool) -> list[PeopleCell]:
    """The same people as `people_by_cell` counts them, without what became of their messages."""
    mine = (_seen(campaign_id), l.visited_us.is_not(None), l.contact_id.is_not(None))
    columns = (l.contact_id, func.max(l.cell_id).label("cell_id"), literal("").label("word"))
    person = select(*columns).where(*mine).group_by(l.contact_id).subquery()
    return people_placed(connection, person, neighbourhoods=neighbourhoods)


def _seen(campaign_id: int) -> ColumnElement[bool]:
    """As their index has them."""
    return (l.campaign_id == campaign_id) & (l.visited_us.is_not(None) | l.previewed_us.is_not(None))


def rsvp_by_way(connection: Connection, slugs: list[str]) -> dict[str, dict[str, dict[str, int]]]:
    """Session → way → answer → people."""
    p = session_people.c
    keys = (p.session_slug, p.rsvp_via, p.rsvp)
    found: dict[str, dict[str, dict[str, int]]] = {}
    statement = select(*keys, func.count()).where(p.session_slug.in_(slugs), p.rsvp != "").group_by(*keys)
    for slug, via, rsvp, people in connection.execute(statement.order_by(*keys)):
        found.setdefault(slug, {}).setdefault(via, {})[rsvp] = people
    return found
