"""Events into the state of their messages, in any order and any number of times (invariant 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dispatcher.core.status import GOOD, Reason, Status
from dispatcher.core.status import climb as higher
from dispatcher.delivery import machine
from dispatcher.spi import Receipt
from dispatcher.store import receipts as store
from dispatcher.store.attempts import climb_attempts
from dispatcher.store.climbs import Climb, climb
from dispatcher.store.outbox import Batch
from dispatcher.store.receipts import Attempt, Parts
from dispatcher.store.stops import stop_address

_PLAIN = frozenset({Status.ACCEPTED, Status.SENT, *GOOD})


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
    climbed = climb(connection, plain_climbs(events), now_us)
    rest = []
    for event in events:
        if event.attempt and event.attempt.message_id in climbed:
            event.row["state"] = "folded"
        elif event.attempt:
            rest.append(event)
    fold_generally(connection, rest, now_us)


def plain_climbs(events: Sequence[Event]) -> list[Climb]:
    """Of each message that only good things are said of, the best; none where the words are of several attempts."""
    climbs: dict[int, Climb] = {}
    others: set[int] = set()
    for row, receipt, attempt in events:
        if attempt is None:
            continue
        identifier, number = attempt
        if receipt.status not in _PLAIN or receipt.code or receipt.suppress:
            others.add(identifier)
            continue
        said = Climb(identifier, number, row["sender_id"], receipt.status, receipt.provider_id)
        known = climbs.setdefault(identifier, said)
        if known is said:
            continue
        if (known.attempt, known.sender_id) != (said.attempt, said.sender_id):
            others.add(identifier)
        reached = higher(known.status, said.status)
        climbs[identifier] = known._replace(status=reached, provider_id=known.provider_id or said.provider_id)
    return [one for one in climbs.values() if one.message_id not in others]


def fold_generally(connection: Connection, events: Sequence[Event], now_us: int) -> None:
    """The way for any event; the same rows as by the short way, where that is open."""
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
    _cancel_later_hops(batch, now_us)
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


def _cancel_later_hops(batch: Batch, now_us: int) -> None:
    """A late receipt of the first hop makes a waiting second one superfluous, claimed or not (DESIGN 4)."""
    reached = [row for row in batch.rows.values() if row.status in GOOD]
    for row in batch.later_siblings(reached):
        if row.status is Status.QUEUED:
            machine.cancel(row, "reached", now_us)


def _take_refusals(connection: Connection, known: Sequence[_Known], now_us: int) -> None:
    refused = {one.message.id for one in known if one.receipt.suppress}
    if refused:
        for address_hash in store.addresses_of(connection, sorted(refused)):
            stop_address(connection, address_hash, "*", Reason.OPTED_OUT, "provider", now_us)
