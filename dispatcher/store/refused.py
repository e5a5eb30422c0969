"""What nobody may be sent any more, seen when it is claimed (invariants 8 and 14).

A stop cancels the rows that wait. One that was being sent then, or expanded by another worker, or unknown, may wait
again afterwards: the claim looks once more.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, or_, select

from dispatcher.core.status import Reason
from dispatcher.delivery import machine
from dispatcher.store.bulk import any_of
from dispatcher.store.cancel import give_back_caps
from dispatcher.store.outbox import Batch, Claimed
from dispatcher.store.tables import campaigns, messages, suppressions


def without_refused(connection: Connection, rows: Sequence[Claimed], now_us: int) -> tuple[Claimed, ...]:
    """The rows that may go; those of refused numbers and of erased people are cancelled in this transaction."""
    reasons = {row.id: Reason.NO_ADDRESS for row in rows if row.body_sealed is None or row.address_sealed is None}
    reasons |= dict.fromkeys(_refused(connection, [row.id for row in rows]), Reason.OPTED_OUT)
    if not reasons:
        return tuple(rows)
    batch = Batch.lock(connection, reasons)
    for row in batch.rows.values():
        machine.cancel(row, reasons[row.id], now_us)
    give_back_caps(connection, sorted(reasons))
    batch.save()
    return tuple(row for row in rows if row.id not in reasons)


def _refused(connection: Connection, ids: Sequence[int]) -> Sequence[int]:
    if not ids:
        return ()
    statement = (
        select(messages.c.id)
        .join(suppressions, suppressions.c.address_hash == messages.c.address_hash)
        .join(campaigns, campaigns.c.id == messages.c.campaign_id)
        .where(any_of(connection, messages.c.id, sorted(ids)))
        .where(or_(suppressions.c.purpose == "*", suppressions.c.purpose == campaigns.c.purpose))
    )
    return connection.execute(statement).scalars().all()
