"""Who answered a campaign, when, through what and to which words; and who did not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from dispatcher.store.by_step import of_campaign
from dispatcher.store.tables import answer_events, answers, cells, contacts, messages, plans, steps

m = messages.c


def answers_of(connection: Connection, campaign_id: int, *, history: bool) -> list[Any]:
    """The last word of each person, oldest first; with `history` also what they said before. Erased people too."""
    table = answer_events if history else answers
    a = table.c
    columns = (a.contact_id, a.meaning, a.at_us, a.via, a.text_version, a.text_hash, a.message_id)
    about = (contacts.c.name_sealed, contacts.c.attributes, contacts.c.region, cells.c.groups)
    statement = (
        select(*columns, *about)
        .join(contacts, contacts.c.id == a.contact_id)
        .outerjoin(cells, cells.c.id == a.cell_id)
        .where(a.campaign_id == campaign_id)
        .order_by(a.at_us, a.contact_id)
    )
    return list(connection.execute(statement))


class Asked(NamedTuple):
    """One person whom the campaign messaged. `meaning` None: no answer yet."""

    attributes: dict[str, Any]
    region: str
    groups: str
    meaning: str | None


def asked(connection: Connection, campaign_id: int) -> Iterator[Asked]:
    """Everyone once, a row at a time."""
    person = (
        select(m.contact_id, func.max(m.cell_id).label("cell_id"))
        .where(of_campaign(connection, campaign_id))
        .group_by(m.contact_id)
        .subquery()
    )
    mine = (answers.c.campaign_id == campaign_id) & (answers.c.contact_id == person.c.contact_id)
    statement = (
        select(contacts.c.attributes, cells.c.region, cells.c.groups, answers.c.meaning)
        .select_from(person)
        .join(contacts, contacts.c.id == person.c.contact_id)
        .join(cells, cells.c.id == person.c.cell_id)
        .outerjoin(answers, mine)
    )
    for row in connection.execution_options(yield_per=1000).execute(statement):
        yield Asked(row[0] or {}, row[1], row[2], row[3])


def read_words(connection: Connection, message_id: int) -> Any:
    """fingerprint, name, hop, body_sealed: None where that was erased or aged."""
    statement = (
        select(plans.c.fingerprint, steps.c.name, m.hop, m.body_sealed)
        .select_from(messages.join(steps, steps.c.id == m.step_id).join(plans, plans.c.id == steps.c.plan_id))
        .where(m.id == message_id)
    )
    return connection.execute(statement).one()
