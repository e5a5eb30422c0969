"""Events as they come in: kept, matched to attempts, parked where their message is not known yet (invariant 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, or_, select, update

from dispatcher.core.clock import DAY_US
from dispatcher.core.status import Status
from dispatcher.receipts.fold import hear_part
from dispatcher.store.bulk import any_of
from dispatcher.store.load import load
from dispatcher.store.tables import messages, provider_refs, receipts

MATCHED_WITHIN_US = 7 * DAY_US
"""Providers reuse their ids after a while."""

p, r = provider_refs.c, receipts.c


class Attempt(NamedTuple):
    message_id: int
    number: int


def insert_events(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """All with the same keys in the same order."""
    if rows:
        load(connection, receipts, tuple(rows[0]), [tuple(row.values()) for row in rows])


def by_provider_ids(
    connection: Connection, names: Iterable[tuple[int, str]], now_us: int
) -> dict[tuple[int, str], Attempt]:
    """(sender, provider id) → the last attempt that was given this name within seven days."""
    by_sender: dict[int, set[str]] = {}
    for sender_id, provider_id in names:
        by_sender.setdefault(sender_id, set()).add(provider_id)
    found: dict[tuple[int, str], Attempt] = {}
    for sender_id, provider_ids in by_sender.items():
        statement = (
            select(p.provider_id, p.message_id, p.attempt)
            .where(
                p.sender_id == sender_id,
                any_of(connection, p.provider_id, sorted(provider_ids)),
                p.at_us > now_us - MATCHED_WITHIN_US,
            )
            .order_by(p.at_us, p.message_id, p.attempt)
        )
        for row in connection.execute(statement):
            found[sender_id, row.provider_id] = Attempt(row.message_id, row.attempt)
    return found


class Parts:
    """What was heard of the parts of some messages, each part by the provider's name for it.

    The caller holds the messages' locks. Attempts whose provider named one part only are not looked after.
    """

    def __init__(self, connection: Connection, message_ids: Iterable[int]) -> None:
        self._connection = connection
        self._heard: dict[Attempt, dict[str, Status]] = {}
        self._changed: set[tuple[Attempt, str]] = set()
        wanted = sorted(set(message_ids))
        if wanted:
            self._load(wanted)

    def _load(self, message_ids: Sequence[int]) -> None:
        statement = select(p.message_id, p.attempt, p.provider_id, p.status).where(
            any_of(self._connection, p.message_id, message_ids)
        )
        for row in self._connection.execute(statement):
            of_attempt = self._heard.setdefault(Attempt(row.message_id, row.attempt), {})
            of_attempt[row.provider_id] = Status(row.status) if row.status else Status.QUEUED

    def hear(self, attempt: Attempt, provider_id: str, status: Status) -> Status | None:
        """What a word about one part makes of the whole message; None where nothing yet."""
        heard = self._heard.get(attempt, {})
        if len(heard) < 2 or provider_id not in heard:
            return status
        self._changed.add((attempt, provider_id))
        return hear_part(heard, provider_id, status, len(heard))

    def save(self) -> None:
        for attempt, provider_id in sorted(self._changed):
            mine = and_(p.message_id == attempt.message_id, p.attempt == attempt.number, p.provider_id == provider_id)
            status = self._heard[attempt][provider_id]
            self._connection.execute(update(provider_refs).where(mine).values(status=status.value))


def parked_to_match(connection: Connection, now_us: int, limit: int) -> list[Any]:
    """Parked events whose message is known by now: by our reference, or by the provider's id. Oldest first."""
    named = select(p.message_id).where(
        p.sender_id == r.sender_id, p.provider_id == r.provider_id, p.at_us > now_us - MATCHED_WITHIN_US
    )
    referenced = select(messages.c.id).where(messages.c.id == r.message_id, messages.c.sender_id == r.sender_id)
    statement = (
        select(receipts)
        .where(r.state == "parked", or_(referenced.exists(), and_(r.message_id.is_(None), named.exists())))
        .order_by(r.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(connection.execute(statement))


def mark_folded(connection: Connection, event_id: int, attempt: Attempt) -> None:
    connection.execute(
        update(receipts)
        .where(r.id == event_id)
        .values(state="folded", message_id=attempt.message_id, attempt=attempt.number)
    )


def age_out(connection: Connection, before_us: int) -> int:
    """Events that nothing ever matched."""
    aged = update(receipts).where(r.state == "parked", r.received_us < before_us).values(state="aged")
    return connection.execute(aged).rowcount


def has_parked(connection: Connection, before_us: int | None = None) -> bool:
    """Whether any event waits for its message; `before_us`: one that was received earlier."""
    old_enough = [] if before_us is None else [r.received_us < before_us]
    return bool(connection.execute(select(select(r.id).where(r.state == "parked", *old_enough).exists())).scalar())


def addresses_of(connection: Connection, message_ids: Sequence[int]) -> list[bytes]:
    statement = select(messages.c.address_hash).where(any_of(connection, messages.c.id, sorted(message_ids)))
    return [bytes(value) for value in connection.execute(statement).scalars()]
