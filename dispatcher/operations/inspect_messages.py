"""Single messages: show one, settle what nobody knows (invariant 4). Numbers and texts only on request."""

from __future__ import annotations

from typing import Any, get_args

from sqlalchemy import Connection

from dispatcher.core.clock import iso
from dispatcher.core.errors import UsageError
from dispatcher.core.phone import mask
from dispatcher.core.status import Status
from dispatcher.delivery import machine, wirelog
from dispatcher.delivery.machine import Decision
from dispatcher.delivery.waiting import say, why_paused, why_queued
from dispatcher.operations.context import Context
from dispatcher.operations.inspect_calls import shown_call
from dispatcher.operations.message_list import head
from dispatcher.render.content import decode
from dispatcher.store import exchanges, inspection
from dispatcher.store.campaigns import require_campaign
from dispatcher.store.generation import is_worked_on
from dispatcher.store.installation import record_act
from dispatcher.store.outbox import Batch
from dispatcher.store.senders import find_sender

AT_ONCE = 500
DECISIONS: tuple[str, ...] = get_args(Decision)


def show_message(
    context: Context, message_id: int, by: str, *, show_number: bool = False, show_text: bool = False
) -> dict[str, Any]:
    """Everything known of one message. Who looked at a number or a text is kept on record.

    What was said to and by the provider is shown as it is kept: redacted, whatever is asked for.
    """
    with context.database.begin() as connection:
        row = inspection.find_message(connection, message_id)
        if row is None:
            raise UsageError("unknown-message", f"there is no message {message_id}", "See: dispatcher message list")
        earlier = inspection.earlier_attempts(connection, message_id)
        receipts = inspection.receipts_of(connection, message_id)
        wires = exchanges.of_message(connection, context.keys.sealer, message_id)
        why = _why(connection, row, context.now_us())
        if show_number or show_text:
            looked_at = {"number": show_number, "text": show_text}
            record_act(connection, context.now_us(), by, "message show", str(message_id), looked_at)
    zone = row.zone
    return {
        **head(row),
        "to": _number(context, row, shown=show_number),
        **({"text": _text(context, row)} if show_text else {}),
        "segments": row.segments,
        "expires": iso(row.expires_us, zone),
        "next_hop": iso(row.hop_due_us, zone),
        "provider_id": row.provider_id,
        "why": why,
        "attempts": [
            {**_attempt(one, zone), "exchanges": _exchanges(wires.get(one.attempt, ""), zone)}
            for one in [*earlier, *([row] if row.begun_us else [])]
        ],
        "receipts": [{**_receipt(one, zone), "call": shown_call(context, row, one)} for one in receipts],
    }


def _number(context: Context, row: Any, *, shown: bool) -> str:
    if row.address_sealed is None:
        return "(erased)"
    number = context.keys.sealer.open("messages.address", row.id, row.address_sealed)
    return number if shown else mask(number)


def _text(context: Context, row: Any) -> str:
    if row.body_sealed is None:
        return "(erased)"
    content = decode(context.keys.sealer.open("messages.body", row.id, row.body_sealed))
    if content.template is None:
        return content.text or ""
    parameters = ", ".join(f"{name}={value}" for name, value in content.template.parameters.items())
    return f"template {content.template.id} ({content.template.language}): {parameters}"


def _why(connection: Connection, row: Any, now_us: int) -> str:
    """Why it waits, or what to do about it; "" where neither applies."""
    if row.status == Status.UNKNOWN:
        rule = machine.LOST if row.not_before_rule == machine.LOST else "unknown"
        return say(rule, campaign=row.campaign).explanation
    if row.status != Status.QUEUED:
        return ""
    if row.campaign_state == "paused":
        return why_paused(row.campaign, row.campaign_reason).explanation
    sender = find_sender(connection, row.sender) if row.sender else None
    why = why_queued(row.not_before_rule, row.not_before_us, sender, row.sender or "", now_us)
    if why.rule == "turn" and not is_worked_on(connection, now_us):
        return say("nobody-runs").explanation
    return why.explanation


def _attempt(one: Any, zone: str) -> dict[str, Any]:
    return {
        "attempt": one.attempt,
        "sender": one.sender,
        "status": one.status,
        "reason": one.reason,
        "code": one.provider_code,
        "provider_id": one.provider_id,
        "begun": iso(one.begun_us, zone),
        "ended": iso(one.ended_us, zone),
    }


def _exchanges(wire: str, zone: str) -> list[dict[str, Any]]:
    records = wirelog.read(wire) if wire else []
    return [{"at": iso(one.pop("at_us"), zone), **one} for one in records]


def _receipt(one: Any, zone: str) -> dict[str, Any]:
    return {
        "received": iso(one.received_us, zone),
        "occurred": iso(one.occurred_us, zone),
        "attempt": one.attempt,
        "part": one.part,
        "status": one.status,
        "reason": one.reason,
        "code": one.code,
        "state": one.state,
    }


def settle_message(context: Context, message_id: int, decision: Decision, by: str) -> dict[str, Any]:
    """UsageError where it is not unknown (any more): evidence may have been faster."""

    def work(connection: Connection) -> int:
        batch = Batch.lock(connection, [message_id])
        if message_id not in batch.rows:
            raise UsageError("unknown-message", f"there is no message {message_id}", "See: dispatcher message list")
        status = batch.rows[message_id].status
        if status is not Status.UNKNOWN:
            raise UsageError("not-unknown", f"message {message_id} is {status}: there is nothing to settle")
        settled = _settle(context, batch, decision)
        record_act(connection, context.now_us(), by, "settle", str(message_id), {"as": decision})
        return settled

    return {"settled": context.database.run(work), "as": decision}


def settle_campaign(context: Context, slug: str, decision: Decision, by: str) -> dict[str, Any]:
    """All of a campaign that is unknown, some hundred a commit; stopped in the middle, run it again."""
    with context.database.read() as connection:
        campaign_id = require_campaign(connection, slug).id
    settled, after_id = 0, 0
    while True:

        def work(connection: Connection, after_id: int = after_id) -> tuple[int, int]:
            ids = inspection.unknown_after(connection, campaign_id, after_id, AT_ONCE)
            done = _settle(context, Batch.lock(connection, ids), decision)
            if done:
                record_act(connection, context.now_us(), by, "settle", slug, {"as": decision, "messages": done})
            return done, ids[-1] if ids else 0

        done, after_id = context.database.run(work)
        settled += done
        if not after_id:
            return {"settled": settled, "as": decision}


def _settle(context: Context, batch: Batch, decision: Decision) -> int:
    now_us = context.now_us()
    settled = sum(machine.settle(row, decision, now_us) for row in list(batch.rows.values()))
    batch.save()
    return settled
