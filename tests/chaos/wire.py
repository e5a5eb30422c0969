"""A stretch of wire between our processes and Postgres, which can be cut at a chosen statement or commit.

It reads along (protocol 3; clients say `sslmode=disable`) to know of each connection what its transaction does. A trap
springs once, at the first transaction of its kind: before the statement reaches the server, or after the server
committed and before the client hears of it.
"""

from __future__ import annotations

import asyncio
import re
import struct
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Self

from tests.servers import free_port

Kind = str  # "claim", "begin", "record" or "other"
_KINDS = (
    ("begin", re.compile(rb'UPDATE "?messages"? SET .*?\bbegun_us"? ?=')),
    ("claim", re.compile(rb'UPDATE "?messages"? SET "?claim_token"? ?=.*\bRETURNING\b', re.DOTALL)),
    ("record", re.compile(rb'UPDATE "?messages"? SET .*?\bended_us"? ?=')),
)
_LENGTH = struct.Struct("!I")
_HEAD = 5


class Then(Enum):
    """What becomes of the connection once the trap's `spring` has returned."""

    GO_ON = "go on"
    CUT = "cut"


@dataclass
class Trap:
    """`spring(client_port)` runs while the wire holds its breath; None: not this one, wait for the next."""

    kind: Kind
    after_commit: bool
    spring: Callable[[int], Then | None]
    hold_s: float = 0.0
    sprung: threading.Event = field(default_factory=threading.Event)

    def meets(self, kind: Kind, *, after_commit: bool) -> bool:
        wanted = self.kind in (kind, "any")
        return wanted and after_commit is self.after_commit and not self.sprung.is_set()


class Wire:
    """Listens on `port`. Runs in a thread of its own."""

    def __init__(self, server_port: int) -> None:
        self.port = free_port()
        self._server_port = server_port
        self._trap: Trap | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def arm(self, trap: Trap) -> None:
        self._trap = trap

    def disarm(self) -> None:
        self._trap = None

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self.port)

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        for link in list(self._links):
            link.cut()
        while self._links:
            await asyncio.sleep(0.01)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(self, reader, writer, *server)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)

    async def spring(self, link: _Link, *, after_commit: bool) -> bool:
        """Whether the connection goes on."""
        trap = self._trap
        if trap is None or not trap.meets(link.doing, after_commit=after_commit):
            return True
        then = trap.spring(link.client_port)
        if then is None:
            return True
        self._trap = None
        if trap.hold_s:
            await asyncio.sleep(trap.hold_s)
        trap.sprung.set()
        return then is Then.GO_ON


class _Link:
    """One client's connection, and its own to the server."""

    def __init__(
        self,
        wire: Wire,
        client_reader: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
    ) -> None:
        self._wire = wire
        self._client_reader, self._client = client_reader, client
        self._server_reader, self._server = server_reader, server
        self._statements: dict[bytes, Kind] = {}
        self.doing: Kind = "other"
        self.client_port: int = client.get_extra_info("peername")[1]

    async def run(self) -> None:
        pumps = [asyncio.create_task(self._ask()), asyncio.create_task(self._answer())]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        self.cut()
        await asyncio.gather(*pumps, return_exceptions=True)

    def cut(self) -> None:
        """As a lost network looks to the client; the server rolls back what was not committed."""
        self._client.transport.abort()
        self._server.transport.abort()

    async def _ask(self) -> None:
        await self._greet()
        async for kind, message in _messages(self._client_reader):
            self._note(kind, message)
            if kind in (b"B", b"Q") and not await self._wire.spring(self, after_commit=False):
                return
            self._server.write(message)
            await self._server.drain()

    async def _answer(self) -> None:
        async for kind, message in _messages(self._server_reader):
            if kind == b"C" and message[_HEAD:] == b"COMMIT\0":
                if not await self._wire.spring(self, after_commit=True):
                    return
                self.doing = "other"
            self._client.write(message)
            await self._client.drain()

    async def _greet(self) -> None:
        """The start-up message has no type."""
        size = await self._client_reader.readexactly(4)
        self._server.write(size + await self._client_reader.readexactly(_LENGTH.unpack(size)[0] - 4))

    def _note(self, kind: bytes, message: bytes) -> None:
        """What this transaction does: the weightiest of its statements."""
        name, _, rest = message[_HEAD:].partition(b"\0")
        if kind == b"P":
            self._statements[name] = _kind_of(rest)
        elif kind == b"B":
            self._raise_to(self._statements.get(rest.partition(b"\0")[0], "other"))
        elif kind == b"Q":
            self._raise_to(_kind_of(name))
            if name in (b"ROLLBACK", b"BEGIN"):
                self.doing = "other"

    def _raise_to(self, kind: Kind) -> None:
        order = [name for name, _ in _KINDS] + ["other"]
        self.doing = min(self.doing, kind, key=order.index)


def _kind_of(statement: bytes) -> Kind:
    return next((kind for kind, pattern in _KINDS if pattern.search(statement)), "other")


async def _messages(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bytes]]:
    """(type, whole message) until the connection ends."""
    while True:
        try:
            head = await reader.readexactly(_HEAD)
            rest = await reader.readexactly(_LENGTH.unpack(head[1:])[0] - 4)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        yield head[:1], head + rest
