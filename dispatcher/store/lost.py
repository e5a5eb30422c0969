"""Rows that may have been sent in a time that a restored database lost: held as `unknown` (invariants 4 and 16)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, select, true, update

from dispatcher.core.clock import MINUTE_US
from dispatcher.core.status import Status
from dispatcher.delivery import machine
from dispatcher.store.bulk import any_of
from dispatcher.store.claims import Claimed, begin
from dispatcher.store.generation import Lost
from dispatcher.store.installation import new_token
from dispatcher.store.outbox import Batch
from dispatcher.store.tables import campaigns, messages, senders

LONGEST_SETTLE_US = 10 * MINUTE_US
"""After which the record of any provider is complete."""

m, c = messages.c, campaigns.c


def pause_everything(connection: Connection, reason: str, now_us: int) -> tuple[int, int]:
    """Campaigns and senders that could send; how many of each."""
    senders_paused = connection.execute(
        update(senders)
        .where(senders.c.paused.is_(False), senders.c.removed.is_(False))
        .values(paused=True, pause_reason=reason, updated_us=now_us)
    )
    campaigns_paused = connection.execute(
        update(campaigns)
        .where(c.state.in_(("scheduled", "running")))
        .values(state="paused", state_reason=reason, state_us=now_us)
    )
    return campaigns_paused.rowcount, senders_paused.rowcount


def perhaps_sent(lost: Lost) -> ColumnElement[bool]:
    """Open rows that were not over before the lost time began, nor due only after it ended.

    Whatever the row says of a pause, a claim or its sender's hours: all of that may have changed in that time.
    """
    open_then = m.status.in_((Status.SENDING, Status.UNKNOWN)) | and_(
        m.status == Status.QUEUED, m.not_before_us <= lost.until_us
    )
    cancelled = select(c.id).where(c.state == "cancelled")
    return and_(
        open_then,
        (m.expires_us > lost.since_us) | (m.status == Status.SENDING),
        (m.status != Status.QUEUED) | m.campaign_id.not_in(cancelled),
    )


def page_of(connection: Connection, which: ColumnElement[bool], after_id: int, limit: int) -> Sequence[int]:
    return connection.execute(select(m.id).where(which, m.id > after_id).order_by(m.id).limit(limit)).scalars().all()


def hold(
    connection: Connection,
    ids: Iterable[int],
    since_us: int,
    now_us: int,
    ask_at_us: Mapping[int, int] | int,
    still: ColumnElement[bool] | None = None,
) -> dict[Status, int]:
    """Make these `unknown`, begun at `since_us` for all that is known; returns how many there were of each status.

    `ask_at_us`, by sender or for all: from when on a look-up makes sense. `still`: what must hold of them once locked.
    """
    locked = _lock(connection, ids, true() if still is None else still)
    _begin_queued(connection, [row for row in locked if row.status == Status.QUEUED], since_us)
    batch = Batch.lock(connection, [row.id for row in locked])
    for message in batch.rows.values():
        asked = ask_at_us if isinstance(ask_at_us, int) else ask_at_us[message.sender_id]
        machine.lose(message, now_us, asked)
    batch.save()
    statuses = [Status(row.status) for row in locked]
    return {status: statuses.count(status) for status in set(statuses)}


def _lock(connection: Connection, ids: Iterable[int], still: ColumnElement[bool]) -> list[Any]:
    columns = (*(m[name] for name in Claimed._fields), m.sender_id, m.status)
    statement = select(*columns).where(any_of(connection, m.id, sorted(ids)), still).order_by(m.id).with_for_update()
    return list(connection.execute(statement))


def _begin_queued(connection: Connection, rows: Sequence[Any], since_us: int) -> None:
    """As a worker of the lost time would have done, so that the attempt has a number and the earlier one is kept."""
    by_sender: dict[int, list[Claimed]] = {}
    for row in rows:
        by_sender.setdefault(row.sender_id, []).append(Claimed(*row[: len(Claimed._fields)]))
    for sender_id, mine in sorted(by_sender.items()):
        begin(connection, new_token(), mine, sender_id, since_us, since_us, held=True)


def hold_if_lost(connection: Connection, step: Any, ids: Iterable[int], times: Sequence[Lost], now_us: int) -> None:
    """Fresh rows of a step whose time lay in one of these: the lost part may have made and sent them already."""
    when = [lost for lost in times if step.due_us <= lost.until_us and step.expires_us > lost.since_us]
    if when:
        ask_at_us = max(now_us, when[-1].until_us + LONGEST_SETTLE_US)
        hold(connection, ids, min(lost.since_us for lost in when), now_us, ask_at_us)
