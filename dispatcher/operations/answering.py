"""Which automatic answer is due to a reply, and its words, when it is taken in; or why there is none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection

from dispatcher.core.errors import DispatcherError
from dispatcher.core.media import Media
from dispatcher.operations.context import Context
from dispatcher.operations.reply_wording import Asked, ReplyWording
from dispatcher.receipts.autoreply import WINDOW_US, Heard, Kind, Way, decide
from dispatcher.receipts.reply_life import USEFUL_US
from dispatcher.spi import Inbound
from dispatcher.spi.http import HttpResponse, NotSentError
from dispatcher.store import replies as store


class Said(Protocol):
    """A reply as it came."""

    @property
    def id(self) -> int: ...
    @property
    def sender_id(self) -> int: ...
    @property
    def said(self) -> Inbound: ...
    @property
    def signed(self) -> bool: ...


class Meant(NamedTuple):
    """What was understood. `word`: stop, start, help or ""; `asked`: for its words; `has_refused`: before this."""

    address: str
    address_hash: bytes
    text: str
    word: str
    is_answer: bool
    has_refused: bool
    asked: Asked


class _Sender(NamedTuple):
    way: Way | None
    media: Media = "sms"


class Answering:
    """One per process: what each sender can carry is looked up once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._senders: dict[int, _Sender] = {}
        self._http = _Unasked()
        self._wording = ReplyWording(context)

    def decide(self, connection: Connection, reply: Said, meant: Meant, now_us: int) -> dict[str, Any]:
        """The columns of the reply's row that say it."""
        settings, kind = self._context.settings.inbound, _kind(meant)
        spacing_us = settings.reply_spacing // timedelta(microseconds=1)
        last_us, lately = store.automatic_answers(connection, meant.address_hash, now_us - spacing_us)
        wrote_us = min(reply.said.occurred_us or now_us, now_us)
        heard = Heard(
            kind,
            meant.address,
            meant.text,
            age_us=now_us - wrote_us,
            refused=meant.has_refused,
            since_last_us=None if last_us is None else now_us - last_us,
            lately=lately,
            unsigned=not reply.signed,
            by_provider=bool(reply.said.opt_out),
        )
        sender = self._sender(connection, reply.sender_id)
        decided = decide(heard, sender.way, settings.replies, spacing_us)
        if not decided.reply:
            return {"reply": "", "no_reply": decided.why_not}
        text = self._wording.write(connection, kind, meant.asked, sender.media)
        if not text:
            return {"reply": "", "no_reply": "no-text"}
        until_us = now_us + USEFUL_US
        if sender.way is not None and not sender.way.free_text:
            until_us = min(until_us, wrote_us + WINDOW_US)
        return {
            "reply": kind,
            "no_reply": "",
            "reply_state": "due",
            "reply_sealed": self._context.keys.sealer.seal("inbound.reply", reply.id, text),
            "reply_next_us": now_us,
            "reply_until_us": until_us,
        }

    def _sender(self, connection: Connection, sender_id: int) -> _Sender:
        if sender_id not in self._senders:
            self._senders[sender_id] = self._look(store.sender_name(connection, sender_id))
        return self._senders[sender_id]

    def _look(self, name: str) -> _Sender:
        try:
            able = self._context.open_sender(name, self._http, resolve=False).capabilities
        except DispatcherError:
            return _Sender(None)
        way = Way(able.free_text, windowed=able.media == "whatsapp") if able.inbound else None
        return _Sender(way, able.media)


class _Unasked:
    """An `HttpClient` for a channel that is looked at and never sends: a real one starts a thread."""

    async def request(self, method: str, url: str, **_: Any) -> HttpResponse:
        raise NotSentError("this channel is only looked at")


def _kind(meant: Meant) -> Kind:
    match meant.word:
        case "stop" | "start" | "help" as word:
            return word
        case _:
            return "answer" if meant.is_answer else "not-understood"
