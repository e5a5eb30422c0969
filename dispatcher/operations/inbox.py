"""The inbox: answers that need a person, until someone says that they are done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, NamedTuple

from dispatcher.core.clock import iso
from dispatcher.core.errors import UsageError
from dispatcher.core.phone import mask
from dispatcher.operations.context import Context
from dispatcher.store import inbox
from dispatcher.store.campaigns import require_campaign
from dispatcher.store.inspection import receipts_of
from dispatcher.store.installation import record_act


class Only(NamedTuple):
    """Which replies. `older`, `newer`: than this; `stops`: those of gateways that sign nothing, acted on or held."""

    campaign: str = ""
    older: timedelta | None = None
    newer: timedelta | None = None
    stops: bool = False


EVERYTHING: Final = Only()
_COLUMN: Final = {"answer": "reply"}
"""Under which name what is shown was sealed, where that differs."""


def list_inbox(
    context: Context,
    by: str,
    limit: int = 50,
    *,
    only: Only = EVERYTHING,
    handled: bool = False,
    show_number: bool = False,
    show_text: bool = False,
) -> list[dict[str, Any]]:
    """Newest first. Who looked at numbers or texts is kept on record. UsageError where there is no such campaign."""
    with context.database.begin() as connection:
        if only.campaign:
            require_campaign(connection, only.campaign)
        rows = inbox.list_replies(connection, limit, _wanted(only, context.now_us(), handled=handled))
        if rows and (show_number or show_text):
            looked_at = {"replies": len(rows), "number": show_number, "text": show_text}
            record_act(connection, context.now_us(), by, "inbox list", "", looked_at)
    return [_line(context, row, show_number=show_number, show_text=show_text) for row in rows]


def show_reply(
    context: Context, reply_id: int, by: str, *, show_number: bool = False, show_text: bool = False
) -> dict[str, Any]:
    """One reply, whether it needed a person or not, and what receipts said of its automatic answer."""
    with context.database.begin() as connection:
        row = inbox.read_reply(connection, reply_id)
        if row is None:
            raise UsageError("unknown-reply", f"there is no reply {reply_id}", "See: dispatcher inbox list --all")
        told = receipts_of(connection, reply_id)
        if show_number or show_text:
            looked_at = {"number": show_number, "text": show_text}
            record_act(connection, context.now_us(), by, "inbox show", str(reply_id), looked_at)
    return {
        **_line(context, row, show_number=show_number, show_text=show_text),
        "reply_until": iso(row.reply_until_us),
        "reply_attempt": row.reply_attempt,
        "reply_code": row.reply_code,
        "receipts": [{"received": iso(one.received_us), "status": one.status, "code": one.code} for one in told],
    }


def _wanted(only: Only, now_us: int, *, handled: bool) -> inbox.Wanted:
    def ago(age: timedelta | None) -> int | None:
        return None if age is None else now_us - age // timedelta(microseconds=1)

    return inbox.Wanted(handled, only.campaign, ago(only.newer), ago(only.older), only.stops)


def _line(context: Context, row: Any, *, show_number: bool, show_text: bool) -> dict[str, Any]:
    number = _open(context, "address", row.id, row.address_sealed)
    shown = {"text": row.text_sealed, "note": row.note_sealed, "answer": row.reply_sealed} if show_text else {}
    return {
        "id": row.id,
        "received": iso(row.received_us),
        "sender": row.sender,
        "campaign": row.campaign,
        "from": number if show_number else mask(number),
        "contact": row.contact_id,
        "meaning": row.meaning,
        "handled": iso(row.handled_us),
        "handled_by": row.handled_by,
        "reply": row.reply,
        "no_reply": row.no_reply,
        "reply_state": row.reply_state,
        "reply_begun": iso(row.reply_begun_us),
        **{name: _open(context, _COLUMN.get(name, name), row.id, sealed) for name, sealed in shown.items()},
    }


def _open(context: Context, name: str, reply_id: int, sealed: bytes | None) -> str:
    """Empty where it was erased."""
    return "" if sealed is None else context.keys.sealer.open(f"inbound.{name}", reply_id, sealed)


def mark_done(context: Context, reply_id: int, by: str, note: str = "") -> dict[str, Any]:
    """Done twice is done once: the first instant, person and note stay. `note`: kept sealed, erased with the reply.

    UsageError where the inbox has no such reply.
    """
    with context.database.begin() as connection:
        reply = inbox.find_reply(connection, reply_id)
        if reply is None:
            raise UsageError(
                "unknown-reply", f"there is no reply {reply_id} in the inbox", "See: dispatcher inbox list --all"
            )
        handled_us = reply.handled_us
        if handled_us is None:
            handled_us = context.now_us()
            sealed = context.keys.sealer.seal("inbound.note", reply_id, note) if note else None
            inbox.mark_handled(connection, reply_id, handled_us, by, sealed)
            record_act(connection, handled_us, by, "inbox done", str(reply_id))
    return {"id": reply_id, "handled": iso(handled_us)}
