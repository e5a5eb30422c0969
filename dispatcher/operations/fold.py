"""Events into the state of their messages, in any order and any number of times (invariant 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dispatcher.core.status import GOOD, Reason, Status
from dispatcher.delivery import machine
from dispatcher.spi import Receipt
from dispatcher.store import receipts as store
from dispatcher.store.attempts import climb_attempts
from dispatcher.store.cancel import give_back_caps
from dispatcher.store.outbox import Batch
from dispatcher.store.receipts import Attempt, Parts
from dispatcher.store.stops import stop_address


class Event(NamedTuple):
    """One receipt, its row in the journal, and the attempt it speaks of: None where that is not known yet."""

    row: dict[str, Any]
    receipt: Receipt
    attempt: Attempt | None


class _Known(NamedTuple):
    message: machine.Message
    attempt: Attempt
    receipt: Receipt


def fold(connection: Connection, events: Sequence[Event], now_us: int) -> None:
    """Rows, counters and consequences; `row["state"]` becomes "folded" where the message was found.

    A sender speaks of its own messages only.
    """
    wanted = [event.attempt.message_id for event in events if event.attempt]
    if not wanted:
        return
    batch = Batch.lock(connection, wanted)
    known = []
    for event in events:
        message = batch.rows.get(event.attempt.message_id) if event.attempt else None
        if event.attempt and message and message.sender_id == event.row["sender_id"]:
            event.row["state"] = "folded"
            known.append(_Known(message, event.attempt, event.receipt))
    _apply_all(connection, known, now_us)
    _cancel_later_hops(connection, batch, now_us)
    batch.save()
    _take_refusals(connection, known, now_us)


def _apply_all(connection: Connection, known: Sequence[_Known], now_us: int) -> None:
    divided = [one.message.id for one in known if one.message.parts > 1 or one.attempt.number != one.message.attempt]
    parts = Parts(connection, divided)
    earlier: list[tuple[int, int, Status]] = []
    for message, attempt, receipt in known:
        status = parts.hear(attempt, receipt.provider_id, receipt.status)
        if status is None:
            continue
        if attempt.number == message.attempt:
            message.provider_id = message.provider_id or receipt.provider_id
        elif attempt.number < message.attempt:
            earlier.append((message.id, attempt.number, status))
        reason = receipt.reason or (Reason.OTHER if status is Status.FAILED else "")
        machine.apply_receipt(message, attempt.number, status, reason, receipt.code, now_us)
    parts.save()
    climb_attempts(connection, earlier)


def _cancel_later_hops(connection: Connection, batch: Batch, now_us: int) -> None:
    """A late receipt of the first hop makes a waiting second one superfluous, claimed or not (DESIGN 4)."""
    reached = [row for row in batch.rows.values() if row.status in GOOD]
    waiting = [row for row in batch.later_siblings(reached) if row.status is Status.QUEUED]
    for row in waiting:
        machine.cancel(row, "reached", now_us)
    give_back_caps(connection, [row.id for row in waiting])


def _take_refusals(connection: Connection, known: Sequence[_Known], now_us: int) -> None:
    refused = {one.message.id for one in known if one.receipt.suppress}
    if refused:
        for address_hash in store.addresses_of(connection, sorted(refused)):
            stop_address(connection, address_hash, "*", Reason.OPTED_OUT, "provider", now_us)
