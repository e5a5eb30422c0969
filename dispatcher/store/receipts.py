"""Events as they come in: kept, matched to attempts, parked where their message is not known yet (invariant 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, or_, select, update

from dispatcher.core.clock import DAY_US
from dispatcher.core.status import Status, climb
from dispatcher.receipts.fold import fold_parts
from dispatcher.store.bulk import any_of, insert
from dispatcher.store.tables import messages, provider_refs, receipts

MATCHED_WITHIN_US = 7 * DAY_US
"""Providers reuse their ids after a while."""

p, r = provider_refs.c, receipts.c


class Part(NamedTuple):
    """An attempt, and which part of it a provider's id names."""

    message_id: int
    attempt: int
    part: int


def insert_events(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    insert(connection, receipts, rows)


def by_provider_ids(
    connection: Connection, names: Iterable[tuple[int, str]], now_us: int
) -> dict[tuple[int, str], Part]:
    """(sender, provider id) → the attempt that was given this name within the last seven days."""
    by_sender: dict[int, set[str]] = {}
    for sender_id, provider_id in names:
        by_sender.setdefault(sender_id, set()).add(provider_id)
    found: dict[tuple[int, str], Part] = {}
    for sender_id, provider_ids in by_sender.items():
        statement = (
            select(p.provider_id, p.message_id, p.attempt, p.part)
            .where(
                p.sender_id == sender_id,
                p.provider_id.in_(sorted(provider_ids)),
                p.at_us > now_us - MATCHED_WITHIN_US,
            )
            .order_by(p.at_us)
        )
        for row in connection.execute(statement):
            found[sender_id, row.provider_id] = Part(row.message_id, row.attempt, row.part)
    return found


def fold_part(
    connection: Connection, sender_id: int, provider_id: str, part: Part, status: Status, parts: int
) -> Status:
    """Keep what was heard of one part; what the message amounts to. The caller holds the message's lock."""
    mine = and_(p.message_id == part.message_id, p.attempt == part.attempt)
    rows = connection.execute(select(p.provider_id, p.status).where(mine)).all()
    heard = {row.provider_id: Status(row.status) for row in rows if row.status}
    heard[provider_id] = climb(heard.get(provider_id, Status.QUEUED), status)
    connection.execute(
        update(provider_refs)
        .where(mine, p.sender_id == sender_id, p.provider_id == provider_id)
        .values(status=heard[provider_id].value)
    )
    return fold_parts(heard.values(), max(parts, len(rows))) or status


def matchable(connection: Connection, limit: int) -> list[Any]:
    """Parked events whose message is known by now: by our reference, or by the provider's id."""
    by_name = select(p.message_id).where(p.sender_id == r.sender_id, p.provider_id == r.provider_id).exists()
    by_ref = select(messages.c.id).where(messages.c.id == r.message_id).exists()
    statement = (
        select(receipts)
        .where(r.state == "parked", or_(by_ref, and_(r.message_id.is_(None), by_name)))
        .order_by(r.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(connection.execute(statement))


def mark_folded(connection: Connection, event_id: int, message_id: int, attempt: int) -> None:
    connection.execute(
        update(receipts).where(r.id == event_id).values(state="folded", message_id=message_id, attempt=attempt)
    )


def age_out(connection: Connection, before_us: int) -> int:
    """Events that nothing ever matched."""
    aged = update(receipts).where(r.state == "parked", r.received_us < before_us).values(state="aged")
    return connection.execute(aged).rowcount


def addresses_of(connection: Connection, message_ids: Sequence[int]) -> list[bytes]:
    statement = select(messages.c.address_hash).where(any_of(connection, messages.c.id, sorted(message_ids)))
    return [bytes(value) for value in connection.execute(statement).scalars()]


def has_parked(connection: Connection) -> bool:
    return bool(connection.execute(select(select(r.id).where(r.state == "parked").exists())).scalar())
