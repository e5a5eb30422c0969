"""A sender's row: its rate, where its permits stand, whether it may send (invariant 9). One writer at a time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, case, select, update

from dispatcher.store.tables import senders

_READ = select(senders).where(senders.c.id == bindparam("sender_id"))


def read_sender(connection: Connection, sender_id: int) -> Any:
    return connection.execute(_READ, {"sender_id": sender_id}).one()


def lock_sender(connection: Connection, sender_id: int) -> Any:
    """The row, ours until the commit."""
    return connection.execute(_READ.with_for_update(), {"sender_id": sender_id}).one()


def move_tat(connection: Connection, sender_id: int, tat_us: int) -> None:
    connection.execute(update(senders).where(senders.c.id == sender_id).values(tat_us=tat_us))


def slow_down(connection: Connection, sender_id: int, until_us: int) -> None:
    """Nothing more until then; a later instant that was asked for before stays."""
    later = case((senders.c.slow_until_us > until_us, senders.c.slow_until_us), else_=until_us)
    connection.execute(update(senders).where(senders.c.id == sender_id).values(slow_until_us=later))


def pause_sender(connection: Connection, sender_id: int, reason: str, now_us: int) -> bool:
    """False where it was paused before."""
    paused = connection.execute(
        update(senders)
        .where(senders.c.id == sender_id, senders.c.paused.is_(False))
        .values(paused=True, pause_reason=reason, updated_us=now_us)
    )
    return paused.rowcount == 1


def known_senders(connection: Connection) -> list[Any]:
    """Those that the settings still name; id, name, whether paused."""
    s = senders.c
    statement = select(s.id, s.name, s.paused).where(s.removed.is_(False)).order_by(s.id)
    return list(connection.execute(statement))
