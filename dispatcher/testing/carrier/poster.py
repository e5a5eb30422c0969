"""Posting to webhooks over kept connections.

Hand-made around httptools, because callbacks are the simulator's largest cost: a general client takes three times as
long for each. `http` only; what is posted to `https` goes through the general client (`callbacks.py`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, cast
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpResponseParser

from dispatcher.operations.watch import Watch, current_task

TIMEOUT_S: Final = 15.0
CONNECT_TIMEOUT_S: Final = 5.0
SCHEME: Final = "http://"


class LostError(Exception):
    """No whole answer came. `silent`: not a byte of it."""

    def __init__(self, *, silent: bool) -> None:
        super().__init__("no answer")
        self.silent = silent


class _Connection(asyncio.Protocol):
    """One exchange after the other."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._status: asyncio.Future[int] | None = None
        self._heard = False
        self.is_kept = False
        """Whether another exchange may follow the one that is over."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            self.close()

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            return
        self.is_kept = self._parser.should_keep_alive() and self._status is not None
        if self._status is not None and not self._status.done():
            self._status.set_result(status)
        self._status = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport, self.is_kept = None, False
        if self._status is not None and not self._status.done():
            self._status.set_exception(LostError(silent=not self._heard))
        self._status = None

    def exchange(self, request: bytes) -> asyncio.Future[int]:
        """The status, or LostError."""
        status = self._status = asyncio.get_running_loop().create_future()
        self._heard = self.is_kept = False
        if self._transport is None:
            self.connection_lost(None)
        else:
            self._transport.write(request)
        return status

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Poster:
    """Keeps as many connections to a place as were needed at once."""

    def __init__(self, user_agent: str) -> None:
        self._lines = f"User-Agent: {user_agent}\r\nAccept: */*\r\n"
        self._idle: defaultdict[str, list[_Connection]] = defaultdict(list)
        self._watch = Watch(TIMEOUT_S)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int | None:
        """The status of the answer; None where none came in time. ValueError where the URL is none."""
        place, slash, target = url.removeprefix(SCHEME).partition("/")
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"POST {slash or '/'}{target} HTTP/1.1\r\nHost: {place}\r\n{self._lines}{lines}"
        request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body
        task = current_task()
        self._watch.begin(task)
        try:
            return await self._exchange(place, request)
        except (OSError, LostError):
            return None
        except asyncio.CancelledError:
            if self._watch.is_cancelled_by_others(task):
                raise
            return None
        finally:
            self._watch.end(task)

    async def _exchange(self, place: str, request: bytes) -> int:
        """A kept connection may just be closing: where it is silent, a new one tells."""
        idle = self._idle[place]
        while idle:
            connection = idle.pop()
            if connection.is_kept:
                try:
                    return await self._over(connection, place, request)
                except LostError as lost:
                    if not lost.silent:
                        raise
        return await self._over(await _connected(place), place, request)

    async def _over(self, connection: _Connection, place: str, request: bytes) -> int:
        try:
            status = await connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        if connection.is_kept:
            self._idle[place].append(connection)
        else:
            connection.close()
        return status

    def close(self) -> None:
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()


async def _connected(place: str) -> _Connection:
    host, port = _host_and_port(place)
    connecting = asyncio.get_running_loop().create_connection(_Connection, host, port)
    try:
        _, connection = await asyncio.wait_for(connecting, CONNECT_TIMEOUT_S)
    except TimeoutError:
        raise LostError(silent=True) from None
    return connection


@lru_cache(maxsize=64)
def _host_and_port(place: str) -> tuple[str, int]:
    parts = urlsplit(SCHEME + place)
    if not parts.hostname:
        raise ValueError(f"no host in {place!r}")
    return parts.hostname, parts.port or 80
