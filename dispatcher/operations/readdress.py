"""A contact changed: what still waits for them says and goes where it should now, in the same commit (invariant 15)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, tuple_

from dispatcher.core.status import Reason, Status
from dispatcher.delivery import machine
from dispatcher.operations.expand import Expander, RowMaker
from dispatcher.store.bulk import any_of, update_by_id
from dispatcher.store.outbox import Batch
from dispatcher.store.recipients import load_people
from dispatcher.store.tables import messages, steps

m = messages.c
_REWRITTEN = ("address_hash", "address_sealed", "body_sealed", "sender_id", "cell_id", "units", "segments", "zone")


class Readdresser:
    """Called by the import, in its transaction, with the ids of contacts that it changed."""

    def __init__(self, expander: Expander) -> None:
        self._expander = expander

    def __call__(self, connection: Connection, contact_ids: Sequence[int]) -> None:
        self._expander.begin()
        now_us = self._expander.context.now_us()
        waiting = select(m.id).where(m.status == "queued", any_of(connection, m.contact_id, sorted(contact_ids)))
        batch = Batch.lock(connection, connection.execute(waiting).scalars().all())
        groups: dict[tuple[int, int], list[machine.Message]] = {}
        for row in batch.rows.values():
            if row.status is Status.QUEUED:
                groups.setdefault((row.step_id, row.hop), []).append(row)
        rewritten = [row for key, rows in groups.items() for row in self._rewrite(connection, *key, rows, now_us)]
        batch.save()
        update_by_id(connection, messages, _REWRITTEN, rewritten)

    def _rewrite(
        self, connection: Connection, step_id: int, hop: int, rows: Sequence[machine.Message], now_us: int
    ) -> list[tuple[Any, ...]]:
        """New values of the rows that stay; the others are cancelled with the reason."""
        step_row = connection.execute(select(steps).where(steps.c.id == step_id)).one()
        revision = self._expander.revision(connection, step_row.plan_id)
        people = load_people(connection, [row.contact_id for row in rows], self._expander.context.keys)
        present = [row for row in rows if row.contact_id in people]
        maker = RowMaker(self._expander, connection, revision, revision.campaign.step(step_row.name), step_row)
        made, left_out = maker.decide([people[row.contact_id] for row in present], [row.id for row in present], hop)
        reasons = {one.contact_id: one.reason for one in left_out}
        fresh = {row["contact_id"]: row for row in made if row["hop"] == hop}
        taken = _taken(connection, list(fresh.values()))
        kept = []
        for row in rows:
            values = fresh.get(row.contact_id)
            if values is None:
                machine.cancel(row, reasons.get(row.contact_id, Reason.NO_ADDRESS), now_us)
            elif row.id in taken:
                machine.cancel(row, Reason.SHARED_ADDRESS, now_us)
            else:
                # a worker that has just claimed it holds the old text: without its token it cannot begin
                row.sender_id, row.claim_token = values["sender_id"], None
                kept.append((row.id, *(values[name] for name in _REWRITTEN)))
        return kept


def _taken(connection: Connection, rows: Sequence[dict[str, Any]]) -> set[int]:
    """Rows whose new number another person of the step already has."""
    if not rows:
        return set()
    wanted = {(row["step_id"], row["hop"], row["address_hash"]): row["id"] for row in rows}
    key = tuple_(m.step_id, m.hop, m.address_hash)
    found = connection.execute(select(m.id, m.step_id, m.hop, m.address_hash).where(key.in_(list(wanted))))
    holders = {(row.step_id, row.hop, bytes(row.address_hash)): row.id for row in found}
    return {
        row["id"]
        for row in rows
        if holders.get((row["step_id"], row["hop"], row["address_hash"]), row["id"]) != row["id"]
        or wanted[row["step_id"], row["hop"], row["address_hash"]] != row["id"]
    }
