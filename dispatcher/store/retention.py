"""What is older than it may be: found by age, and blanked some hundred at a time. Counts stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, func, or_, select, update

from dispatcher.core.ids import floor_at
from dispatcher.store.bulk import any_of
from dispatcher.store.tables import answers, consents, contacts, inbound, links, messages, receipts, session_people

m, r, i, p = messages.c, receipts.c, inbound.c, contacts.c


class Aged(NamedTuple):
    """Rows of a table that are too old, and what becomes of them; without `values` they are erased as people."""

    table: Table
    which: ColumnElement[bool]
    values: dict[str, Any]


def texts(before_us: int) -> Aged:
    """Of messages that ended: what waits, is being sent or is unknown still needs them.

    So does what another hop may follow, until it is too late for one; a campaign that was cancelled follows nobody.
    """
    may_be_followed = m.hop_due_us.is_not(None) & (m.expires_us >= before_us)
    is_over = m.status.not_in(["queued", "sending", "unknown"]) & ~may_be_followed
    ended_us = func.coalesce(m.ended_us, m.begun_us, m.expires_us)
    has_some = or_(m.body_sealed.is_not(None), m.address_sealed.is_not(None))
    which = and_(m.id < floor_at(before_us), has_some, is_over, ended_us < before_us)
    return Aged(messages, which, {"body_sealed": None, "address_sealed": None})


def calls(before_us: int) -> Aged:
    """What providers called with; what was read from it stays."""
    which = and_(r.id < floor_at(before_us), r.raw_sealed.is_not(None), r.received_us < before_us)
    return Aged(receipts, which, {"raw_sealed": None})


def replies(before_us: int) -> Aged:
    """Unless a person still has to look at them."""
    is_done = or_(~i.needs_person, i.handled_us.is_not(None))
    has_some = or_(i.text_sealed.is_not(None), i.address_sealed.is_not(None))
    is_done = and_(is_done, i.reply_state.not_in(["due", "begun"]))
    which = and_(i.id < floor_at(before_us), has_some, is_done, i.received_us < before_us)
    return Aged(inbound, which, {"text_sealed": None, "address_sealed": None, "reply_sealed": None})


def people(before_us: int) -> Aged:
    """Who agrees to nothing, and was neither changed nor messaged nor heard of since."""
    recent = [
        exists().where(m.contact_id == p.id, or_(m.id >= floor_at(before_us), m.begun_us >= before_us)),
        exists().where(m.contact_id == p.id, m.status.in_(["queued", "sending", "unknown"])),
        exists().where(i.contact_id == p.id, i.received_us >= before_us),
        exists().where(answers.c.contact_id == p.id, answers.c.at_us >= before_us),
        exists().where(links.c.contact_id == p.id, links.c.visited_us >= before_us),
        exists().where(
            session_people.c.contact_id == p.id,
            or_(session_people.c.rsvp_us >= before_us, session_people.c.checked_in_us >= before_us),
        ),
    ]
    agrees = exists().where(consents.c.contact_id == p.id, consents.c.granted)
    which = and_(p.erased_us.is_(None), p.updated_us < before_us, ~agrees, *(~one for one in recent))
    return Aged(contacts, which, {})


def count(connection: Connection, aged: Aged) -> int:
    return int(connection.execute(select(func.count()).select_from(aged.table).where(aged.which)).scalar_one())


def lock_page(connection: Connection, aged: Aged, after_id: int, limit: int) -> Sequence[int]:
    """Ids of the next ones, ascending; their rows stay locked until the commit."""
    found = select(aged.table.c.id).where(aged.table.c.id > after_id, aged.which)
    return connection.execute(found.order_by(aged.table.c.id).limit(limit).with_for_update()).scalars().all()


def blank(connection: Connection, aged: Aged, ids: Sequence[int]) -> None:
    connection.execute(update(aged.table).where(any_of(connection, aged.table.c.id, ids)).values(**aged.values))
