"""Earlier attempts of a message: they go on climbing when their receipts come late (invariant 6)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from dispatcher.core.status import Status, climb
from dispatcher.store.tables import attempts


def climb_attempts(connection: Connection, seen: Sequence[tuple[int, int, Status]]) -> None:
    """(message, attempt, status): rows that rank lower rise."""
    a = attempts.c
    for message_id, attempt, status in sorted(seen):
        mine = (a.message_id == message_id) & (a.attempt == attempt)
        current = connection.execute(select(a.status).where(mine).with_for_update()).scalar()
        if current is not None and climb(Status(current), status) is not Status(current):
            connection.execute(update(attempts).where(mine).values(status=status.value, reason=""))
