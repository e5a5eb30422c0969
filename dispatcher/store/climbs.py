"""The usual receipt, in one statement: the current attempt climbs, exactly as `machine.apply_receipt` would have it.

It locks what it writes and nothing before, and makes no object of a row: a third of what the general way costs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dispatcher.core.status import RANK, Status
from dispatcher.store import tally
from dispatcher.store.bulk import numbers, words

RISING = (Status.SENDING, Status.UNKNOWN, Status.ACCEPTED, Status.SENT, Status.DELIVERED)
"""From where a row is moved here. One that waits or ended badly takes the general way."""


class Climb(NamedTuple):
    """Without reason and code; one for each message."""

    message_id: int
    attempt: int
    sender_id: int
    status: Status
    provider_id: str

    @property
    def values(self) -> tuple[int, int, int, str, int, str]:
        return (self.message_id, self.attempt, self.sender_id, self.status.value, RANK[self.status], self.provider_id)


_NAMES = "id, attempt, sender_id, status, rank, provider_id"
_RUNGS = ", ".join(f"('{status.value}', {RANK[status]})" for status in RISING)
_MOVES = """
m.id = v.id AND m.attempt = v.attempt AND m.sender_id = v.sender_id AND m.status = was.status AND was.rank < v.rank
AND m.parts < 2 AND NOT m.has_sibling
"""
_SET = """
status = v.status, reason = '', claim_token = NULL, lease_until_us = NULL, ended_us = coalesce(m.ended_us, {now}),
provider_id = CASE WHEN m.provider_id = '' THEN v.provider_id ELSE m.provider_id END,
hop_due_us = CASE WHEN m.hop_after_us IS NULL THEN m.hop_due_us WHEN v.status IN ('delivered', 'read') THEN NULL
    WHEN m.hop_due_us IS NULL AND m.hop_after_us > 0 THEN {now} + m.hop_after_us ELSE m.hop_due_us END
"""
_POSTGRES = f"""
UPDATE messages AS m SET {_SET.format(now="%s::bigint")}
FROM unnest(%s::bigint[], %s::smallint[], %s::bigint[], %s::text[], %s::smallint[], %s::text[]) AS v({_NAMES}),
    (VALUES {_RUNGS}) AS was(status, rank)
WHERE {_MOVES} RETURNING m.id, m.step_id, m.hop, m.sender_id, m.counted, was.status, m.status
"""  # noqa: S608  words are ours
_FIELDS = ", ".join(f"value ->> {index} AS {name}" for index, name in enumerate(_NAMES.split(", ")))
_SQLITE_VALUES = f"(SELECT {_FIELDS} FROM json_each(?))"  # noqa: S608
# RETURNING does not know there what the row was before; the transaction is alone, so it may be read first
_SQLITE_MOVED = f"""
WITH was(status, rank) AS (VALUES {_RUNGS})
SELECT m.id, m.step_id, m.hop, m.sender_id, m.counted, was.status, v.status
FROM {_SQLITE_VALUES} AS v CROSS JOIN messages AS m CROSS JOIN was WHERE {_MOVES}
"""  # noqa: S608
_SQLITE = f"UPDATE messages AS m SET {_SET.format(now='?')} FROM {_SQLITE_VALUES} AS v WHERE m.id = v.id"  # noqa: S608


def climb(connection: Connection, receipts: Sequence[Climb], now_us: int) -> set[int]:
    """The messages it moved. The others stand as high already, or are more than usual: they take the general way."""
    if not receipts:
        return set()
    is_postgres = connection.dialect.name == "postgresql"
    rows = (_on_postgres if is_postgres else _on_sqlite)(connection, sorted(receipts), now_us)
    tally.add(connection, _deltas(rows))
    return {row[0] for row in rows}


def _on_postgres(connection: Connection, receipts: Sequence[Climb], now_us: int) -> Sequence[Any]:
    ids, attempts, senders, statuses, ranks, provider_ids = zip(*(one.values for one in receipts), strict=True)
    arrays = (numbers(ids), numbers(attempts), numbers(senders), words(statuses), numbers(ranks), words(provider_ids))
    return connection.exec_driver_sql(_POSTGRES, (now_us, now_us, *arrays)).all()


def _on_sqlite(connection: Connection, receipts: Sequence[Climb], now_us: int) -> Sequence[Any]:
    everything = json.dumps([one.values for one in receipts])
    moved = connection.exec_driver_sql(_SQLITE_MOVED, (everything,)).all()
    ids = {row[0] for row in moved}
    chosen = json.dumps([one.values for one in receipts if one.message_id in ids])
    connection.exec_driver_sql(_SQLITE, (now_us, now_us, chosen))
    return moved


def _deltas(rows: Sequence[Any]) -> Counter[tally.Key]:
    deltas: Counter[tally.Key] = Counter()
    for (step_id, hop, sender_id, counted, was, now), n in Counter(tuple(row[1:]) for row in rows).items():
        deltas[tally.message_key(step_id, hop, sender_id, was, "")] -= n
        deltas[tally.message_key(step_id, hop, sender_id, now, "")] += n
        if counted:
            deltas[tally.people_key(step_id, was)] -= n
            deltas[tally.people_key(step_id, now)] += n
    return deltas
