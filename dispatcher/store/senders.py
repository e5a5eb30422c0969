"""Senders as their operator sees and changes them. Sending itself uses permits.py."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, exists, select, update

from dispatcher.core.status import Status
from dispatcher.store.tables import messages, senders, suppressions


def sender_rows(connection: Connection) -> list[Any]:
    """All there ever were, by name."""
    return list(connection.execute(select(senders).order_by(senders.c.name)))


def find_sender(connection: Connection, name: str) -> Any | None:
    return connection.execute(select(senders).where(senders.c.name == name)).first()


def set_sender(connection: Connection, sender_id: int, **values: Any) -> dict[str, Any]:
    """Returns `values`, for the record."""
    connection.execute(update(senders).where(senders.c.id == sender_id).values(**values))
    return values


def set_sender_rate(connection: Connection, sender_id: int, per_s: float | None, unit: str, *, reweigh: bool) -> None:
    """None: no limit. `reweigh`: the unit changed, so what waits costs another number of units (invariant 9)."""
    set_sender(connection, sender_id, rate_per_s=per_s, rate_unit=unit)
    if reweigh:
        units = messages.c.segments if unit == "segment" else 1
        waiting = (messages.c.sender_id == sender_id, messages.c.status == Status.QUEUED)
        connection.execute(update(messages).where(*waiting).values(units=units))


def is_suppressed(connection: Connection, address_hash: bytes) -> bool:
    """For any purpose."""
    statement = select(exists().where(suppressions.c.address_hash == address_hash))
    return bool(connection.execute(statement).scalar())
