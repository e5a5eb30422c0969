"""Replies: a refusal acts at once, a campaign's keyword is an answer, everything else waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dispatcher.core.clock import DAY_US
from dispatcher.core.errors import DispatcherError
from dispatcher.core.phone import parse_phone
from dispatcher.operations.context import Context
from dispatcher.receipts.keywords import campaign_answer, universal_word
from dispatcher.spi import Inbound
from dispatcher.store import replies as store
from dispatcher.store.contacts import find_by_address
from dispatcher.store.plans import plan_by_id
from dispatcher.store.stops import stop_address

_ANSWERS_WITHIN_US = 30 * DAY_US


class Reply(NamedTuple):
    """`id`: what to store it under."""

    sender_id: int
    id: int
    said: Inbound

    @property
    def name(self) -> tuple[int, str]:
        return self.sender_id, self.said.provider_id or str(self.id)

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.said.text, self.said.button)))


class Replies:
    """One per process: the keywords of plans are read once."""

    def __init__(self, context: Context) -> None:
        self._keys = context.keys
        self._keywords: dict[int, dict[str, list[str]]] = {}

    def take(self, connection: Connection, replies: Sequence[Reply], now_us: int) -> None:
        """A reply that is known changes nothing."""
        known = store.known_replies(connection, (reply.name for reply in replies))
        for reply in replies:
            if reply.name not in known:
                known.add(reply.name)
                self._take(connection, reply, now_us)

    def _take(self, connection: Connection, reply: Reply, now_us: int) -> None:
        address = _e164(reply.said.sender)
        address_hash = self._keys.hash_address(address)
        people = find_by_address(connection, address_hash)
        contact_id = people[0] if len(people) == 1 else None
        since_us = now_us - _ANSWERS_WITHIN_US
        reached = store.recent_messages(connection, address_hash, reply.sender_id, since_us)
        keywords = [self._keywords_of(connection, message.plan_id) for message in reached]
        word = reply.said.opt_out or next(filter(None, (universal_word(text, keywords) for text in reply.texts)), "")
        if word == "stop":
            stop_address(connection, address_hash, "*", "stop", "reply", now_us)
        answer = ""
        if not word and contact_id is not None:
            mine = [(one, words) for one, words in zip(reached, keywords, strict=True) if one.contact_id == contact_id]
            answer = _answer(connection, mine, reply.texts, now_us)
        # a person decides on START: what was refused stays refused (invariant 14)
        is_handled = word == "stop" or bool(answer)
        seal = self._keys.sealer.seal
        values = {
            "id": reply.id,
            "sender_id": reply.sender_id,
            "provider_id": reply.name[1],
            "address_hash": address_hash,
            "address_sealed": seal("inbound.address", reply.id, address),
            "text_sealed": seal("inbound.text", reply.id, next(iter(reply.texts), "")),
            "contact_id": contact_id,
            "meaning": word or answer,
            "needs_person": not is_handled,
            "handled_us": now_us if is_handled else None,
            "received_us": now_us,
        }
        store.store_reply(connection, values)

    def _keywords_of(self, connection: Connection, plan_id: int) -> dict[str, list[str]]:
        """Meaning → keywords."""
        if plan_id not in self._keywords:
            written: list[dict[str, Any]] = plan_by_id(connection, plan_id).document["campaign"].get("answers", [])
            self._keywords[plan_id] = {answer["meaning"]: list(answer["keywords"]) for answer in written}
        return self._keywords[plan_id]


def _answer(
    connection: Connection, reached: Sequence[tuple[Any, dict[str, list[str]]]], texts: Sequence[str], now_us: int
) -> str:
    """The latest campaign that has such a keyword is meant; "" where none has. `reached`: messages, their keywords."""
    for message, keywords in reached:
        meaning = next(filter(None, (campaign_answer(text, keywords) for text in texts)), "")
        if meaning:
            store.put_answer(connection, _answer_row(message, meaning, now_us))
            return meaning
    return ""


def _answer_row(message: Any, meaning: str, now_us: int) -> dict[str, Any]:
    return {
        "campaign_id": message.campaign_id,
        "contact_id": message.contact_id,
        "meaning": meaning,
        "step_id": message.step_id,
        "message_id": message.id,
        "cell_id": message.cell_id,
        "via": "reply",
        "text_version": str(message.plan_id),
        "at_us": now_us,
    }


def _e164(number: str) -> str:
    """As written where it is no number: a person will look at it."""
    try:
        return parse_phone(number).e164
    except DispatcherError:
        return number
