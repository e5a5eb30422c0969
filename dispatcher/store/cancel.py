"""Withdraws what is still queued for a number or a person, in the transaction that made it unwanted (invariant 8)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, select, true

from dispatcher.core.status import Status
from dispatcher.delivery import machine
from dispatcher.store.bulk import any_of
from dispatcher.store.outbox import Batch
from dispatcher.store.tables import campaigns, messages


def cancel_queued_for_address(
    connection: Connection, address_hash: bytes, now_us: int, reason: str, purpose: str = "*"
) -> int:
    """How many rows there were; `purpose` other than "*" spares campaigns with another one."""
    of_purpose = messages.c.campaign_id.in_(select(campaigns.c.id).where(campaigns.c.purpose == purpose))
    return _cancel(
        connection,
        messages.c.address_hash == address_hash,
        true() if purpose == "*" else of_purpose,
        now_us=now_us,
        reason=reason,
    )


def cancel_queued_for_contact(connection: Connection, contact_id: int, now_us: int, reason: str) -> int:
    return _cancel(connection, messages.c.contact_id == contact_id, now_us=now_us, reason=reason)


def cancel_queued(connection: Connection, message_ids: Sequence[int], now_us: int, reason: str) -> int:
    return _cancel(connection, any_of(connection, messages.c.id, message_ids), now_us=now_us, reason=reason)


def _cancel(connection: Connection, *conditions: ColumnElement[bool], now_us: int, reason: str) -> int:
    """A row that a worker has claimed is still queued; without its token the worker cannot begin it."""
    queued = select(messages.c.id).where(messages.c.status == Status.QUEUED, *conditions)
    batch = Batch.lock(connection, connection.execute(queued).scalars().all())
    cancelled = [row for row in batch.rows.values() if row.status is Status.QUEUED]
    if not cancelled:
        return 0
    for row in cancelled:
        machine.cancel(row, reason, now_us)
    batch.save()
    return len(cancelled)
