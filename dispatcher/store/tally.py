"""Counters kept in the commit of the rows they count (invariant 11), so that reports never scan messages.

`hop` 0 and above count messages by sender, status and reason. `hop` -1 counts people: each once, by the best hop, or
as `held_out` or `skipped` with a reason. `slot` spreads the workers of an installation over several rows.

All that a transaction counts is written by one statement, the last one before its commit: two workers in one slot wait
for each other as shortly as can be, and never in a circle.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from dispatcher.core.status import Status
from dispatcher.store.bulk import numbers, words
from dispatcher.store.engine import at_commit
from dispatcher.store.tables import tallies

PEOPLE = -1
HELD_OUT = "held_out"
SKIPPED = "skipped"
_SLOTS = 16


_COLUMNS = "step_id, hop, sender_id, status, reason, slot, n"
_ADD = "ON CONFLICT (step_id, hop, sender_id, status, reason, slot) DO UPDATE SET n = tallies.n + excluded.n"
_SQLITE_ADD = f"INSERT INTO tallies ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) {_ADD}"  # noqa: S608  names are ours
_ARRAYS = "%s::bigint[], %s::smallint[], %s::bigint[], %s::text[], %s::text[], %s::smallint[], %s::bigint[]"
_POSTGRES_ADD = f"INSERT INTO tallies ({_COLUMNS}) SELECT * FROM unnest({_ARRAYS}) {_ADD}"  # noqa: S608


class Key(NamedTuple):
    step_id: int
    hop: int
    sender_id: int
    status: str
    reason: str


def people_key(step_id: int, status: str, reason: str = "") -> Key:
    return Key(step_id, PEOPLE, 0, status, reason)


def message_key(step_id: int, hop: int, sender_id: int, status: Status, reason: str) -> Key:
    kept = reason if status in (Status.FAILED, Status.CANCELLED) else ""
    return Key(step_id, hop, sender_id, status, kept)


def add(connection: Connection, deltas: Mapping[Key, int]) -> None:
    """Counted when the transaction commits."""
    pending = at_commit(connection).setdefault(_write, Counter())
    for key, n in deltas.items():
        pending[key] += n


def settle(connection: Connection) -> None:
    """Write what this transaction has counted so far, for statements of its own that read the counters."""
    _write(connection, at_commit(connection).pop(_write, {}))


def _write(connection: Connection, deltas: Mapping[Key, int]) -> None:
    slot = threading.get_native_id() % _SLOTS
    # ascending: whoever else is in this slot takes the rows in the same order
    rows = [(*key, slot, n) for key, n in sorted(deltas.items()) if n]
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        step, hop, sender, status, reason, slots, n = zip(*rows, strict=True)
        arrays = (
            numbers(step),
            numbers(hop),
            numbers(sender),
            words(status),
            words(reason),
            numbers(slots),
            numbers(n),
        )
        connection.exec_driver_sql(_POSTGRES_ADD, arrays)
    else:
        connection.exec_driver_sql(_SQLITE_ADD, rows)


def read(connection: Connection, step_ids: list[int]) -> Counter[Key]:
    """Summed over the slots; zeros left out."""
    settle(connection)
    columns = (tallies.c.step_id, tallies.c.hop, tallies.c.sender_id, tallies.c.status, tallies.c.reason)
    total = func.sum(tallies.c.n)
    rows = connection.execute(
        select(*columns, total.label("n")).where(tallies.c.step_id.in_(step_ids)).group_by(*columns).having(total != 0)
    )
    return Counter({Key(*row[:5]): int(row[5]) for row in rows})
