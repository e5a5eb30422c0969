"""The queue of record: rows locked, moved by the machine, and saved with the counters they move.

Rows are locked in ascending id everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from dispatcher.core.status import Status, best
from dispatcher.delivery.machine import Message
from dispatcher.store import tally
from dispatcher.store.bulk import any_of, update_by_id
from dispatcher.store.tables import messages

m = messages.c

STATE_COLUMNS = (
    m.id, m.step_id, m.campaign_id, m.contact_id, m.hop, m.sender_id, m.status, m.reason, m.attempt, m.tries, m.prior,
    m.claim_token, m.lease_until_us, m.not_before_us, m.not_before_rule, m.hop_after_us, m.hop_due_us, m.begun_us,
    m.ended_us, m.provider_id, m.provider_code, m.parts, m.counted, m.has_sibling,
)  # fmt: skip

_SAVED = (
    "status", "reason", "attempt", "tries", "prior", "claim_token", "lease_until_us", "not_before_us",
    "not_before_rule", "hop_after_us", "hop_due_us", "ended_us", "provider_id", "provider_code", "parts",
    "counted", "has_sibling",
)  # fmt: skip
_saved_values = attrgetter("id", *_SAVED)


def _state(row: Any) -> Message:
    message = Message(*row)
    message.status = Status(message.status)
    return message


def lock(connection: Connection, ids: Iterable[int]) -> dict[int, Message]:
    """The rows, locked in ascending id until the commit."""
    wanted = sorted(set(ids))
    statement = select(*STATE_COLUMNS).where(any_of(connection, m.id, wanted)).order_by(m.id).with_for_update()
    return {row.id: _state(row) for row in connection.execute(statement).all()}


def lock_rows(connection: Connection, ids: Iterable[int]) -> None:
    """Only that: until the commit, in ascending id. On SQLite a transaction that writes is alone anyway."""
    if connection.dialect.name == "postgresql":
        wanted = any_of(connection, m.id, sorted(set(ids)))
        connection.execute(select(m.id).where(wanted).order_by(m.id).with_for_update())


class _Counted(NamedTuple):
    """What of a row the counters see."""

    sender_id: int
    status: Status
    reason: str
    counted: bool


def _counted_as(row: Message) -> _Counted:
    return _Counted(row.sender_id, row.status, row.reason, row.counted)


class Batch:
    """Locked rows, changed by the machine, saved together with the counters they move."""

    def __init__(self, connection: Connection, rows: dict[int, Message]) -> None:
        self._connection = connection
        self.rows = rows
        self._before = {i: _counted_as(row) for i, row in rows.items()}
        self._images = {i: _saved_values(row) for i, row in rows.items()}

    @classmethod
    def lock(cls, connection: Connection, ids: Iterable[int]) -> Batch:
        return cls(connection, lock(connection, ids))

    def save(self, *, recount: bool = False) -> list[Message]:
        """Writes what changed; returns the messages whose status changed. `recount`: see who counts even so."""
        moved = [row for i, row in self.rows.items() if row.status is not self._before[i].status]
        with_siblings = [row for row in (self.rows.values() if recount else moved) if row.has_sibling]
        if with_siblings:
            self._load_siblings(with_siblings)
            self._recount()
        values = [(i, _saved_values(row)) for i, row in self.rows.items()]
        changed = [image for i, image in values if image != self._images[i]]
        update_by_id(self._connection, messages, _SAVED, changed)
        tally.add(self._connection, self._deltas())
        return moved

    def later_siblings(self, reached: list[Message]) -> list[Message]:
        """Locked: the hops after these, of the same people."""
        with_siblings = [row for row in reached if row.has_sibling]
        if not with_siblings:
            return []
        self._load_siblings(with_siblings)
        hops = {(row.step_id, row.contact_id): row.hop for row in with_siblings}
        return [row for row in self.rows.values() if row.hop > hops.get((row.step_id, row.contact_id), row.hop)]

    def _load_siblings(self, moved: list[Message]) -> None:
        """The other hops of those people: which of them counts may change."""
        steps = {row.step_id for row in moved}
        people = sorted({row.contact_id for row in moved})
        statement = (
            select(*STATE_COLUMNS)
            .where(m.step_id.in_(steps), any_of(self._connection, m.contact_id, people))
            .order_by(m.id)
            .with_for_update()
        )
        for row in self._connection.execute(statement):
            if row.id not in self.rows:
                message = _state(row)
                self.rows[message.id] = message
                self._before[message.id] = _counted_as(message)
                self._images[message.id] = _saved_values(message)

    def _recount(self) -> None:
        """Exactly one hop of a person counts: the best one."""
        people: dict[tuple[int, int], list[Message]] = {}
        for row in self.rows.values():
            if row.has_sibling:
                people.setdefault((row.step_id, row.contact_id), []).append(row)
        for hops in people.values():
            if len(hops) < 2:
                continue
            reached = best(hop.status for hop in hops)
            chosen = next(hop for hop in sorted(hops, key=attrgetter("hop")) if hop.status is reached)
            for hop in hops:
                hop.counted = hop is chosen

    def _deltas(self) -> Counter[tally.Key]:
        deltas: Counter[tally.Key] = Counter()
        for i, row in self.rows.items():
            sender_id, status, reason, counted = self._before[i]
            deltas[tally.message_key(row.step_id, row.hop, sender_id, status, reason)] -= 1
            deltas[tally.message_key(row.step_id, row.hop, row.sender_id, row.status, row.reason)] += 1
            if counted:
                deltas[tally.people_key(row.step_id, status)] -= 1
            if row.counted:
                deltas[tally.people_key(row.step_id, row.status)] += 1
        return deltas
