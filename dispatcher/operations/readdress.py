"""What still waits says, and goes where, it should now: after a contact was changed, in the same commit (invariant 15),
and after the session of a step that has begun was changed, while its campaign is paused (docs/decisions/0012).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from dispatcher.core.status import Reason, Status
from dispatcher.delivery import machine
from dispatcher.operations.expand import Expander, RowMaker
from dispatcher.operations.occasions import revision_now
from dispatcher.store.bulk import any_of, update_by_id
from dispatcher.store.expansion import number_holders, wait_for_pages
from dispatcher.store.outbox import Batch
from dispatcher.store.recipients import load_people
from dispatcher.store.sessions import waiting_after
from dispatcher.store.tables import campaigns, messages, steps

m = messages.c
_REWRITTEN = (
    "address_hash", "address_sealed", "body_sealed", "sender_id", "cell_id", "units", "segments", "country", "zone",
)  # fmt: skip
_MOVED = ("not_before_us", "not_before_rule", "not_after_us", "expires_us")
_AT_ONCE = 500


class Readdresser:
    """Called by the import, in its transaction, with the ids of contacts that it changed."""

    def __init__(self, expander: Expander) -> None:
        self._expander = expander

    def __call__(self, connection: Connection, contact_ids: Sequence[int]) -> None:
        self._expander.begin()
        wait_for_pages(connection)
        waiting = select(m.id).where(m.status == "queued", any_of(connection, m.contact_id, sorted(contact_ids)))
        self._rewrite_all(connection, connection.execute(waiting).scalars().all(), _REWRITTEN)

    def rewrite_step(self, step_id: int) -> int:
        """What waits of a step, with its session as it stands, for its new time; some hundred a transaction."""
        rewritten, last = 0, 0
        while ids := self._expander.run(partial(self._rewrite_page, step_id, last)):
            rewritten, last = rewritten + len(ids), ids[-1]
        return rewritten

    def _rewrite_page(self, step_id: int, after: int, connection: Connection) -> list[int]:
        ids = waiting_after(connection, step_id, after, _AT_ONCE)
        self._rewrite_all(connection, ids, (*_REWRITTEN, *_MOVED))
        return ids

    def _rewrite_all(self, connection: Connection, message_ids: Sequence[int], columns: tuple[str, ...]) -> None:
        now_us = self._expander.context.now_us()
        batch = Batch.lock(connection, message_ids)
        groups: dict[tuple[int, int], list[machine.Message]] = {}
        for row in batch.rows.values():
            if row.status is Status.QUEUED:
                groups.setdefault((row.step_id, row.hop), []).append(row)
        fresh = {
            row["id"]: row for key, rows in groups.items() for row in self._rewrite(connection, *key, rows, now_us)
        }
        batch.save()
        rows = [(i, *(values[name] for name in columns)) for i, values in fresh.items()]
        update_by_id(connection, messages, columns, rows)

    def _rewrite(
        self, connection: Connection, step_id: int, hop: int, rows: Sequence[machine.Message], now_us: int
    ) -> list[dict[str, Any]]:
        """New values of the rows that stay; the others are cancelled with the reason.

        Where nobody approved the session as it stands, its campaign is paused, and the texts keep the former one.
        """
        step_row = connection.execute(select(steps).where(steps.c.id == step_id)).one()
        applied = select(campaigns.c.plan_id).where(campaigns.c.id == step_row.campaign_id)
        load, applied_plan = self._expander.revision, connection.execute(applied).scalar_one()
        revision = revision_now(load, connection, step_row, applied_plan) or load(connection, step_row.plan_id)
        people = load_people(connection, [row.contact_id for row in rows], self._expander.context.keys)
        present = [row for row in rows if row.contact_id in people]
        maker = RowMaker(self._expander, connection, revision, revision.campaign.step(step_row.name), step_row)
        made, left_out = maker.decide([people[row.contact_id] for row in present], [row.id for row in present], hop)
        reasons = {one.contact_id: one.reason for one in left_out}
        fresh = {row["contact_id"]: row for row in made if row["hop"] == hop}
        taken = _taken(connection, list(fresh.values()))
        kept: list[dict[str, Any]] = []
        for row in rows:
            values = fresh.get(row.contact_id)
            if values is None:
                machine.cancel(row, reasons.get(row.contact_id, Reason.NO_ADDRESS), now_us)
            elif row.id in taken:
                machine.cancel(row, Reason.SHARED_ADDRESS, now_us)
            else:
                # a worker that has just claimed it holds the old text: without its token it cannot begin
                row.sender_id, row.claim_token = values["sender_id"], None
                kept.append(values)
        maker.store_links([values["id"] for values in kept])
        return kept


def _taken(connection: Connection, rows: Sequence[dict[str, Any]]) -> set[int]:
    """Rows whose new number another person of the step already has, or gets by this."""
    holders = number_holders(connection, rows)
    taken: set[int] = set()
    for row in rows:
        mine = holders.setdefault((row["step_id"], row["address_hash"]), {row["contact_id"]})
        if mine != {row["contact_id"]}:
            taken.add(row["id"])
    return taken
