"""The wire log: what was said to and by providers, one row for each attempt that it is kept of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, delete, select

from dispatcher.store.bulk import any_of, insert_ignore
from dispatcher.store.engine import Database
from dispatcher.store.tables import exchanges, messages

if TYPE_CHECKING:
    from dispatcher.store.sealed import Sealer

AT_ONCE = 500
MOST_PAGES = 20
"""In one go, so that a tick stays short; the next one goes on."""

e = exchanges.c


class Wire(NamedTuple):
    """`text`: as delivery/wirelog.py writes it."""

    message_id: int
    attempt: int
    text: str


def _column(attempt: int) -> str:
    """What a stored value is bound to beside its message."""
    return f"exchanges.wire.{attempt}"


def keep(connection: Connection, sealer: Sealer, wires: Sequence[Wire], now_us: int) -> None:
    """In the transaction that holds the locks of these messages. Safe to repeat: an attempt has one row.

    Of people who were erased meanwhile nothing is kept.
    """
    if not wires:
        return
    ids = sorted({wire.message_id for wire in wires})
    query = select(messages.c.id).where(any_of(connection, messages.c.id, ids), messages.c.address_sealed.is_not(None))
    known = set(connection.execute(query).scalars())
    rows = [
        {
            "message_id": wire.message_id,
            "attempt": wire.attempt,
            "at_us": now_us,
            "wire_sealed": sealer.seal(_column(wire.attempt), wire.message_id, wire.text),
        }
        for wire in wires
        if wire.message_id in known
    ]
    insert_ignore(connection, exchanges, rows)


def of_message(connection: Connection, sealer: Sealer, message_id: int) -> Mapping[int, str]:
    """attempt → what was said."""
    return {wire.attempt: wire.text for wire in of_messages(connection, sealer, [message_id])}


def of_messages(connection: Connection, sealer: Sealer, message_ids: Sequence[int]) -> list[Wire]:
    """What was said about these, oldest message first."""
    query = select(e.message_id, e.attempt, e.wire_sealed).where(any_of(connection, e.message_id, message_ids))
    return [
        Wire(message_id, attempt, sealer.open(_column(attempt), message_id, sealed))
        for message_id, attempt, sealed in connection.execute(query.order_by(e.message_id, e.attempt))
    ]


def forget_messages(connection: Connection, message_ids: Sequence[int]) -> None:
    connection.execute(delete(exchanges).where(any_of(connection, e.message_id, message_ids)))


def forget_older(database: Database, before_us: int) -> int:
    """A bounded number of what was kept before; how many."""
    forgotten = 0
    for _ in range(MOST_PAGES):
        with database.read() as connection:  # most ticks find nothing, and need no writer's turn for it
            last_us = _last_of_page(connection, before_us)
        if last_us is None:
            break
        found = database.run(partial(_forget_until, last_us))
        forgotten += found
        if found < AT_ONCE:
            break
    return forgotten


def _last_of_page(connection: Connection, before_us: int) -> int | None:
    oldest = select(e.at_us).where(e.at_us < before_us).order_by(e.at_us).limit(AT_ONCE)
    instants = connection.execute(oldest).scalars().all()
    return instants[-1] if instants else None


def _forget_until(last_us: int, connection: Connection) -> int:
    """What was kept in the same commit as the last one of a page goes with it."""
    return connection.execute(delete(exchanges).where(e.at_us <= last_us)).rowcount
