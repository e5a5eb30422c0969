"""Record what became of attempts: rows, counters and consequences in one commit, late outcomes included."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import Connection, select

from dispatcher.core.outcome import Accepted, Outcome
from dispatcher.core.status import Status
from dispatcher.delivery import machine
from dispatcher.operations.context import Context
from dispatcher.store import exchanges
from dispatcher.store.accepted import Acceptance, accept
from dispatcher.store.attempts import climb_attempts
from dispatcher.store.bulk import any_of, insert_ignore
from dispatcher.store.exchanges import Wire
from dispatcher.store.installation import record_act
from dispatcher.store.outbox import Batch, lock_rows
from dispatcher.store.permits import pause_sender, slow_down
from dispatcher.store.stops import stop_address
from dispatcher.store.tables import messages, provider_refs


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Begun, or perhaps begun, by the claim of this token; nothing left."""

    token: int


class Ended(NamedTuple):
    """An attempt and its end. `keep_ids`: receipts will name the provider's id instead of our reference."""

    message_id: int
    attempt: int
    outcome: Outcome | Withdrawn
    keep_ids: bool = False
    wire: str = ""
    """What was said, redacted (delivery/wirelog.py); "" where nothing is kept of it."""


def record_ends(context: Context, connection: Connection, ended: Sequence[Ended]) -> None:
    """Safe to repeat: an end that is known changes nothing."""
    now_us = context.now_us()
    plain = [_acceptance(one) for one in ended if _is_plain(one)]
    if 0 < len(plain) < len(ended):
        # in two statements: so that all rows are locked in one order, as by whoever folds their receipts; those with
        # another hop are known only after the first, and a deadlock over them is broken and tried again
        lock_rows(connection, [one.message_id for one in ended])
    senders = accept(connection, plain, now_us)
    if len(senders) < len(ended):
        latest = {one.message_id: one.attempt for one in sorted(ended, key=itemgetter(0, 1))}
        # an earlier attempt of the same message may have ended late, beside it
        rest = [one for one in ended if one.message_id not in senders or one.attempt < latest[one.message_id]]
        senders |= _record_rest(context, connection, rest, now_us)
    _keep_provider_ids(connection, senders, ended, now_us)
    wires = [Wire(one.message_id, one.attempt, one.wire) for one in ended if one.wire and one.message_id in senders]
    if wires:
        exchanges.keep(connection, context.keys.sealer, wires, now_us)


def _is_plain(one: Ended) -> bool:
    return isinstance(one.outcome, Accepted) and not one.outcome.final


def _acceptance(one: Ended) -> Acceptance:
    assert isinstance(one.outcome, Accepted)
    ids = one.outcome.provider_ids
    return Acceptance(one.message_id, one.attempt, ids[0] if ids else "", max(one.outcome.parts, len(ids)))


def _record_rest(context: Context, connection: Connection, ended: Sequence[Ended], now_us: int) -> dict[int, int]:
    """The general way; message → sender of the rows there are."""
    batch = Batch.lock(connection, (one.message_id for one in ended))
    senders = {i: row.sender_id for i, row in batch.rows.items()}
    effects: list[tuple[machine.Message, machine.Effect]] = []
    earlier: list[tuple[int, int, Status]] = []
    for one in ended:
        row = batch.rows.get(one.message_id)
        if row is None:
            continue
        if isinstance(one.outcome, Withdrawn):
            if one.attempt == row.attempt:
                machine.withdraw(row, one.outcome.token, now_us)
            continue
        effect = machine.record(row, one.attempt, one.outcome, now_us, random.random())
        if effect is not machine.NOTHING:
            effects.append((row, effect))
        if one.attempt < row.attempt and isinstance(one.outcome, Accepted):
            machine.apply_receipt(row, one.attempt, Status.ACCEPTED, "", "", now_us)
            earlier.append((one.message_id, one.attempt, Status.ACCEPTED))
    climb_attempts(connection, earlier)
    batch.save()
    for row, effect in effects:
        _carry_out(context, connection, row, effect, now_us)
    return senders


def _keep_provider_ids(connection: Connection, senders: Mapping[int, int], ended: Sequence[Ended], now_us: int) -> None:
    """By which receipts without our reference are matched (invariant 6)."""
    refs = [
        {
            "sender_id": senders[one.message_id],
            "provider_id": provider_id,
            "message_id": one.message_id,
            "attempt": one.attempt,
            "part": part,
            "at_us": now_us,
        }
        for one in ended
        if isinstance(one.outcome, Accepted) and (one.keep_ids or len(one.outcome.provider_ids) > 1)
        for part, provider_id in enumerate(one.outcome.provider_ids)
        if one.message_id in senders
    ]
    insert_ignore(connection, provider_refs, refs)


def _carry_out(
    context: Context, connection: Connection, row: machine.Message, effect: machine.Effect, now_us: int
) -> None:
    if effect.slow_sender_us:
        slow_down(connection, row.sender_id, now_us + effect.slow_sender_us)
    if effect.pause_sender and pause_sender(connection, row.sender_id, effect.pause_sender, now_us):
        record_act(
            connection, now_us, "dispatcher", "pause-sender", str(row.sender_id), {"reason": effect.pause_sender}
        )
    if effect.suppress:
        for address_hash in _addresses(connection, [row.id]):
            stop_address(connection, address_hash, "*", "opted_out", "provider", now_us)


def _addresses(connection: Connection, ids: Sequence[int]) -> list[bytes]:
    statement = select(messages.c.address_hash).where(any_of(connection, messages.c.id, ids))
    return [bytes(value) for value in connection.execute(statement).scalars()]
