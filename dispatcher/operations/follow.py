"""The next hop of a route: after a failure, or at a deadline without delivery (DESIGN 4)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from dispatcher.delivery import machine
from dispatcher.operations.expand import Expander, RowMaker, charge
from dispatcher.operations.occasions import pause_for, revision_now
from dispatcher.store import expansion
from dispatcher.store.generation import lost_times
from dispatcher.store.lost import hold_if_lost
from dispatcher.store.outbox import Batch
from dispatcher.store.recipients import load_people
from dispatcher.store.tables import campaigns, messages, steps
from dispatcher.store.upkeep import FOLLOWED

_AT_ONCE = 500
m = messages.c


def follow_hops(expander: Expander) -> int:
    """Make the hops that are due, in transactions of some hundred rows; returns how many were looked at.

    Also of campaigns that had nothing left to send: a failure is often told minutes after the acceptance.
    """
    looked_at = 0
    while True:
        ids = expander.ids.take(_AT_ONCE)
        found = expander.run(partial(_follow, expander, ids))
        looked_at += found
        if found < _AT_ONCE:
            return looked_at


def _follow(expander: Expander, ids: range, connection: Connection) -> int:
    due = (
        select(m.id, m.step_id, m.hop, m.contact_id)
        .join(campaigns, campaigns.c.id == m.campaign_id)
        .where(m.hop_due_us <= expander.context.now_us(), campaigns.c.state.in_(FOLLOWED))
        .order_by(m.hop_due_us)  # as their index has them: by id, a planner may read the whole table for the first few
        .limit(_AT_ONCE)
    )
    rows = connection.execute(due).all()
    groups: dict[tuple[int, int], list[Any]] = {}
    for row in rows:
        groups.setdefault((row.step_id, row.hop), []).append(row)
    for (step_id, hop), members in groups.items():
        _follow_step(expander, connection, step_id, hop, members, ids)
        ids = ids[len(members) :]
    return len(rows)


def _follow_step(
    expander: Expander, connection: Connection, step_id: int, hop: int, members: Sequence[Any], ids: range
) -> None:
    """People of one step who all came from one hop. With a session that nobody approved, they wait."""
    now_us = expander.context.now_us()
    step_row = connection.execute(select(steps).where(steps.c.id == step_id)).one()
    campaign = connection.execute(
        select(campaigns).where(campaigns.c.id == step_row.campaign_id).with_for_update()
    ).one()
    batch = Batch.lock(connection, [row.id for row in members])
    open_rows = [row for row in batch.rows.values() if row.hop_due_us is not None]
    followed: set[int] = set()
    if step_row.expires_us > now_us:
        revision = revision_now(expander.revision, connection, step_row, campaign.plan_id)
        if revision is None:
            pause_for(connection, campaign.id, step_row.occasion, now_us)
            return
        people = load_people(connection, [row.contact_id for row in open_rows], expander.context.keys)
        maker = RowMaker(expander, connection, revision, revision.campaign.step(step_row.name), step_row)
        made, _ = maker.decide(list(people.values()), ids, first_hop=hop + 1)
        stored, _ = expansion.insert_messages(connection, made)
        maker.store_links([row["id"] for row in stored])
        expansion.count_queued(connection, stored)
        _hold_if_lost(connection, step_row, open_rows, stored, now_us)
        charge(connection, campaign, maker, stored, now_us)
        followed = {row["contact_id"] for row in stored}
    for row in open_rows:
        row.hop_due_us = None
        if row.contact_id in followed:
            machine.followed(row)
    batch.save(recount=True)


def _hold_if_lost(
    connection: Connection,
    step_row: Any,
    before: Sequence[machine.Message],
    stored: Sequence[dict[str, Any]],
    now_us: int,
) -> None:
    """After an attempt of a time that the database lost, the next hop may have been made and sent (invariant 16)."""
    times = lost_times(connection)
    if times:
        began_us = {row.contact_id: row.begun_us or 0 for row in before}
        doubtful = [row["id"] for row in stored if began_us[row["contact_id"]] <= times[-1].until_us]
        hold_if_lost(connection, step_row, doubtful, times, now_us)
