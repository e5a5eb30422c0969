"""What nobody may be sent any more, seen when it is claimed (invariants 8 and 14).

A stop cancels the rows that wait. One that was being sent then, or expanded by another worker, or unknown, may wait
again afterwards: the claim looks once more. So it does for consent, of rows that were tried before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from dispatcher.core.status import Reason
from dispatcher.delivery import machine
from dispatcher.store.bulk import any_param, array_of
from dispatcher.store.claims import Claimed
from dispatcher.store.outbox import Batch
from dispatcher.store.prepared import Prepared
from dispatcher.store.tables import campaigns, suppressions
from dispatcher.store.unwilling import unwilling


def without_refused(connection: Connection, rows: Sequence[Claimed], now_us: int) -> tuple[Claimed, ...]:
    """The rows that may go; those of refused numbers and of erased people are cancelled in this transaction."""
    # who was changed while waiting was decided on anew with it; what was under way, or made as a later hop, comes here
    reasons = dict.fromkeys(
        unwilling(connection, [row.id for row in rows if row.attempt or row.hop]), Reason.NO_CONSENT
    )
    reasons |= {row.id: Reason.NO_ADDRESS for row in rows if row.body_sealed is None or row.address_sealed is None}
    reasons |= dict.fromkeys(_refused(connection, rows), Reason.OPTED_OUT)
    if not reasons:
        return tuple(rows)
    batch = Batch.lock(connection, reasons)
    for row in batch.rows.values():
        machine.cancel(row, reasons[row.id], now_us)
    batch.save()
    return tuple(row for row in rows if row.id not in reasons)


def _refused(connection: Connection, rows: Sequence[Claimed]) -> list[int]:
    hashes = [bytes(row.address_hash) for row in rows]
    if not hashes:
        return []
    found = _STOPPED.rows(connection, {"hashes": array_of(connection, suppressions.c.address_hash, hashes)})
    stopped = {(bytes(address_hash), purpose) for address_hash, purpose in found}
    if not stopped:
        return []
    purposes = _purposes(connection, {row.campaign_id for row in rows})
    return [
        row.id
        for row, address_hash in zip(rows, hashes, strict=True)
        if (address_hash, "*") in stopped or (address_hash, purposes[row.campaign_id]) in stopped
    ]


def _stopped_statement(is_postgres: bool) -> Any:
    s = suppressions.c
    return select(s.address_hash, s.purpose).where(any_param(s.address_hash, "hashes", is_postgres=is_postgres))


_STOPPED = Prepared(_stopped_statement)


def _purposes(connection: Connection, campaign_ids: set[int]) -> dict[int, str]:
    c = campaigns.c
    return dict(connection.execute(select(c.id, c.purpose).where(c.id.in_(campaign_ids))).all())
