"""A provider that does as the test says, in the process of the engine."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from dispatcher.operations.channels import Channels
from dispatcher.spi import (
    Accepted,
    Capabilities,
    Channel,
    ChannelConfig,
    LookupQuery,
    LookupResult,
    OutboundMessage,
    Outcome,
    Undecided,
)

Answer = Callable[[OutboundMessage], Outcome | Awaitable[Outcome]]


class Provider:
    """What one sender's provider got, and how it answers. `answer` may raise, or be a coroutine function."""

    def __init__(self, answer: Answer | None = None, **capabilities: Any) -> None:
        self.answer: Answer = answer or (lambda message: Accepted((f"id-{message.ref}",)))
        self.look_up: Callable[[LookupQuery], LookupResult] = lambda query: Undecided("")
        self.capabilities = Capabilities(**{"media": "sms", "echoes_ref": True, **capabilities})
        self.refs: list[str] = []
        self.numbers: list[str] = []
        self.texts: list[str] = []
        self.at_s: list[float] = []

    async def take(self, message: OutboundMessage) -> Outcome:
        self.at_s.append(time.monotonic())
        self.refs.append(message.ref)
        self.numbers.append(message.to)
        self.texts.append(message.text or "")
        outcome = self.answer(message)
        return await outcome if isinstance(outcome, Awaitable) else outcome


class _Scripted(Channel[ChannelConfig]):
    name = "scripted"
    Config: ClassVar = ChannelConfig
    provider: ClassVar[Provider]

    async def send(self, message: OutboundMessage) -> Outcome:
        return await self.provider.take(message)

    async def lookup(self, query: LookupQuery) -> LookupResult:
        return self.provider.look_up(query)


class ScriptedChannels(Channels):
    """Channels by name, each with a provider of its own; all installed ones besides."""

    def __init__(self, providers: dict[str, Provider]) -> None:
        self._scripted = {
            name: type(name, (_Scripted,), {"provider": provider, "capabilities": provider.capabilities})
            for name, provider in providers.items()
        }

    def get(self, name: str) -> type[Channel[Any]]:
        return self._scripted.get(name) or super().get(name)
