"""Invariant 11, recounted from the rows: what the counters say is what the tables hold."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, select

from dispatcher.core.status import Status, best
from dispatcher.store import tally
from dispatcher.store.tables import messages, skipped, steps


def assert_conserved(connection: Connection) -> None:
    """Every step: selected = left out + pending + people by their best hop, and each counter equals its rows."""
    rows = connection.execute(select(steps.c.id, steps.c.selected, steps.c.pending, steps.c.state)).all()
    kept = tally.read(connection, [row.id for row in rows])
    counted = _recount(connection)
    assert dict(kept) == dict(counted)
    people = Counter({step_id: 0 for step_id, *_ in rows})
    for key, n in counted.items():
        if key.hop == tally.PEOPLE:
            people[key.step_id] += n
    for row in rows:
        assert row.pending >= 0
        assert row.selected == people[row.id] + row.pending, row
        assert row.pending == 0 or row.state in ("scheduled", "expanding", "cancelled"), row


def _recount(connection: Connection) -> Counter[tally.Key]:
    found: Counter[tally.Key] = Counter()
    hops: dict[tuple[int, int], list[tuple[Status, bool]]] = {}
    for row in connection.execute(select(messages)):
        status = Status(row.status)
        found[tally.message_key(row.step_id, row.hop, row.sender_id, status, row.reason)] += 1
        hops.setdefault((row.step_id, row.contact_id), []).append((status, row.counted))
    for (step_id, _), reached in hops.items():
        counted = [status for status, counts in reached if counts]
        assert counted == [best(status for status, _ in reached)], reached
        found[tally.people_key(step_id, counted[0])] += 1
    for row in connection.execute(select(skipped)):
        assert (row.step_id, row.contact_id) not in hops, "left out and messaged"
        left = (tally.HELD_OUT, "") if row.reason == tally.HELD_OUT else (tally.SKIPPED, row.reason)
        found[tally.people_key(row.step_id, *left)] += 1
    return found
