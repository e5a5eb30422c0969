"""Counters kept in the commit of the rows they count (invariant 11), so that reports never scan messages.

`hop` 0 and above count messages by sender, status and reason. `hop` -1 counts people: each once, by the best hop, or
as `held_out` or `skipped` with a reason. `slot` spreads the workers of an installation over several rows.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.core.status import Status
from dispatcher.store.tables import tallies

PEOPLE = -1
HELD_OUT = "held_out"
SKIPPED = "skipped"
_SLOTS = 16


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


def add(connection: Connection, deltas: Counter[Key]) -> None:
    """Ascending by key, so that two workers in one slot never wait for each other in a circle."""
    slot = os.getpid() % _SLOTS
    rows = [{**key._asdict(), "slot": slot, "n": n} for key, n in sorted(deltas.items()) if n]
    if not rows:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(tallies)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(tallies.primary_key.columns), set_={"n": tallies.c.n + statement.excluded.n}
        ),
        rows,
    )


def read(connection: Connection, step_ids: list[int]) -> Counter[Key]:
    """Summed over the slots; zeros left out."""
    columns = (tallies.c.step_id, tallies.c.hop, tallies.c.sender_id, tallies.c.status, tallies.c.reason)
    total = func.sum(tallies.c.n)
    rows = connection.execute(
        select(*columns, total.label("n")).where(tallies.c.step_id.in_(step_ids)).group_by(*columns).having(total != 0)
    )
    return Counter({Key(*row[:5]): int(row[5]) for row in rows})
