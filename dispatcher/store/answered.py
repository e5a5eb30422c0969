"""What people answered a campaign, for reports: the last answer of each person counts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from dispatcher.store.placed import PeopleCell, people_placed
from dispatcher.store.tables import answers

a = answers.c


def answers_by_meaning(connection: Connection, campaign_id: int) -> dict[str, int]:
    """Meaning → people."""
    statement = select(a.meaning, func.count()).where(a.campaign_id == campaign_id)
    return {row[0]: row[1] for row in connection.execute(statement.group_by(a.meaning).order_by(a.meaning))}


def answers_by_way(connection: Connection, campaign_id: int) -> dict[str, dict[str, int]]:
    """Way (reply, link, …) → meaning → people."""
    return _by(connection, campaign_id, a.via)


def answers_by_step(connection: Connection, campaign_id: int) -> dict[int | None, dict[str, int]]:
    """Step whose message was answered → meaning → people."""
    return _by(connection, campaign_id, a.step_id)


def answers_by_cell(connection: Connection, campaign_id: int, *, neighbourhoods: bool) -> list[PeopleCell]:
    """`word` is the meaning."""
    person = select(a.contact_id, a.cell_id, a.meaning.label("word")).where(a.campaign_id == campaign_id).subquery()
    return people_placed(connection, person, neighbourhoods=neighbourhoods)


def _by(connection: Connection, campaign_id: int, key: ColumnElement[Any]) -> dict[Any, dict[str, int]]:
    found: dict[Any, dict[str, int]] = {}
    statement = select(key, a.meaning, func.count()).where(a.campaign_id == campaign_id)
    for of, meaning, people in connection.execute(statement.group_by(key, a.meaning).order_by(key, a.meaning)):
        found.setdefault(of, {})[meaning] = people
    return found
