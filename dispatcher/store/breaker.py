"""What the breaker goes by: counters of running campaigns, where they stood before, and who refused after a message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select

from dispatcher.core.clock import DAY_US
from dispatcher.core.status import Status
from dispatcher.delivery.breaker import BEGINNING, KINDS, Counts, Kind, Mark
from dispatcher.store import tally
from dispatcher.store.bulk import insert_ignore
from dispatcher.store.tables import breaker_marks, campaigns, messages, steps, stops, tallies

_BLAMED_FOR_US = 7 * DAY_US
_ENDED = (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED)


def watched(connection: Connection) -> list[Any]:
    """Campaigns that run, and for which nobody switched the breaker off."""
    c = campaigns.c
    statement = select(c.id, c.slug, c.state_us).where(c.state == "running", c.breaker_off.is_(False))
    return list(connection.execute(statement.order_by(c.id)))


def counts_of(connection: Connection, campaign_ids: Sequence[int]) -> dict[int, Counts]:
    """From the counters, whatever the campaigns' size."""
    tally.settle(connection)
    t = tallies.c
    keys = (steps.c.campaign_id, t.status, t.reason)
    statement = (
        select(*keys, func.sum(t.n))
        .join(steps, steps.c.id == t.step_id)
        .where(steps.c.campaign_id.in_(campaign_ids), t.hop >= 0, t.status.in_(_ENDED))
        .group_by(*keys)
    )
    found: defaultdict[int, dict[tuple[Status, str], int]] = defaultdict(dict)
    for campaign_id, status, reason, n in connection.execute(statement):
        found[campaign_id][Status(status), reason] = int(n)
    return {campaign_id: Counts.of(found[campaign_id]) for campaign_id in campaign_ids}


def marks_of(connection: Connection, campaign_ids: Sequence[int]) -> dict[tuple[int, Kind], list[Mark]]:
    """Ascending; about ten for each."""
    b = breaker_marks.c
    statement = select(breaker_marks).where(b.campaign_id.in_(campaign_ids)).order_by(b.campaign_id, b.kind, b.at_us)
    found: defaultdict[tuple[int, Kind], list[Mark]] = defaultdict(list)
    for row in connection.execute(statement):
        found[row.campaign_id, row.kind].append(Mark(row.at_us, Counts(row.ended, row.told, row.faults)))
    return found


def put_mark(connection: Connection, campaign_id: int, kind: Kind, mark: Mark, base_us: int) -> None:
    """`base_us`: what is older than that is not asked for any more."""
    b = breaker_marks.c
    connection.execute(delete(breaker_marks).where(b.campaign_id == campaign_id, b.kind == kind, b.at_us < base_us))
    insert_ignore(connection, breaker_marks, [_row(campaign_id, kind, mark)])


def forget_before_now(connection: Connection, campaign_id: int) -> None:
    """It is resumed: what was counted up to now says nothing any more."""
    counts = counts_of(connection, [campaign_id])[campaign_id]
    connection.execute(delete(breaker_marks).where(breaker_marks.c.campaign_id == campaign_id))
    beginning = Mark(BEGINNING.at_us, counts)
    insert_ignore(connection, breaker_marks, [_row(campaign_id, kind, beginning) for kind in KINDS])


def _row(campaign_id: int, kind: Kind, mark: Mark) -> Mapping[str, Any]:
    counts = mark.counts
    about = {"ended": counts.ended, "told": counts.told, "faults": dict(counts.faults)}
    return {"campaign_id": campaign_id, "kind": kind, "at_us": mark.at_us, **about}


def note_stop(connection: Connection, address_hash: bytes, now_us: int) -> None:
    """A number refused: after the last message that it got within a week."""
    m = messages.c
    last = (
        select(m.id, m.campaign_id, m.begun_us)
        .where(m.address_hash == address_hash, m.begun_us > now_us - _BLAMED_FOR_US)
        .order_by(m.begun_us.desc())
        .limit(1)
    )
    row = connection.execute(last).first()
    if row is not None:
        values = {"message_id": row.id, "campaign_id": row.campaign_id, "begun_us": row.begun_us, "at_us": now_us}
        insert_ignore(connection, stops, [values])


def stopped_after(connection: Connection, campaign_id: int, since_us: int) -> int:
    """Numbers that refused after a message of the campaign that was begun since."""
    statement = select(func.count()).where(stops.c.campaign_id == campaign_id, stops.c.begun_us >= since_us)
    return connection.execute(statement).scalar_one()
