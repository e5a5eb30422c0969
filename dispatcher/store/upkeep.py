"""What time does to rows: leases that ended, messages that expired, windows that closed, steps that are done."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, and_, case, exists, literal_column, or_, select, update

from dispatcher.core.status import Status
from dispatcher.delivery import machine
from dispatcher.store import tally
from dispatcher.store.claims import PRIORITIES, sending_campaigns
from dispatcher.store.engine import Database
from dispatcher.store.outbox import Batch
from dispatcher.store.tables import campaigns, messages, receipts, senders, steps

AT_ONCE = 500
FOLLOWED = ("running", "done")
"""Campaigns whose hops go on: also with nothing left to send, as failures are often told minutes after acceptance."""

m = messages.c

Change = Callable[[machine.Message], None]


class Waits(NamedTuple):
    """Of what there is any by now: most of the time of nothing, and then nothing has to be locked to find that out."""

    leases: bool
    """That ended."""
    expired: bool
    windows: bool
    """That closed."""
    hops: bool
    """That are due."""
    unknown: bool
    parked: bool


def look(connection: Connection, now_us: int) -> Waits:
    """In one statement, each by the index that has the few rows it is about."""
    asked = (
        exists().where(*_ended(now_us)),
        exists().where(m.status == "queued", *_by(m.expires_us, now_us)),
        exists().where(m.status == "queued", *_by(m.not_after_us, now_us)),
        exists().where(m.hop_due_us <= now_us, m.campaign_id == campaigns.c.id, campaigns.c.state.in_(FOLLOWED)),
        exists().where(m.status == "unknown"),
        exists().where(receipts.c.state == "parked"),
    )
    found = connection.execute(select(*(one.label(name) for one, name in zip(asked, Waits._fields, strict=True))))
    return Waits(*map(bool, found.one()))


def _ended(now_us: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return m.status == "sending", m.lease_until_us <= now_us


def end_leases(database: Database) -> int:
    """Begun rows whose worker is gone become `unknown` (invariant 3)."""
    now_us = database.now_us()

    def change(row: machine.Message) -> None:
        if row.status is Status.SENDING and row.lease_until_us is not None and row.lease_until_us <= now_us:
            machine.lease_ended(row, now_us)

    return _sweep(database, and_(*_ended(now_us)), m.lease_until_us, change)


def expire(database: Database) -> int:
    """Waiting rows that are too late to be useful."""
    now_us = database.now_us()

    def change(row: machine.Message) -> None:
        if row.status is Status.QUEUED:
            machine.expire(row, now_us)

    return _sweep(database, and_(m.status == "queued", *_by(m.expires_us, now_us)), m.expires_us, change)


def cancel_campaign_rows(database: Database, campaign_id: int) -> int:
    """Waiting rows of a cancelled campaign."""
    now_us = database.now_us()

    def change(row: machine.Message) -> None:
        if row.status is Status.QUEUED:
            machine.cancel(row, "cancelled", now_us)

    with database.read() as connection:
        sender_ids = connection.execute(select(senders.c.id).order_by(senders.c.id)).scalars().all()
    of_campaign = and_(m.status == "queued", m.campaign_id == campaign_id)
    return sum(
        _sweep(database, and_(of_campaign, m.sender_id == sender_id, m.priority == priority), m.not_before_us, change)
        for sender_id in sender_ids
        for priority in PRIORITIES
    )


def _sweep(database: Database, which: ColumnElement[bool], order: ColumnElement[int], change: Change) -> int:
    """Change all rows that match, some hundred a transaction.

    `order`: by which an index gives them. By id, a planner may read the whole table to find the first few.
    """
    swept = 0
    while True:

        def once(connection: Connection) -> int:
            ids = connection.execute(select(m.id).where(which).order_by(order).limit(AT_ONCE)).scalars().all()
            batch = Batch.lock(connection, ids)
            for row in batch.rows.values():
                change(row)
            batch.save()
            return len(ids)

        found = database.run(once)
        swept += found
        if found < AT_ONCE:
            return swept


def _by(end: ColumnElement[int], now_us: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Over by now, in the words of the index that leads to such rows."""
    zero = literal_column("0", Integer)
    return end + zero > zero, end <= now_us


def closed_windows(connection: Connection, now_us: int) -> list[tuple[int, str]]:
    """(step, zone) of waiting rows whose window has closed."""
    statement = (
        select(m.step_id, m.zone)
        .where(m.status == "queued", *_by(m.not_after_us, now_us), m.expires_us > now_us)
        .distinct()
    )
    return [(row.step_id, row.zone) for row in connection.execute(statement)]


def reopen(connection: Connection, step_id: int, zone: str, now_us: int, opens_us: int, closes_us: int) -> int:
    """Let those rows wait for the next opening; what waits for something later goes on waiting for that."""
    later = case((m.not_before_us > opens_us, m.not_before_us), else_=opens_us)
    rule = case((or_(m.not_before_us > opens_us, m.not_before_rule == "resend"), m.not_before_rule), else_="window")
    moved = connection.execute(
        update(messages)
        .where(m.status == "queued", m.step_id == step_id, m.zone == zone, *_by(m.not_after_us, now_us))
        .values(not_before_us=later, not_before_rule=rule, not_after_us=closes_us)
    )
    return moved.rowcount


def senders_with_work(connection: Connection, sender_ids: list[int], now_us: int) -> list[int]:
    """Senders that have a row which may go now."""
    found = []
    for sender_id in sender_ids:
        sending = sending_campaigns(connection, sender_id)
        waiting = exists().where(
            m.status == "queued",
            m.sender_id == sender_id,
            m.campaign_id.in_(sending),
            m.not_before_us <= now_us,
            m.not_after_us > now_us,
        )
        if sending and connection.execute(select(waiting)).scalar():
            found.append(sender_id)
    return found


def complete(connection: Connection, now_us: int) -> None:
    """Steps with nothing left to send are done, and campaigns with nothing but done steps."""
    expanded = connection.execute(select(steps.c.id).where(steps.c.state == "expanded")).scalars().all()
    if expanded:
        counts = tally.read(connection, list(expanded))
        busy = {key.step_id for key in counts if key.status in (Status.QUEUED, Status.SENDING)}
        for step_id in expanded:
            if step_id not in busy and not _awaits_hops(connection, step_id):
                connection.execute(update(steps).where(steps.c.id == step_id).values(state="done", finished_us=now_us))
    open_steps = exists().where(steps.c.campaign_id == campaigns.c.id, steps.c.state.not_in(["done", "cancelled"]))
    connection.execute(
        update(campaigns)
        .where(campaigns.c.state == "running", ~open_steps)
        .values(state="done", state_us=now_us, state_reason="")
    )


def _awaits_hops(connection: Connection, step_id: int) -> bool:
    statement = select(exists().where(m.step_id == step_id, m.hop_due_us.is_not(None)))
    return bool(connection.execute(statement).scalar())


def cancelled_with_rows(connection: Connection) -> list[int]:
    """Cancelled campaigns of which rows still wait: a cancel that was interrupted."""
    # sender and priority are named, so that the index of what waits leads there: else every waiting row would be read
    waiting = exists().where(
        m.status == "queued",
        m.sender_id.in_(select(senders.c.id)),
        m.priority.in_(PRIORITIES),
        m.campaign_id == campaigns.c.id,
    )
    statement = select(campaigns.c.id).where(campaigns.c.state == "cancelled", waiting)
    return list(connection.execute(statement).scalars())
