"""The door for channel adapters: a specification in words.

A channel is a class, found through the entry-point group `dispatcher.channels`. One instance serves one sender in one
worker process. Its methods are called from one event loop; `send` is called concurrently, at most
`capabilities.concurrency` at a time. Nothing in an adapter may block the loop, retry, sleep, follow redirects, log a
number or a text, or keep state about a message between calls: the engine does all of that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from dispatcher.core.outcome import Outcome
from dispatcher.spi.asking import Account, or_undecided
from dispatcher.spi.capabilities import Capabilities
from dispatcher.spi.codes import ErrorTable
from dispatcher.spi.config import ChannelConfig
from dispatcher.spi.http import HttpClient
from dispatcher.spi.messages import (
    Check,
    HookAnswer,
    HookRequest,
    LookupQuery,
    LookupResult,
    OutboundMessage,
    TemplateResult,
    Undecided,
)
from dispatcher.spi.private import Private

API_VERSION = 1
"""Raised when an adapter written for an earlier number would no longer work; see docs/adding-a-channel.md."""

Deliver = Callable[[HookAnswer, str], Awaitable[bool]]
"""`await deliver(answer, raw)`: True once the answer is on the disk and counted, False where the database is away or
too much waits: have the provider repeat it. `raw`: what was said, as text; it is kept sealed. Raises nothing."""

Note = Callable[[str, Mapping[str, Any], Mapping[str, Any]], None]
"""`note(name, said, heard)`: one exchange of the send that this task is in, when it is over. Raises nothing; costs a
microsecond. What is private of it is redacted as `Channel.private` says."""

ConfigT = TypeVar("ConfigT", bound=ChannelConfig)


class Channel(ABC, Generic[ConfigT]):
    """`name`: the entry point's name. `Config`: validated before `__init__` runs.

    `capabilities` stand on the class; an instance may narrow them by its configuration, and the engine reads those.
    `private`: likewise; which keys of what is sent and answered must not be kept as they are.
    """

    name: ClassVar[str]
    api_version: ClassVar[int] = API_VERSION
    capabilities: Capabilities
    private: Private = Private()
    Config: ClassVar[type[ChannelConfig]]
    error_table: ClassVar[ErrorTable] = ErrorTable({})
    """The provider's codes, which `explain` reads."""
    account: Account | None = None
    """Answers `lookup`, `template` and `check`. Set it in `__init__`, or leave it and implement these.

    Anything else under this name is the adapter's own, and is left alone: the name came after API 1.
    """

    def __init__(self, config: ConfigT, http: HttpClient) -> None:
        """Cheap: no connection is made here. `http` is pooled, belongs to the engine and is closed by it."""
        self.config = config
        self.http = http

    @property
    def identity(self) -> str:
        """What recipients see as the origin (From number, sender id, service id). Part of the approved fingerprint."""
        return ""

    @abstractmethod
    async def send(self, message: OutboundMessage) -> Outcome:
        """Hand one message over, once, and say what happened.

        An exception other than those of `http` counts as `Ambiguous`: after the request may have left, nobody knows.
        `http` raises `NotSentError` and `AmbiguousError`; let them pass, the engine reads them.
        """

    async def send_batch(self, messages: Sequence[OutboundMessage]) -> Sequence[Outcome]:
        """As `send`, for at most `capabilities.batch_size` messages in one call; one outcome each, in order."""
        return [await self.send(message) for message in messages]

    def verify(self, request: HookRequest) -> bool:
        """Whether the provider signed this call. Constant time. Raises ValueError where it cannot be parsed (400).

        Channels whose provider signs nothing leave this alone: the engine checks its own MAC instead.
        """
        return False

    def parse(self, request: HookRequest) -> HookAnswer:
        """Translate a verified call. Pure; tolerates unknown parameters; ValueError where the body is not readable."""
        return HookAnswer()

    def attached(self, deliver: Deliver) -> None:
        """Keep `deliver` for what the provider says over the connection that sends.

        Called once, before the first `send`, and only where `capabilities.receipts == "session"`. Opens nothing: the
        first `send` does. Confirm to the provider only what `deliver` answered with True. Part of API 1; without it,
        a channel hears nothing.
        """

    def watched(self, note: Note) -> None:
        """Keep `note`, and tell it what `send` says and hears other than by `http`: the wire log keeps it.

        Called once, before the first `send`, and only where a wire log is kept. Part of API 1; without it, only what
        goes through `http` is kept.
        """

    async def lookup(self, query: LookupQuery) -> LookupResult:
        """Ask the provider what became of an attempt. Only called where `capabilities.lookup`."""
        if not isinstance(self.account, Account):
            return Undecided("this channel has no look-up")
        return await or_undecided(self.account.look_up(query))

    async def template(self, template_id: str) -> TemplateResult:
        """What the provider holds under this id. Only called where `capabilities.template_query`.

        Errors of `http`, refused credentials and answers that are not as documented are `Undecided`; `Absent` only
        where the provider says that there is no such template. Part of API 1; without it, templates are not checked.
        """
        if not isinstance(self.account, Account):
            return Undecided("this channel cannot ask for templates")
        return await or_undecided(self.account.template(template_id))

    async def check(self) -> Sequence[Check]:
        """Credentials, templates, balance: what a person wants to know before a campaign starts. May use a slow SDK."""
        return await self.account.check() if isinstance(self.account, Account) else ()

    @classmethod
    def explain(cls, code: str, language: str = "id") -> str:
        """A sentence for a campaign manager about one of the provider's codes; "" where there is none."""
        return cls.error_table.explain(code, language)

    async def close(self) -> None:
        """Give back what `send` opened itself. Called once, after the last send."""
