"""What the parts of the suite share: what an adapter's tests declare, and how a send is watched."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urlsplit

from dispatcher.spi import (
    Ambiguous,
    AmbiguousError,
    Capabilities,
    Channel,
    HookRequest,
    HttpResponse,
    NotSent,
    NotSentError,
    OutboundMessage,
    Outcome,
    PooledClient,
)
from dispatcher.testing.rawserver import Behaviour, RawServer, answer

NUMBER: Final = "+6281234567890"
TEXT: Final = "Undangan: Rabu pukul 09.00 WIB, Balai RW 007. Info lengkap menyusul."
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider answers."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class GuardedClient:
    """The engine's client, which refuses to leave loopback."""

    def __init__(self, total_s: float = 8.0, connect_s: float = 3.0) -> None:
        self._client = PooledClient(total_s=total_s, connect_s=connect_s)
        self.calls = 0

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: object = None,
        body: bytes | None = None,
    ) -> HttpResponse:
        host = urlsplit(url).hostname
        if host != "127.0.0.1":
            raise AssertionError(f"a request would leave loopback, to {host}")
        self.calls += 1
        return await self._client.request(method, url, headers=headers, form=form, json=json, body=body)

    async def close(self) -> None:
        await self._client.close()


class Contract:
    """What an adapter's tests may declare. Required: `channel`; `settings` where the configuration needs any."""

    channel: ClassVar[type[Channel[Any]]]

    capabilities: ClassVar[Capabilities | None] = None
    """Of the channel with these `settings`, where they differ from those on its class; the suite checks that."""

    accepted: ClassVar[Answer | None] = None
    """How the provider says yes. Set: the channel speaks HTTP, and the tests that need a server apply."""

    recordings: ClassVar[Path | None] = None
    """A folder of recorded exchanges (JSON), see recordings.py."""

    words: ClassVar[tuple[str, ...]] = ()
    """Every status word that the provider documents for outbound messages."""

    found: ClassVar[Answer | None] = None
    absent: ClassVar[Answer | None] = None
    """What the provider answers a look-up of `LOOKUP` (lookup.py) that finds the message, or none."""

    template_id: ClassVar[str] = "t-1"
    held: ClassVar[tuple[Answer, ...]] = ()
    not_held: ClassVar[Answer | None] = None
    """What the provider answers, call by call, when it is asked for that template and holds it, or does not."""

    @classmethod
    def able(cls) -> Capabilities:
        return cls.capabilities or cls.channel.capabilities

    def settings(self, url: str) -> dict[str, Any]:
        """The sender's configuration; `url` is a loopback server's, to be used in place of the provider's."""
        return {}

    def callback(self, word: str, ref: str = "7.1", code: str = "") -> HookRequest:
        """A status callback, not yet signed."""
        raise NotImplementedError("declare `callback` where receipts are pushed")

    def signed(self, request: HookRequest) -> HookRequest:
        """The same call with the signature that the provider would give it."""
        raise NotImplementedError("declare `signed` where hooks are signed")

    def message(self, **changes: Any) -> OutboundMessage:
        plain = OutboundMessage(ref="7.1", to=NUMBER, text=TEXT, callback_url="https://example.org/hooks/a?m=7.1")
        return replace(plain, **changes)

    def build(self, url: str, http: GuardedClient) -> Channel[Any]:
        return self.channel(self.channel.Config.model_validate(self.settings(url)), http)

    @contextlib.asynccontextmanager
    async def opened(self, url: str, **time_outs: float) -> AsyncIterator[tuple[Channel[Any], GuardedClient]]:
        http = GuardedClient(**time_outs)
        channel = self.build(url, http)
        try:
            yield channel, http
        finally:
            await channel.close()
            await http.close()

    def yes(self) -> Behaviour:
        """A provider that accepts; for a channel without HTTP, one that must not be asked."""
        said = self.accepted or Answer(500)
        return answer(said.status, said.body, said.headers)

    def provider(self) -> AbstractAsyncContextManager[Any]:
        """A provider on loopback that accepts everything, whose `url` goes into `settings`.

        Override it where the channel speaks no HTTP.
        """
        return RawServer(self.yes())

    def private_values(self) -> list[str]:
        """What must never be seen in a log or an exception."""
        config = self.channel.Config.model_validate(self.settings("http://127.0.0.1:9"))
        return [NUMBER[1:], NUMBER[3:], TEXT, *config.secret_values()]


class Watch(logging.Handler):
    """Keeps every log record, of every library, while it is on."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(logging.Formatter("%(message)s").format(record))

    @contextlib.contextmanager
    def on(self) -> Any:
        root = logging.getLogger()
        level = root.level
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        try:
            yield self
        finally:
            root.removeHandler(self)
            root.setLevel(level)


def run(scenario: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(scenario)


async def outcome_of(contract: Contract, channel: Channel[Any], message: OutboundMessage) -> Outcome:
    """Send as the engine does, and check that nothing private is told: by the outcome, an exception, or a log."""
    watch = Watch()
    told = ""
    outcome: Outcome
    with watch.on():
        try:
            outcome = await channel.send(message)
        except NotSentError as error:
            outcome, told = NotSent(detail=str(error)), _everything(error)
        except AmbiguousError as error:
            outcome, told = Ambiguous(detail=str(error)), _everything(error)
    seen = "\n".join((*watch.seen, told, repr(outcome)))
    for private in contract.private_values():
        assert private not in seen, "a number, a text or a secret was told"
    return outcome


def _everything(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error)
