"""A loopback TCP server that misbehaves on request: the provider of one's nightmares.

    async with RawServer(answer(201, b'{"id": "1"}')) as server:
        ...                      # point a client at server.url
        server.requests          # whole requests it has read

A behaviour is a coroutine function that serves one exchange on a connection. The server calls the behaviours in turn,
the last one for ever; a behaviour that closes the connection ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

MIB: Final = 1024 * 1024
CLOSE_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class RawRequest:
    """As it came over the wire. `headers` in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    requests: list[RawRequest] = field(default_factory=list)

    async def read_request(self) -> RawRequest:
        """Raises IncompleteReadError where the client hangs up."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        request = RawRequest(method, target, headers, body)
        self.requests.append(request)
        return request

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until_hung_up(self) -> None:
        while await self.reader.read(65_536):
            pass

    def reset(self) -> None:
        self.writer.transport.abort()


Behaviour = Callable[[Connection], Awaitable[None]]


class RawServer:
    """Also counts: `opened` connections in all, `open` ones now."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = list(behaviours)
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()
        self.requests: list[RawRequest] = []
        self.opened = 0
        self.open = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def behave(self, *behaviours: Behaviour) -> None:
        self._behaviours = list(behaviours)

    async def wait_until(self, condition: Callable[[RawServer], bool], timeout_s: float = 5.0) -> None:
        """Raises TimeoutError where no connection and no request makes it true in time."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: condition(self))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=512)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        await self._count(1)
        try:
            await self._converse(Connection(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client hung up, or the test is over
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError, TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await writer.wait_closed()
            await self._count(-1)
            self._tasks.discard(task)

    async def _converse(self, connection: Connection) -> None:
        connection.requests = self.requests
        while not connection.writer.is_closing():
            behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
            await behaviour(connection)
            async with self._changed:
                self._changed.notify_all()

    async def _count(self, change: int) -> None:
        async with self._changed:
            self.open += change
            self.opened += max(change, 0)
            self._changed.notify_all()


def head(status: int, length: int | None, headers: Mapping[str, str] | None = None) -> bytes:
    fields = dict(headers or {})
    if length is not None:
        fields["content-length"] = str(length)
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Behaviour:
    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.write(head(status, len(body), headers) + body)

    return behave


def raw(data: bytes, close: bool = True) -> Behaviour:
    """Reads a request, answers with these very bytes; then closes, or keeps the connection and stays silent."""

    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.write(data)
        if close:
            connection.writer.close()
        else:
            await connection.until_hung_up()

    return behave


def dripping(body: bytes, pause_s: float) -> Behaviour:
    """A body that comes byte by byte."""

    async def behave(connection: Connection) -> None:
        await connection.read_request()
        await connection.write(head(200, len(body)))
        for i in range(len(body)):
            await connection.write(body[i : i + 1])
            await asyncio.sleep(pause_s)

    return behave


async def silent(connection: Connection) -> None:
    """Reads the request and never answers."""
    await connection.read_request()
    await connection.until_hung_up()


async def reset_before_reading(connection: Connection) -> None:
    connection.reset()


async def close_after_reading(connection: Connection) -> None:
    await connection.read_request()
    connection.writer.close()


async def reset_after_reading(connection: Connection) -> None:
    await connection.read_request()
    connection.reset()


async def huge(connection: Connection) -> None:
    """More than a client should take, in chunks, without saying how much is to come."""
    await connection.read_request()
    await connection.write(head(200, None, {"transfer-encoding": "chunked"}))
    chunk = b"%x\r\n" % MIB + b" " * MIB + b"\r\n"
    for _ in range(3):
        await connection.write(chunk)
    await connection.write(b"0\r\n\r\n")


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """A port that is held and never listened on."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextlib.asynccontextmanager
async def unanswering_port() -> AsyncIterator[int]:
    """A listener whose queue is full: connections are never opened, nor refused."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        await asyncio.sleep(0)
        yield listener.getsockname()[1]
