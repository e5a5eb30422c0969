"""Replies: a refusal acts at once, a campaign's keyword is an answer, everything else waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dispatcher.core.clock import DAY_US, MINUTE_US
from dispatcher.core.errors import DispatcherError
from dispatcher.core.phone import parse_phone
from dispatcher.operations.answered_words import words_of
from dispatcher.operations.answering import Answering, Meant
from dispatcher.operations.context import Context
from dispatcher.operations.invitations import Answered, Keywords, keep_place, read_answer
from dispatcher.operations.reply_wording import Asked
from dispatcher.receipts.keywords import universal_word
from dispatcher.spi import Inbound
from dispatcher.store import replies as store
from dispatcher.store.contacts import find_by_address
from dispatcher.store.plans import plan_by_id
from dispatcher.store.stops import stop_address

_ANSWERS_WITHIN_US = 30 * DAY_US


class Reply(NamedTuple):
    """`id`: what to store it under. `signed`: as `Arrived.signed`."""

    sender_id: int
    id: int
    said: Inbound
    signed: bool = True

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
        self._limit = context.settings.inbound.unsigned_stops_per_minute
        self._answering = Answering(context)
        self._keywords: dict[int, Keywords] = {}

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
        reached = store.recent_messages(connection, address_hash, reply.sender_id, now_us - _ANSWERS_WITHIN_US)
        keywords = [self._keywords_of(connection, message.plan_id) for message in reached]
        answers = [one.answers for one in keywords]
        word = reply.said.opt_out or next(filter(None, (universal_word(text, answers) for text in reply.texts)), "")
        has_refused = store.has_refused(connection, address_hash)
        is_stop = word == "stop" and self._may_act(connection, reply, now_us)
        if is_stop:
            stop_address(connection, address_hash, "*", "stop", "reply", now_us)
        answered, asked = None, Asked(contact_id)
        if not word and contact_id is not None:
            mine = [(one, words) for one, words in zip(reached, keywords, strict=True) if one.contact_id == contact_id]
            answered = self._answer(connection, mine, reply.texts, now_us)
            asked = self._asked(contact_id, answered)
        # a person decides on START: what was refused stays refused (invariant 14)
        is_handled = is_stop or (answered is not None and not answered.choices)
        said = next(iter(reply.texts), "")
        meant = Meant(address, address_hash, said, word, answered is not None, has_refused, asked)
        due = self._answering.decide(connection, reply, meant, now_us)
        campaign = answered.message if answered else next(iter(reached), None)
        seal = self._keys.sealer.seal
        values = {
            "id": reply.id,
            "sender_id": reply.sender_id,
            "provider_id": reply.name[1],
            "address_hash": address_hash,
            "address_sealed": seal("inbound.address", reply.id, address),
            "text_sealed": seal("inbound.text", reply.id, said),
            "contact_id": contact_id,
            "campaign_id": campaign.campaign_id if campaign else None,
            "meaning": answered.meaning if answered else word,
            "needs_person": not is_handled,
            "handled_us": now_us if is_handled else None,
            "received_us": now_us,
            "unsigned": not reply.signed,
            **due,
        }
        store.store_reply(connection, values)

    def _may_act(self, connection: Connection, reply: Reply, now_us: int) -> bool:
        """A stop that anyone may have made up acts too, but only so many a minute: the rest wait for a person."""
        return reply.signed or store.unsigned_stops(connection, reply.sender_id, now_us - MINUTE_US) < self._limit

    def _asked(self, contact_id: int, answered: Answered | None) -> Asked:
        if answered is None:
            return Asked(contact_id)
        message, meaning = answered.message, answered.meaning
        known, is_waiting = self._keywords[message.plan_id], answered.rsvp == "waiting"
        about = Asked(contact_id, message.plan_id, meaning, step=message.name, occasion=message.occasion)
        if answered.choices:
            return about._replace(saying="which-session", codes=answered.choices)
        if is_waiting:
            return about._replace(saying="waiting", is_waiting=True, has_words=meaning in known.worded_waiting)
        return about._replace(has_words=meaning in known.worded)

    def _answer(
        self, connection: Connection, reached: Sequence[tuple[Any, Keywords]], texts: Sequence[str], now_us: int
    ) -> Answered | None:
        """Kept, with the place that it asks for. `reached`: the person's messages with the keywords of their plans."""
        found = read_answer(reached, texts)
        if found is None:
            return None
        answered = keep_place(connection, found, reached, now_us)
        message = answered.message
        values = {
            "campaign_id": message.campaign_id,
            "contact_id": message.contact_id,
            "meaning": answered.meaning,
            "step_id": message.step_id,
            "message_id": message.id,
            "cell_id": message.cell_id,
            "via": "reply",
            **words_of(connection, self._keys, message.id)._asdict(),
            "at_us": now_us,
        }
        store.put_answer(connection, values)
        return answered

    def _keywords_of(self, connection: Connection, plan_id: int) -> Keywords:
        if plan_id not in self._keywords:
            self._keywords[plan_id] = Keywords.of(plan_by_id(connection, plan_id).document["campaign"])
        return self._keywords[plan_id]


def _e164(number: str) -> str:
    """As written where it is no number: a person will look at it."""
    try:
        return parse_phone(number).e164
    except DispatcherError:
        return number
