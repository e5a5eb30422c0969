"""Take in what providers say: journal and fold in one commit, for all calls that arrived together (invariants 6, 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dispatcher.core.status import Reason, Status
from dispatcher.operations.context import Context
from dispatcher.operations.fold import Event, fold
from dispatcher.operations.replies import Replies, Reply
from dispatcher.operations.reply_receipts import fold_replies
from dispatcher.receipts.fold import parse_ref
from dispatcher.spi import HookAnswer, Receipt
from dispatcher.store import receipts as store
from dispatcher.store.installation import IdBlock
from dispatcher.store.receipts import Attempt

_ID_BLOCK = 5000
_LONGEST_WORD = 100

Names = dict[tuple[int, str], Attempt]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One verified call of a provider. `answer` None: it cannot be understood. `raw` is kept, sealed.

    `signed`: the provider vouches for what it says, by a signature or over a session that it opened with a password.
    """

    sender_id: int
    answer: HookAnswer | None
    raw: str
    signed: bool = True


class _Taken(NamedTuple):
    """One call as rows: what it says of messages, what people replied, and all of it for the journal."""

    events: list[Event]
    replies: list[Reply]
    rows: list[dict[str, Any]]


class Ingest:
    """One per process that listens; used by one thread at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._replies = Replies(context)
        self._ids = IdBlock(context.database, _ID_BLOCK)

    def take(self, arrived: Sequence[Arrived]) -> None:
        """All of them in one transaction, or an exception and none of them. Safe to repeat."""
        ids = self._ids.take(sum(_rows_needed(one.answer) for one in arrived))
        self._context.database.run(lambda connection: self._take(connection, arrived, iter(ids)))

    def _take(self, connection: Connection, arrived: Sequence[Arrived], ids: Iterator[int]) -> None:
        now_us = self._context.now_us()
        names = store.by_provider_ids(connection, _unreferenced(arrived), now_us)
        taken = [self._read(one, ids, names, now_us) for one in arrived]
        events = [event for one in taken for event in one.events]
        fold(connection, events, now_us)
        fold_replies(connection, events, now_us)
        store.insert_events(connection, [row for one in taken for row in one.rows])
        self._replies.take(connection, [reply for one in taken for reply in one.replies], now_us)

    def _read(self, one: Arrived, ids: Iterator[int], names: Names, now_us: int) -> _Taken:
        if one.answer is None:
            taken = _Taken([], [], [_row(next(ids), one.sender_id, now_us, "unparsed")])
        else:
            taken = _read(one, one.answer, ids, names, now_us)
        if taken.rows:
            first = taken.rows[0]
            first["raw_sealed"] = self._context.keys.sealer.seal("receipts.raw", first["id"], one.raw)
        return taken


def _read(one: Arrived, answer: HookAnswer, ids: Iterator[int], names: Names, now_us: int) -> _Taken:
    sender_id = one.sender_id
    events = [_event(receipt, sender_id, next(ids), names, now_us) for receipt in answer.receipts]
    replies = [Reply(sender_id, next(ids), said, one.signed) for said in answer.inbound]
    told = [_row(reply.id, sender_id, now_us, "inbound", provider_id=reply.said.provider_id) for reply in replies]
    unmapped = [_row(next(ids), sender_id, now_us, "unparsed", code=word[:_LONGEST_WORD]) for word in answer.unmapped]
    return _Taken(events, replies, [*(event.row for event in events), *told, *unmapped])


def _event(receipt: Receipt, sender_id: int, identifier: int, names: Names, now_us: int) -> Event:
    ref = parse_ref(receipt.ref) if receipt.ref else None
    attempt = Attempt(ref.message_id, ref.attempt) if ref else names.get((sender_id, receipt.provider_id))
    row = _row(
        identifier,
        sender_id,
        now_us,
        "parked",
        message_id=attempt.message_id if attempt else None,
        attempt=attempt.number if attempt else None,
        provider_id=receipt.provider_id,
        status=receipt.status.value,
        reason=receipt.reason.value if receipt.reason else "",
        code=receipt.code,
        part=receipt.part,
        occurred_us=receipt.occurred_us,
    )
    return Event(row, receipt, attempt)


def _row(identifier: int, sender_id: int, now_us: int, state: str, **more: Any) -> dict[str, Any]:
    return {
        "id": identifier,
        "sender_id": sender_id,
        "received_us": now_us,
        "state": state,
        "message_id": None,
        "attempt": None,
        "provider_id": "",
        "status": "",
        "reason": "",
        "code": "",
        "part": 0,
        "occurred_us": None,
        "raw_sealed": None,
        **more,
    }


def _rows_needed(answer: HookAnswer | None) -> int:
    return 1 if answer is None else len(answer.receipts) + len(answer.inbound) + len(answer.unmapped)


def _unreferenced(arrived: Sequence[Arrived]) -> set[tuple[int, str]]:
    """Names by which messages must be looked for, because our reference did not come back."""
    return {
        (one.sender_id, receipt.provider_id)
        for one in arrived
        if one.answer
        for receipt in one.answer.receipts
        if receipt.provider_id and parse_ref(receipt.ref) is None
    }


def match_parked(context: Context, limit: int) -> int:
    """Events that came before our record of the send; returns how many found their message."""

    def once(connection: Connection) -> int:
        now_us = context.now_us()
        rows = store.parked_to_match(connection, now_us, limit)
        unreferenced = {(row.sender_id, row.provider_id) for row in rows if row.message_id is None}
        names = store.by_provider_ids(connection, unreferenced, now_us)
        events = [_parked(row, names) for row in rows]
        fold(connection, events, now_us)
        fold_replies(connection, events, now_us)
        folded = [event for event in events if event.row["state"] == "folded"]
        for event in folded:
            assert event.attempt is not None
            store.mark_folded(connection, event.row["id"], event.attempt)
        return len(folded)

    with context.database.read() as connection:
        if not store.has_parked(connection):
            return 0
    return context.database.run(once)


def _parked(row: Any, names: Names) -> Event:
    """The flag `suppress` is not stored: a refusal is known by its reason."""
    reason = Reason(row.reason) if row.reason else None
    receipt = Receipt(
        Status(row.status),
        provider_id=row.provider_id,
        reason=reason,
        code=row.code,
        part=row.part,
        suppress=reason is Reason.OPTED_OUT,
    )
    named = names.get((row.sender_id, row.provider_id))
    attempt = named if row.message_id is None else Attempt(row.message_id, row.attempt)
    return Event({"id": row.id, "sender_id": row.sender_id, "state": "parked"}, receipt, attempt)


def age_parked(context: Context) -> int:
    """Events that nothing matched within seven days."""
    before_us = context.now_us() - store.MATCHED_WITHIN_US
    with context.database.read() as connection:
        if not store.has_parked(connection, before_us):
            return 0
    return context.database.run(lambda connection: store.age_out(connection, before_us))
