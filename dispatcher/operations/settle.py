"""Settle what is unknown by evidence, as invariant 4 says: the provider's own list, or the campaign's `on_unknown`.

Never because time passed: the settle time only says when a provider's list is complete enough to be asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import Connection

from dispatcher.core.clock import MINUTE_US, SECOND_US
from dispatcher.core.errors import UsageError
from dispatcher.core.status import Reason, Status
from dispatcher.delivery import machine
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.receipts.fold import make_ref
from dispatcher.render.content import decode
from dispatcher.spi import Absent, Channel, Found, LookupQuery, LookupResult, Undecided
from dispatcher.spi.capabilities import Capabilities
from dispatcher.store.lost import LONGEST_SETTLE_US
from dispatcher.store.outbox import Batch
from dispatcher.store.permits import known_senders
from dispatcher.store.unknowns import ask_again_at, due_for_look_up, unknown_of_steps

_AT_ONCE = 50
_PAGE = 500
_POLITE_S = 0.1
_ASK_AGAIN_US = 5 * MINUTE_US


def capabilities_of_senders(context: Context, connection: Connection) -> dict[int, Capabilities]:
    """Of those whose channels load; one that does not holds up nobody else."""
    ids = {row.name: row.id for row in known_senders(connection)}
    found: dict[int, Capabilities] = {}
    for name, sender in context.settings.senders.items():
        if name in ids:
            with suppress(UsageError):
                found[ids[name]] = context.channels.get(sender.channel).capabilities
    return found


def settle_us(able: Capabilities) -> int:
    return int(able.settle_time_s * SECOND_US)


def settle_times(context: Context, connection: Connection) -> dict[int, int]:
    """Sender → how long its provider's record takes to be complete."""
    return {sender_id: settle_us(able) for sender_id, able in capabilities_of_senders(context, connection).items()}


async def look_up_unknown(
    context: Context, sender_id: int, channel: Channel[Any], transaction: Callable[[Callable[[Connection], Any]], Any]
) -> int:
    """Ask the provider about the unknown attempts of one sender; returns how many were settled."""
    able = channel.capabilities
    if not able.lookup:
        return 0
    now_us = context.now_us()
    begun_before_us = now_us - settle_us(able)
    rows = await transaction(lambda c: due_for_look_up(c, sender_id, begun_before_us, now_us, _AT_ONCE))
    settled = 0
    for row in rows:
        result = await _ask(context, channel, row)
        settled += await transaction(partial(_settle, context, row, result, able.absence_is_proof))
        await asyncio.sleep(_POLITE_S)
    return settled


async def _ask(context: Context, channel: Channel[Any], row: Any) -> LookupResult:
    sealer = context.keys.sealer
    query = LookupQuery(
        ref=make_ref(row.id, row.attempt),
        to=sealer.open("messages.address", row.id, row.address_sealed),
        begun_us=row.begun_us,
        text=decode(sealer.open("messages.body", row.id, row.body_sealed)).text,
        provider_id=row.provider_id,
        until_us=context.now_us() if row.not_before_rule == machine.LOST else None,
    )
    try:
        return await channel.lookup(query)
    except Exception as error:
        return Undecided(type(error).__name__)


def _settle(context: Context, row: Any, result: LookupResult, absence_is_proof: bool, connection: Connection) -> int:
    now_us = context.now_us()
    batch = Batch.lock(connection, [row.id])
    message = batch.rows[row.id]
    if message.status is not Status.UNKNOWN or message.attempt != row.attempt:
        return 0
    if isinstance(result, Found):
        message.provider_id = result.provider_id
        reason = result.reason or (Reason.OTHER if result.status is Status.FAILED else "")
        machine.apply_receipt(message, row.attempt, result.status, reason, result.code, now_us)
    elif isinstance(result, Absent) and absence_is_proof:
        machine.settle(message, "resend", now_us)
        message.not_before_rule = "proven-not-sent"
    if batch.save():
        return 1
    ask_again_at(connection, [row.id], now_us + _ASK_AGAIN_US)
    return 0


def resend_unknown(expander: Expander, settled_after_us: dict[int, int]) -> int:
    """Steps that say `on_unknown: resend` accept that some may get it twice, once the settle time is over."""
    resent, after_id = 0, 0
    while True:
        found, last_id = expander.context.database.run(partial(_resend_page, expander, settled_after_us, after_id))
        resent += found
        if last_id is None:
            return resent
        after_id = last_id


def _resend_page(
    expander: Expander, settled_after_us: dict[int, int], after_id: int, connection: Connection
) -> tuple[int, int | None]:
    """How many go back to the queue, and where the next page begins: those that are held stay in everyone's way."""
    now_us = expander.context.now_us()
    begun_before_us = now_us - min(settled_after_us.values(), default=LONGEST_SETTLE_US)
    waiting = unknown_of_steps(connection, begun_before_us, after_id, _PAGE)
    batch = Batch.lock(connection, [row.id for row in waiting if _resends(expander, connection, row)])
    for message in batch.rows.values():
        wait_us = settled_after_us.get(message.sender_id, LONGEST_SETTLE_US)
        if (message.begun_us or 0) + wait_us <= now_us:
            machine.settle(message, "resend", now_us)
    return len(batch.save()), waiting[-1].id if len(waiting) == _PAGE else None


def _resends(expander: Expander, connection: Connection, row: Any) -> bool:
    campaign = expander.revision(connection, row.plan_id).campaign
    return (campaign.step(row.name).on_unknown or campaign.on_unknown) == "resend"
