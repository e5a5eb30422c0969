"""Replies that need a person: read, and marked as handled."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from dispatcher.store.tables import inbound, senders

i = inbound.c


def list_replies(connection: Connection, limit: int, *, handled: bool) -> list[Any]:
    """Those that needed a person, newest first; only the open ones unless `handled`."""
    statement = select(inbound, senders.c.name.label("sender")).outerjoin(senders, senders.c.id == i.sender_id)
    statement = statement.where(i.needs_person)
    if not handled:
        statement = statement.where(i.handled_us.is_(None))
    return list(connection.execute(statement.order_by(i.id.desc()).limit(limit)))


def find_reply(connection: Connection, reply_id: int) -> Any | None:
    """Locked until the commit; only one that needed a person."""
    return connection.execute(select(inbound).where(i.id == reply_id, i.needs_person).with_for_update()).first()


def mark_handled(connection: Connection, reply_id: int, now_us: int) -> None:
    connection.execute(update(inbound).where(i.id == reply_id).values(handled_us=now_us))
