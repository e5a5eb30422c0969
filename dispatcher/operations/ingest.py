"""Take in what providers say: journal and fold in one commit, for all calls that arrived together (invariants 6, 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dispatcher.core.status import GOOD, Reason, Status
from dispatcher.delivery import machine
from dispatcher.operations.context import Context
from dispatcher.operations.replies import take_replies
from dispatcher.receipts.fold import parse_ref
from dispatcher.spi import HookAnswer, Inbound, Receipt
from dispatcher.store import receipts as store
from dispatcher.store.attempts import climb_attempts
from dispatcher.store.installation import IdBlock
from dispatcher.store.outbox import Batch
from dispatcher.store.receipts import Part
from dispatcher.store.stops import stop_address

_ID_BLOCK = 5000


@dataclass(frozen=True, slots=True)
class Arrived:
    """One verified call of a provider. `raw` is kept sealed."""

    sender_id: int
    answer: HookAnswer
    raw: str


class _Event(NamedTuple):
    """One receipt on its way into the fold. `part` None: its message is not known yet."""

    row: dict[str, Any]
    receipt: Receipt
    part: Part | None
    by_name: bool


class Ingest:
    """One per process that listens."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ids = IdBlock(context.database, _ID_BLOCK)

    def take(self, arrived: Sequence[Arrived]) -> None:
        """All of them in one transaction, or an exception and none of them."""
        ids = self._ids.take(sum(_rows_needed(one.answer) for one in arrived))
        self._context.database.run(lambda connection: self._take(connection, arrived, iter(ids)))

    def _take(self, connection: Connection, arrived: Sequence[Arrived], ids: Iterator[int]) -> None:
        now_us = self._context.now_us()
        named = store.by_provider_ids(connection, _unreferenced(arrived), now_us)
        events: list[_Event] = []
        rows: list[dict[str, Any]] = []
        replies: list[tuple[int, int, Inbound]] = []
        for one in arrived:
            fresh = list(self._events(one, ids, named, now_us))
            told = [self._row(next(ids), one.sender_id, now_us, "inbound") for _ in one.answer.inbound]
            unmapped = [self._unmapped(next(ids), one.sender_id, now_us, word) for word in one.answer.unmapped]
            mine = [*(event.row for event in fresh), *told, *unmapped]
            if mine:
                mine[0]["raw_sealed"] = self._context.keys.sealer.seal("receipts.raw", mine[0]["id"], one.raw)
            events += fresh
            rows += mine
            replies += [(one.sender_id, row["id"], said) for row, said in zip(told, one.answer.inbound, strict=True)]
        fold(connection, events, now_us)
        store.insert_events(connection, rows)
        take_replies(self._context, connection, replies, now_us)

    def _events(
        self, one: Arrived, ids: Iterator[int], named: dict[tuple[int, str], Part], now_us: int
    ) -> Iterator[_Event]:
        for receipt in one.answer.receipts:
            ref = parse_ref(receipt.ref) if receipt.ref else None
            by_name = named.get((one.sender_id, receipt.provider_id))
            part = Part(ref.message_id, ref.attempt, receipt.part) if ref else by_name
            row = self._row(next(ids), one.sender_id, now_us, "parked")
            row |= {
                "message_id": part.message_id if part else None,
                "attempt": part.attempt if part else None,
                "provider_id": receipt.provider_id,
                "status": receipt.status.value,
                "reason": receipt.reason.value if receipt.reason else "",
                "code": receipt.code,
                "part": receipt.part,
                "occurred_us": receipt.occurred_us,
            }
            yield _Event(row, receipt, part, by_name is not None)

    @staticmethod
    def _row(identifier: int, sender_id: int, now_us: int, state: str) -> dict[str, Any]:
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
        }

    def _unmapped(self, identifier: int, sender_id: int, now_us: int, word: str) -> dict[str, Any]:
        return {**self._row(identifier, sender_id, now_us, "unparsed"), "code": word[:100]}


def _rows_needed(answer: HookAnswer) -> int:
    return len(answer.receipts) + len(answer.inbound) + len(answer.unmapped)


def _unreferenced(arrived: Sequence[Arrived]) -> set[tuple[int, str]]:
    """Names by which messages must be looked for: without our reference, or one of several parts."""
    return {
        (one.sender_id, receipt.provider_id)
        for one in arrived
        for receipt in one.answer.receipts
        if receipt.provider_id and (not receipt.ref or receipt.part)
    }


def fold(connection: Connection, events: Sequence[_Event], now_us: int) -> None:
    """Every event into the state of its message; `row["state"]` says whether it found one."""
    batch = Batch.lock(connection, [event.part.message_id for event in events if event.part])
    earlier: list[tuple[int, int, Status]] = []
    refused: list[int] = []
    for event in events:
        message = batch.rows.get(event.part.message_id) if event.part else None
        if message is None or event.part is None or event.part.attempt > message.attempt:
            continue
        event.row["state"] = "folded"
        _apply(connection, message, event, now_us)
        if event.part.attempt < message.attempt:
            earlier.append((message.id, event.part.attempt, event.receipt.status))
        if event.receipt.suppress:
            refused.append(message.id)
    climb_attempts(connection, earlier)
    for sibling in batch.later_siblings([row for row in batch.rows.values() if row.status in GOOD]):
        if sibling.status is Status.QUEUED:
            machine.cancel(sibling, "reached", now_us)
    batch.save()
    for address_hash in store.addresses_of(connection, refused) if refused else ():
        stop_address(connection, address_hash, "*", "opted_out", "provider", now_us)


def _apply(connection: Connection, message: machine.Message, event: _Event, now_us: int) -> None:
    assert event.part is not None
    receipt, status = event.receipt, event.receipt.status
    if event.by_name and message.parts > 1 and event.part.attempt == message.attempt:
        status = store.fold_part(connection, message.sender_id, receipt.provider_id, event.part, status, message.parts)
    reason = receipt.reason or (Reason.OTHER if status is Status.FAILED else "")
    if not message.provider_id and event.part.attempt == message.attempt:
        message.provider_id = receipt.provider_id
    machine.apply_receipt(message, event.part.attempt, status, reason, receipt.code, now_us)


def match_parked(context: Context, limit: int) -> int:
    """Events that came before their message, or before our record of it."""
    now_us = context.now_us()

    def once(connection: Connection) -> int:
        rows = store.matchable(connection, limit)
        named = store.by_provider_ids(connection, {(row.sender_id, row.provider_id) for row in rows}, now_us)
        events = [_parked(row, named) for row in rows]
        fold(connection, events, now_us)
        for event in events:
            if event.row["state"] == "folded" and event.part:
                store.mark_folded(connection, event.row["id"], event.part.message_id, event.part.attempt)
        return len(events)

    with context.database.read() as connection:
        if not store.has_parked(connection):
            return 0
    return context.database.run(once)


def _parked(row: Any, named: dict[tuple[int, str], Part]) -> _Event:
    reason = Reason(row.reason) if row.reason else None
    receipt = Receipt(Status(row.status), provider_id=row.provider_id, reason=reason, code=row.code, part=row.part)
    by_name = named.get((row.sender_id, row.provider_id))
    part = Part(row.message_id, row.attempt, row.part) if row.message_id is not None else by_name
    return _Event({"id": row.id, "state": "parked"}, receipt, part, by_name is not None)


def age_parked(context: Context) -> int:
    before_us = context.now_us() - store.MATCHED_WITHIN_US
    with context.database.read() as connection:
        if not store.has_parked(connection):
            return 0
    return context.database.run(lambda connection: store.age_out(connection, before_us))
