"""What people were sent and will be sent, as caps count it: the messages themselves are the reservation.

So nothing has to be given back. What is cancelled, expires, or fails for good no longer counts, in the very commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, func, or_, select, union
from sqlalchemy.schema import CreateIndex, CreateTable, Index

from dispatcher.audience.caps import Used
from dispatcher.core.status import BAD, Status
from dispatcher.store.among import among
from dispatcher.store.bulk import insert
from dispatcher.store.tables import campaigns, messages, steps
from dispatcher.store.tables.base import Big

m = messages.c
_COLUMNS = (m.id, m.contact_id, m.address_hash, m.step_id, m.status, m.begun_us, m.not_before_us)
_tables = count()


def used(
    connection: Connection,
    contact_ids: Sequence[int],
    hashes: Sequence[bytes],
    since_us: int,
    now_us: int,
    *,
    but_step: int = 0,
    but_campaign: str = "",
) -> list[Used]:
    """Messages of these people and to these numbers that went since then, or wait.

    A failed one counts as long as another hop may follow it.
    """
    lately = select(func.min(steps.c.id)).where(steps.c.expires_us > since_us, steps.c.state != "scheduled")
    first_step = connection.execute(lately).scalar()
    if first_step is None:
        return []
    counts = [m.step_id >= first_step, m.step_id != but_step, or_(m.status.not_in(BAD), m.hop_due_us.is_not(None))]
    if but_campaign:
        own = select(campaigns.c.id).where(campaigns.c.slug == but_campaign)
        counts.append(m.campaign_id.not_in(own))
    mine = (
        select(*_COLUMNS).where(among(connection, column, values), *counts)
        for column, values in ((m.contact_id, contact_ids), (m.address_hash, hashes))
        if values
    )
    rows = connection.execute(union(*mine)).all() if contact_ids or hashes else ()
    return [Used(row.contact_id, bytes(row.address_hash), row.step_id, _at_us(row, now_us)) for row in rows]


def _at_us(row: Any, now_us: int) -> int:
    """When it went, or is to go."""
    if row.status == Status.QUEUED:
        return max(int(row.not_before_us), now_us)
    return int(row.begun_us or row.not_before_us)


class PlannedUses:
    """What a plan would send in its steps so far: a temporary table, so that memory does not grow with the audience."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        name = f"planned_{next(_tables)}"
        self._table = Table(
            name,
            MetaData(),
            Column("contact_id", Big, nullable=False),
            Column("address_hash", LargeBinary, nullable=False),
            Column("step", Integer, nullable=False),
            Column("at_us", Big, nullable=False),
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DROP",
        )
        connection.execute(CreateTable(self._table))
        for column in (self._table.c.contact_id, self._table.c.address_hash):
            connection.execute(CreateIndex(Index(f"ix_{name}_{column.name}", column)))

    def add(self, planned: Sequence[Used]) -> None:
        insert(self._connection, self._table, [one._asdict() for one in planned])

    def of(self, contact_ids: Sequence[int], hashes: Sequence[bytes]) -> list[Used]:
        t = self._table.c
        mine = (
            select(t.contact_id, t.address_hash, t.step, t.at_us).where(among(self._connection, column, values))
            for column, values in ((t.contact_id, contact_ids), (t.address_hash, hashes))
            if values
        )
        rows = self._connection.execute(union(*mine)).all() if contact_ids or hashes else ()
        return [Used(row.contact_id, bytes(row.address_hash), row.step, row.at_us) for row in rows]

    def close(self) -> None:
        self._table.drop(self._connection)
