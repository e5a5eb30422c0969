"""A running campaign with a few messages, a web server in front of it, and providers that call."""

from __future__ import annotations

import asyncio
import http.client
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from sqlalchemy import select, update

from dispatcher.core.status import Status
from dispatcher.operations.channels import Channels
from dispatcher.operations.context import Context
from dispatcher.operations.ingest import Arrived, Ingest
from dispatcher.receipts.fold import make_ref
from dispatcher.spi import (
    Accepted,
    Capabilities,
    Channel,
    ChannelConfig,
    HookAnswer,
    HookRequest,
    Inbound,
    OutboundMessage,
    Outcome,
    Receipt,
)
from dispatcher.store import tally
from dispatcher.store.tables import answers, inbound, messages, plans, receipts
from dispatcher.testing.carrier.faces.twilio_hooks import signature
from dispatcher.web.server import WebThread
from tests.integration.builders import Builder, Person, make_context

PUBLIC_URL = "https://pesan.example"
TOKEN = "simulator-token"
SETTINGS: dict[str, Any] = {
    "senders": {
        "sms": {"channel": "simulator"},
        "wa": {"channel": "simulator", "media": "whatsapp"},
        "gateway": {"channel": "unsigned"},
        "broken": {"channel": "broken"},
    }
}


class Unsigned(Channel[ChannelConfig]):
    """A gateway that signs nothing: `m`, `status` and `id` in the query; or `said` and `by`."""

    name = "unsigned"
    Config: ClassVar = ChannelConfig
    capabilities = Capabilities(media="sms", receipts="push")

    async def send(self, message: OutboundMessage) -> Outcome:
        return Accepted(("x",))

    def parse(self, request: HookRequest) -> HookAnswer:
        if "said" in request.query:
            return HookAnswer(inbound=(Inbound(request.query["id"], request.query["by"], request.query["said"]),))
        about = request.query.get("about", request.query["m"])
        return HookAnswer((Receipt(Status(request.query["status"]), about, request.query.get("id", "")),))


class Broken(Channel[ChannelConfig]):
    """Signs everything; the body says how its adapter fails."""

    name = "broken"
    Config: ClassVar = ChannelConfig
    capabilities = Capabilities(media="sms", receipts="push", signs_hooks=True)

    async def send(self, message: OutboundMessage) -> Outcome:
        return Accepted(("x",))

    def verify(self, request: HookRequest) -> bool:
        if request.body == b"verify":
            raise KeyError("verify")
        return True

    def parse(self, request: HookRequest) -> HookAnswer:
        match request.body:
            case b"crash":
                raise RuntimeError("+6281234567890")
            case b"unreadable":
                raise ValueError("no")
            case b"reply":
                return HookAnswer(reply=b"12345", content_type="text/plain")
            case _:
                # no database takes such an instant
                return HookAnswer((Receipt(Status.SENT, request.query.get("m", ""), occurred_us=1 << 70),))


class FakeChannels(Channels):
    def get(self, name: str) -> type[Channel[Any]]:
        return {"unsigned": Unsigned, "broken": Broken}.get(name) or super().get(name)


def connect(url: str, settings: dict[str, Any] | None = None, public_url: str = PUBLIC_URL) -> Context:
    context = make_context(url, settings or SETTINGS, DISPATCHER_PUBLIC_URL=public_url)
    context.channels = FakeChannels()
    return context


