"""Which automatic answer is due to a reply, decided when it is taken in; kept with it, or why there is none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection

from dispatcher.core.errors import DispatcherError
from dispatcher.operations.context import Context
from dispatcher.receipts.autoreply import Decision, Heard, Kind, Way, decide
from dispatcher.spi import Inbound
from dispatcher.spi.http import HttpResponse, NotSentError
from dispatcher.store import replies as store


class Said(Protocol):
    """A reply as it came."""

    @property
    def sender_id(self) -> int: ...
    @property
    def said(self) -> Inbound: ...
    @property
    def signed(self) -> bool: ...


class Meant(NamedTuple):
    """What was understood. `word`: stop, start, help or ""; `has_refused`: before this reply."""

    address: str
    address_hash: bytes
    text: str
    word: str
    is_answer: bool
    has_refused: bool


class Answering:
    """One per process: what each sender can carry is looked up once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ways: dict[int, Way | None] = {}
        self._http = _Unasked()

    def decide(self, connection: Connection, reply: Said, meant: Meant, now_us: int) -> Decision:
        settings = self._context.settings.inbound
        last_us = store.last_automatic_us(connection, meant.address_hash)
        heard = Heard(
            _kind(meant),
            meant.address,
            meant.text,
            age_us=now_us - (reply.said.occurred_us or now_us),
            refused=meant.has_refused,
            since_last_us=None if last_us is None else now_us - last_us,
            unsigned=not reply.signed,
        )
        spacing_us = settings.reply_spacing // timedelta(microseconds=1)
        return decide(heard, self._way(connection, reply.sender_id), settings.replies, spacing_us)

    def _way(self, connection: Connection, sender_id: int) -> Way | None:
        if sender_id not in self._ways:
            self._ways[sender_id] = self._look(store.sender_name(connection, sender_id))
        return self._ways[sender_id]

    def _look(self, name: str) -> Way | None:
        try:
            able = self._context.open_sender(name, self._http, resolve=False).capabilities
        except DispatcherError:
            return None
        return Way(able.free_text, windowed=able.media == "whatsapp") if able.inbound else None


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
