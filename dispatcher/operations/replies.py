"""Replies: a refusal acts at once, a campaign's keyword is an answer, everything else waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from dispatcher.core.clock import DAY_US
from dispatcher.core.errors import DispatcherError
from dispatcher.core.phone import parse_phone
from dispatcher.operations.context import Context
from dispatcher.receipts.keywords import campaign_answer, universal_word
from dispatcher.spi import Inbound
from dispatcher.store.plans import plan_by_id
from dispatcher.store.replies import holders, known_replies, latest_message, put_answer, store_reply
from dispatcher.store.stops import stop_address

_ANSWERS_WITHIN_US = 30 * DAY_US


def take_replies(
    context: Context, connection: Connection, replies: Sequence[tuple[int, int, Inbound]], now_us: int
) -> None:
    """(sender, id to store under, reply). A reply that is known changes nothing."""
    seen: set[tuple[int, str]] = set()
    for sender_id, identifier, reply in replies:
        key = (sender_id, reply.provider_id)
        if key in seen or known_replies(connection, sender_id, [reply.provider_id]):
            continue
        seen.add(key)
        _take(context, connection, sender_id, identifier, reply, now_us)


def _take(
    context: Context, connection: Connection, sender_id: int, identifier: int, reply: Inbound, now_us: int
) -> None:
    address = _e164(reply.sender)
    address_hash = context.keys.hash_address(address)
    meaning: str = reply.opt_out or universal_word(reply.text or reply.button) or ""
    contact_id: int | None = None
    handled = False
    if meaning == "stop":
        stop_address(connection, address_hash, "*", "stop", "reply", now_us)
        handled = True
    elif not meaning:
        contact_id, meaning = _answer(connection, address_hash, reply, now_us)
        handled = bool(meaning)
    seal = context.keys.sealer.seal
    store_reply(
        connection,
        {
            "id": identifier,
            "sender_id": sender_id,
            "provider_id": reply.provider_id or str(identifier),
            "address_hash": address_hash,
            "address_sealed": seal("inbound.address", identifier, address),
            "text_sealed": seal("inbound.text", identifier, reply.text or reply.button),
            "contact_id": contact_id,
            "meaning": meaning,
            "needs_person": not handled,
            "handled_us": now_us if handled else None,
            "received_us": now_us,
        },
    )


def _e164(number: str) -> str:
    try:
        return parse_phone(number).e164
    except DispatcherError:
        return number


def _answer(connection: Connection, address_hash: bytes, reply: Inbound, now_us: int) -> tuple[int | None, str]:
    """Whose answer it is, and what it means; a shared number answers for nobody."""
    message = latest_message(connection, address_hash, now_us - _ANSWERS_WITHIN_US)
    people = holders(connection, address_hash)
    if message is None or people != [message.contact_id]:
        return (people[0] if len(people) == 1 else None), ""
    meaning = campaign_answer(reply.text or reply.button, _keywords(connection, message.plan_id))
    if meaning is None:
        return message.contact_id, ""
    put_answer(
        connection,
        {
            "campaign_id": message.campaign_id,
            "contact_id": message.contact_id,
            "meaning": meaning,
            "step_id": message.step_id,
            "message_id": message.id,
            "cell_id": message.cell_id,
            "via": "reply",
            "text_version": str(message.plan_id),
            "at_us": now_us,
        },
    )
    return message.contact_id, meaning


def _keywords(connection: Connection, plan_id: int) -> dict[str, list[str]]:
    known = _plan_keywords.get(plan_id)
    if known is None:
        written: list[dict[str, Any]] = plan_by_id(connection, plan_id).document["campaign"].get("answers", [])
        known = _plan_keywords[plan_id] = {answer["meaning"]: list(answer["keywords"]) for answer in written}
    return known


_plan_keywords: dict[int, dict[str, list[str]]] = {}