class Stage:
    """One step of a running campaign; `answers`: meaning → keywords."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.context = connect(url)
        self.build = Builder(self.context)
        self.senders = {
            name: self.build.sender(name, values["channel"]) for name, values in SETTINGS["senders"].items()
        }
        self.ingest = Ingest(self.context)
        self.campaign_id, self.step_id = self.campaign("ajakan", {"hadir": ["HADIR", "YA"]})

    def campaign(self, slug: str, keywords: dict[str, list[str]]) -> tuple[int, int]:
        campaign_id = self.build.campaign(slug)
        step_id = self.build.step(campaign_id)
        document = {"campaign": {"answers": [{"meaning": m, "keywords": words} for m, words in keywords.items()]}}
        with self.context.database.begin() as connection:
            connection.execute(update(plans).where(plans.c.slug == slug).values(document=document))
        return campaign_id, step_id

    def person(self) -> Person:
        return self.build.person()

    def message(
        self, status: Status = Status.SENDING, person: Person | None = None, sender: str = "sms", **more: Any
    ) -> int:
        """As if begun a moment ago, unless it waits."""
        begun = {} if status is Status.QUEUED else {"attempt": 1, "begun_us": self.build.now_us}
        step_id = more.pop("step_id", self.step_id)
        return self.build.message(step_id, person or self.person(), self.senders[sender], status, **{**begun, **more})

    def take(self, *answers_: HookAnswer, sender: str = "sms") -> None:
        self.ingest.take([Arrived(self.senders[sender], answer, "raw") for answer in answers_])

    def tell(self, message_id: int, *statuses: Status, attempt: int = 1, sender: str = "sms", **more: Any) -> None:
        """Receipts with our reference, each in a commit of its own."""
        for status in statuses:
            self.take(HookAnswer((Receipt(status, make_ref(message_id, attempt), **more),)), sender=sender)

    def say(self, person: Person, text: str, sid: str = "SM1", sender: str = "sms", **more: Any) -> None:
        self.take(HookAnswer(inbound=(Inbound(sid, person.number, text, **more),)), sender=sender)

    def row(self, message_id: int) -> Any:
        with self.context.database.read() as connection:
            return connection.execute(select(messages).where(messages.c.id == message_id)).one()

    def status(self, message_id: int) -> Status:
        return Status(self.row(message_id).status)

    def rows(self, table: Any) -> Sequence[Any]:
        key = table.c.id if "id" in table.c else next(iter(table.c))
        with self.context.database.read() as connection:
            return connection.execute(select(table).order_by(key)).all()

    @property
    def events(self) -> list[tuple[str, str]]:
        return [(row.state, row.status) for row in self.rows(receipts)]

    @property
    def inbox(self) -> list[tuple[str, bool]]:
        return [(row.meaning, row.needs_person) for row in self.rows(inbound)]

    @property
    def answers(self) -> list[tuple[int, str]]:
        return [(row.contact_id, row.meaning) for row in self.rows(answers)]

    def assert_conserved(self) -> None:
        """Invariant 11: the counters are the rows."""
        people: Counter[tally.Key] = Counter()
        for row in self.rows(messages):
            people[tally.message_key(row.step_id, row.hop, row.sender_id, Status(row.status), row.reason)] += 1
            if row.counted:
                people[tally.people_key(row.step_id, row.status)] += 1
        with self.context.database.read() as connection:
            assert tally.read(connection, sorted({row.step_id for row in self.rows(messages)})) == people

    @contextmanager
    def web(self, settings: dict[str, Any] | None = None) -> Iterator[Provider]:
        with WebThread(lambda: connect(self.url, settings)) as thread:
            yield Provider(thread.url)


@dataclass(frozen=True)
class Provider:
    """Calls a web server as Twilio would."""

    url: str

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
        try:
            connection.request(method, path, body or None, headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def post(self, path: str, form: dict[str, str], token: str = TOKEN, **headers: str) -> int:
        """A signed form; the signature covers the public URL."""
        return self.ask("POST", path, urlencode(form).encode(), signed(path, form, token) | headers)[0]

    def status(self, message_id: int, word: str, *, sender: str = "sms", sid: str = "SM1", **more: str) -> int:
        form = {"MessageSid": sid, "MessageStatus": word, "To": "+6281200000001", "From": "+15005550006", **more}
        return self.post(f"/hooks/{sender}?m={make_ref(message_id, 1)}", form)

    async def status_at_once(self, message_ids: Sequence[int], word: str) -> list[int]:
        calls = (asyncio.to_thread(self.status, i, word, sid=f"SM{i}") for i in message_ids)
        return await asyncio.gather(*calls)


def signed(path: str, form: dict[str, str], token: str = TOKEN) -> dict[str, str]:
    return {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": signature(token, PUBLIC_URL + path, form),
    }
