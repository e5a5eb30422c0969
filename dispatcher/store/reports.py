"""What status and report read: counters, and what waits. One snapshot; nobody's name, number or text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, func, select, text

from dispatcher.core.status import Status
from dispatcher.delivery.machine import LOST
from dispatcher.outreach.funnel import Funnel, HopCount
from dispatcher.store import tally
from dispatcher.store.by_step import of_steps
from dispatcher.store.claims import PRIORITIES
from dispatcher.store.engine import Database
from dispatcher.store.tables import messages, senders, session_people, sessions, skipped

m = messages.c
# people are counted in memory: 100,000 take 12 MB; on one core, as those who send need the others; and no statement is
# compiled, which Postgres does where its estimate is high, and which takes longer than to count so many
_SETTINGS = """
SELECT set_config('work_mem', '64MB', true), set_config('max_parallel_workers_per_gather', '0', true),
    set_config('jit', 'off', true)
"""


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """One view of the data for many queries: what they say agrees."""
    with database.read() as connection:
        if not database.is_sqlite:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            connection.execute(text(_SETTINGS))
        yield connection


def sender_names(connection: Connection) -> dict[int, str]:
    return {row.id: row.name for row in connection.execute(select(senders.c.id, senders.c.name))}


def funnels(connection: Connection, rows: Sequence[Any]) -> dict[int, Funnel]:
    """Step id → funnel, from the stored counters."""
    counts = tally.read(connection, [row.id for row in rows])
    names = sender_names(connection)
    return {row.id: _funnel(row, {k: n for k, n in counts.items() if k.step_id == row.id}, names) for row in rows}


def _funnel(row: Any, counts: dict[tally.Key, int], names: dict[int, str]) -> Funnel:
    people = {key: n for key, n in counts.items() if key.hop == tally.PEOPLE}
    left_out = (tally.HELD_OUT, tally.SKIPPED)
    return Funnel(
        selected=row.selected,
        held_out=sum(n for key, n in people.items() if key.status == tally.HELD_OUT),
        skipped={key.reason: n for key, n in people.items() if key.status == tally.SKIPPED},
        pending=row.pending,
        people={key.status: n for key, n in people.items() if key.status not in left_out},
        hops=_hops({key: n for key, n in counts.items() if key.hop != tally.PEOPLE}, names),
    )


def _hops(counts: dict[tally.Key, int], names: dict[int, str]) -> tuple[HopCount, ...]:
    by_hop: dict[tuple[int, int], tuple[Counter[str], Counter[str]]] = {}
    for key, n in counts.items():
        statuses, failed = by_hop.setdefault((key.hop, key.sender_id), (Counter(), Counter()))
        statuses[key.status] += n
        if key.status == Status.FAILED:
            failed[key.reason] += n
    return tuple(
        HopCount(hop, names.get(sender_id, str(sender_id)), dict(statuses), dict(failed))
        for (hop, sender_id), (statuses, failed) in sorted(by_hop.items())
    )


class Waiting(NamedTuple):
    """Rows that wait alike. `from_us`: when the first of them may go; `is_due`: all may go already."""

    step_id: int
    sender_id: int
    rule: str
    rows: int
    from_us: int
    is_due: bool


def waiting(connection: Connection, campaign_id: int, now_us: int) -> list[Waiting]:
    """Queued rows by what they wait for."""
    # sender and priority are named, so that the index of what waits leads to those of this campaign
    of_campaign = (m.sender_id.in_(select(senders.c.id)), m.priority.in_(PRIORITIES), m.campaign_id == campaign_id)
    is_due = (m.not_before_us <= now_us).label("is_due")
    keys = (m.step_id, m.sender_id, m.not_before_rule)
    statement = (
        select(*keys, func.count(), func.min(m.not_before_us), is_due)
        .where(m.status == Status.QUEUED, *of_campaign)
        .group_by(*keys, "is_due")
        .order_by(*keys, "is_due")
    )
    return [Waiting(r[0], r[1], r[2], r[3], r[4], bool(r[5])) for r in connection.execute(statement)]


def lost_unknown(connection: Connection, step_ids: Sequence[int]) -> dict[int, int]:
    """Step → people held because their message may have been sent in a time that the database lost (invariant 16)."""
    held = (m.step_id.in_(step_ids), m.status == "unknown", m.not_before_rule == LOST, m.counted)
    rows = connection.execute(select(m.step_id, func.count()).where(*held).group_by(m.step_id))
    return {row[0]: row[1] for row in rows}


def sessions_of(connection: Connection, slugs: Sequence[str]) -> list[Any]:
    return list(connection.execute(select(sessions).where(sessions.c.slug.in_(slugs)).order_by(sessions.c.starts_us)))


def attendance(connection: Connection, slugs: Sequence[str]) -> list[tuple[str, str, int, int]]:
    """(session, RSVP or "", people, how many of them checked in)."""
    p = session_people.c
    statement = (
        select(p.session_slug, p.rsvp, func.count(), func.count(p.checked_in_us))
        .where(p.session_slug.in_(slugs))
        .group_by(p.session_slug, p.rsvp)
        .order_by(p.session_slug, p.rsvp)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(statement)]


def counted_again(connection: Connection, step_id: int) -> Counter[tally.Key]:
    """The counters of a step as its rows say, to be compared with those that were kept (invariant 11)."""
    found: Counter[tally.Key] = Counter()
    kept = case((m.status.in_([Status.FAILED, Status.CANCELLED]), m.reason), else_="").label("kept")
    mine = of_steps(connection, [step_id])
    by_message = select(m.hop, m.sender_id, m.status, kept, func.count()).where(mine)
    for row in connection.execute(by_message.group_by(m.hop, m.sender_id, m.status, "kept")):
        found[tally.Key(step_id, row[0], row[1], row[2], row[3])] += row[4]
    by_person = select(m.status, func.count()).where(mine, m.counted)
    for row in connection.execute(by_person.group_by(m.status)):
        found[tally.people_key(step_id, row[0])] += row[1]
    left_out = select(skipped.c.reason, func.count()).where(skipped.c.step_id == step_id).group_by(skipped.c.reason)
    for reason, n in connection.execute(left_out):
        is_held_out = reason == tally.HELD_OUT
        status = tally.HELD_OUT if is_held_out else tally.SKIPPED
        found[tally.people_key(step_id, status, "" if is_held_out else reason)] += n
    return found
