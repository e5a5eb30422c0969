"""Reading a request's body: bounded in size, in time, and over all requests together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from dispatcher.operations.watch import Watch, current_task

MAX_BODY: Final = 1 << 20
BODY_TIMEOUT_S: Final = 10.0
_MAX_OF_ALL: Final = 64 << 20

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class BodyError(Exception):
    """`status` says why there is no body: 408 too slow, 413 too large, 503 too many at once, 0 nobody listens."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class BodyReader:
    """One per server."""

    def __init__(self, timeout_s: float = BODY_TIMEOUT_S) -> None:
        self._watch = Watch(timeout_s)
        self._held = 0

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """Raises BodyError."""
        if _declared_length(scope) > MAX_BODY:
            raise BodyError(413)
        task = current_task()
        self._watch.begin(task)
        try:
            return await self._read(receive)
        except asyncio.CancelledError:
            if self._watch.is_cancelled_by_others(task):
                raise
            raise BodyError(408) from None
        finally:
            self._watch.end(task)

    async def _read(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BodyError(0)
                part = message.get("body", b"")
                size += len(part)
                self._held += len(part)
                if size > MAX_BODY:
                    raise BodyError(413)
                if self._held > _MAX_OF_ALL:
                    raise BodyError(503)
                parts.append(part)
                if not message.get("more_body"):
                    return b"".join(parts)
        finally:
            self._held -= size


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
