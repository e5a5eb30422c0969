"""The little of HTTP/1.1 that a fast pretend provider needs (RFC 9112): keep-alive, sized and chunked bodies.

Hand-made because it is the simulator's largest cost; see `benchmarks/carrier.py`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, cast

MAX_HEAD: Final = 8 * 1024
MAX_BODY: Final = 1024 * 1024
_STATUS_LINES: Final = {s.value: b"HTTP/1.1 %d %s\r\n" % (s.value, s.phrase.encode()) for s in HTTPStatus}
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: close() sends RST


class HttpError(Exception):
    """A request that cannot be read; the connection ends with `status`."""

    def __init__(self, status: int) -> None:
        super().__init__(HTTPStatus(status).phrase)
        self.status = status


class Request:
    """`target`: path and query as sent. `authorization`: the header's value, b"" without one."""

    __slots__ = ("authorization", "body", "close", "connection", "method", "target")

    def __init__(self, method: bytes, target: bytes, authorization: bytes, body: bytes, *, close: bool) -> None:
        self.method = method
        self.target = target
        self.authorization = authorization
        self.body = body
        self.close = close
        self.connection: Connection | None = None

    def answer(self, status: int, body: bytes, headers: bytes = b"") -> None:
        """Once, now or later. `headers`: whole lines, each with its CRLF. Nothing happens when the caller has gone."""
        if self.connection is not None:
            self.connection.respond(status, body, headers, close=self.close)

    def answer_json(self, status: int, value: object, headers: bytes = b"") -> None:
        self.answer(status, json.dumps(value).encode(), headers)

    def reset(self) -> None:
        """Cut the connection without an answer."""
        if self.connection is not None:
            self.connection.reset()


Handler = Callable[[Request], None]


def parse(data: bytes) -> tuple[Request, int] | None:
    """The first request in `data` and where it ends; None while it is incomplete; HttpError where it is none."""
    head_end = data.find(b"\r\n\r\n")
    if head_end > MAX_HEAD or (head_end < 0 and len(data) > MAX_HEAD):
        raise HttpError(431)
    if head_end < 0:
        return None
    head = data[: head_end + 2]
    folded = head.lower()
    try:
        method, target, version = head[: head.index(b"\r\n")].split(b" ")
    except ValueError:
        raise HttpError(400) from None
    if not version.startswith(b"HTTP/1."):
        raise HttpError(505)
    found = _body(data, head_end + 4, head, folded)
    if found is None:
        return None
    body, end = found
    close = version == b"HTTP/1.0" or _header(head, folded, b"connection").lower() == b"close"
    return Request(method, target, _header(head, folded, b"authorization"), body, close=close), end


def _header(head: bytes, folded: bytes, name: bytes) -> bytes:
    at = folded.find(b"\r\n" + name + b":")
    if at < 0:
        return b""
    return head[at + len(name) + 3 : head.index(b"\r\n", at + 2)].strip()


def _body(data: bytes, start: int, head: bytes, folded: bytes) -> tuple[bytes, int] | None:
    if b"\r\ntransfer-encoding:" in folded:
        return _chunked(data, start)
    length_text = _header(head, folded, b"content-length") or b"0"
    if not length_text.isdigit():
        raise HttpError(400)
    length = int(length_text[:16])
    if length > MAX_BODY:
        raise HttpError(413)
    return (data[start : start + length], start + length) if len(data) >= start + length else None


def _chunked(data: bytes, start: int) -> tuple[bytes, int] | None:
    """Chunk extensions and trailers are read over."""
    parts: list[bytes] = []
    at = start
    while (line_end := data.find(b"\r\n", at)) >= 0:
        try:
            size = int(data[at:line_end].partition(b";")[0], 16)
        except ValueError:
            raise HttpError(400) from None
        if size < 0 or size + sum(map(len, parts)) > MAX_BODY:
            raise HttpError(413)
        if size == 0:
            end = line_end if data[line_end : line_end + 4] == b"\r\n\r\n" else data.find(b"\r\n\r\n", line_end)
            return None if end < 0 else (b"".join(parts), end + 4)
        at = line_end + 2 + size + 2
        parts.append(data[line_end + 2 : at - 2])
    return None


class Connection(asyncio.Protocol):
    """Answers one request after the other; what comes meanwhile waits."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._request: Request | None = None
        self._continued = False
        self._advancing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._request is not None:
            self._request.connection = None

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if len(self._buffer) > 2 * MAX_BODY:
            self.reset()
        else:
            self._advance()

    def respond(self, status: int, body: bytes, headers: bytes, *, close: bool) -> None:
        if self._transport is None:
            return
        if self._request is not None:
            self._request.connection = None
            self._request = None
        self._transport.write(
            b"%sContent-Type: application/json\r\nContent-Length: %d\r\n%s%s\r\n%s"
            % (_STATUS_LINES[status], len(body), headers, b"Connection: close\r\n" if close else b"", body)
        )
        if close:
            self._buffer = b""
            self._transport.close()
        else:
            self._advance()

    def reset(self) -> None:
        if self._transport is None:
            return
        raw = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def _advance(self) -> None:
        if self._advancing:
            return
        self._advancing = True
        while self._buffer and self._request is None and self._transport is not None and self._take():
            pass
        self._advancing = False

    def _take(self) -> bool:
        """Hand the next whole request over; False while there is none."""
        try:
            parsed = parse(self._buffer)
        except HttpError as error:
            self.respond(error.status, b"", b"", close=True)
            return False
        if parsed is None:
            self._invite_body()
            return False
        request, end = parsed
        self._buffer = self._buffer[end:]
        self._continued = False
        request.connection = self
        self._request = request
        self._handler(request)
        return True

    def _invite_body(self) -> None:
        """`Expect: 100-continue`: say so once."""
        head, separator, _ = self._buffer.partition(b"\r\n\r\n")
        if separator and not self._continued and b"\r\nexpect: 100-continue" in head.lower() and self._transport:
            self._continued = True
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
