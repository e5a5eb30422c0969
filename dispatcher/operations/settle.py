"""Settle what is unknown by evidence, as invariant 4 says: the provider's own list, or the campaign's `on_unknown`.

Never because time passed: the settle time only says when a provider's list is complete enough to be asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Connection

from dispatcher.core.clock import MINUTE_US, SECOND_US
from dispatcher.core.status import Reason, Status
from dispatcher.delivery import machine
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.receipts.fold import make_ref
from dispatcher.render.content import decode
from dispatcher.spi import Absent, Channel, Found, LookupQuery, LookupResult, Undecided
from dispatcher.store.outbox import Batch
from dispatcher.store.unknowns import ask_again_at, due_for_look_up, unknown_of_steps

_AT_ONCE = 50
_PAGE = 500
_POLITE_S = 0.1
_ASK_AGAIN_US = 5 * MINUTE_US
_LONGEST_SETTLE_US = 10 * MINUTE_US


async def look_up_unknown(
    context: Context, sender_id: int, channel: Channel[Any], transaction: Callable[[Callable[[Connection], Any]], Any]
) -> int:
    """Ask the provider about the unknown attempts of one sender; returns how many were settled."""
    able = channel.capabilities
    if not able.lookup:
        return 0
    now_us = context.now_us()
    begun_before_us = now_us - int(able.settle_time_s * SECOND_US)
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


def resend_unknown(expander: Expander, settle_us: dict[int, int]) -> int:
    """Steps that say `on_unknown: resend` accept that some may get it twice, once the settle time is over."""
    resent, after_id = 0, 0
    while True:
        found, last_id = expander.context.database.run(partial(_resend_page, expander, settle_us, after_id))
        resent += found
        if last_id is None:
            return resent
        after_id = last_id


def _resend_page(
    expander: Expander, settle_us: dict[int, int], after_id: int, connection: Connection
) -> tuple[int, int | None]:
    """How many go back to the queue, and where the next page begins: those that are held stay in everyone's way."""
    now_us = expander.context.now_us()
    begun_before_us = now_us - min(settle_us.values(), default=_LONGEST_SETTLE_US)
    waiting = unknown_of_steps(connection, begun_before_us, after_id, _PAGE)
    batch = Batch.lock(connection, [row.id for row in waiting if _resends(expander, connection, row)])
    for message in batch.rows.values():
        settled_after_us = settle_us.get(message.sender_id, _LONGEST_SETTLE_US)
        if (message.begun_us or 0) + settled_after_us <= now_us:
            machine.settle(message, "resend", now_us)
    return len(batch.save()), waiting[-1].id if len(waiting) == _PAGE else None


def _resends(expander: Expander, connection: Connection, row: Any) -> bool:
    campaign = expander.revision(connection, row.plan_id).campaign
    return (campaign.step(row.name).on_unknown or campaign.on_unknown) == "resend"
