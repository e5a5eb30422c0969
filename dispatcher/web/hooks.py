"""`/hooks/<sender>`: what providers call. Bare ASGI, because this is the busiest door of the house.

403 for a bad signature, 400 for what cannot be read, 404 for an unknown sender, 413 for too much, 503 while the
database is away (so that providers call again), 2xx only after the commit (invariant 7).
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from dispatcher.core.errors import DispatcherError
from dispatcher.operations.context import Context
from dispatcher.operations.ingest import Arrived
from dispatcher.receipts.fold import parse_ref
from dispatcher.spi import Channel, HookAnswer, HookRequest
from dispatcher.spi.http import PooledClient
from dispatcher.store.permits import sender_id_of
from dispatcher.web.committer import Committer
from dispatcher.web.metrics import HOOKS, RECEIPTS, UNMAPPED

PREFIX = "/hooks/"
MAX_BODY = 1 << 20
BODY_TIMEOUT_S = 10.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class BodyTooLargeError(Exception):
    """More than MAX_BODY."""


class Hooks:
    """An ASGI application for everything under `/hooks/`."""

    def __init__(self, context: Context, committer: Committer) -> None:
        self._context = context
        self._committer = committer
        self._http = PooledClient()
        self._senders: dict[str, tuple[int, Channel[Any]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"][len(PREFIX) :].strip("/")
        status, body, content_type = await self._answer(name, scope, receive)
        HOOKS.labels(name if status != 404 else "", str(status)).inc()
        headers = [(b"content-type", content_type)] if content_type else []
        if status != 204:
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, name: str, scope: Scope, receive: Receive) -> tuple[int, bytes, bytes]:
        try:
            sender = await self._sender(name)
        except DispatcherError as error:
            return (503 if error.exit_code == 6 else 404), b"", b""
        sender_id, channel = sender
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await _body(receive)
        except BodyTooLargeError:
            return 413, b"", b""
        except TimeoutError:
            return 408, b"", b""
        request = self._request(scope, body)
        try:
            if not self._is_genuine(channel, request):
                return 403, b"", b""
            answer = channel.parse(request)
        except (ValueError, LookupError, TypeError):
            return 400, b"", b""
        return await self._keep(sender_id, channel, request, answer)

    async def _keep(
        self, sender_id: int, channel: Channel[Any], request: HookRequest, answer: HookAnswer
    ) -> tuple[int, bytes, bytes]:
        if answer.receipts or answer.inbound or answer.unmapped:
            raw = f"{request.method} {request.url}\n\n{request.body.decode('utf-8', 'replace')}"
            fate = await self._committer.keep(Arrived(sender_id, answer, raw))
            if fate != "kept":
                return (503 if fate == "away" else 500), b"", b""
            for receipt in answer.receipts:
                RECEIPTS.labels(channel.name, receipt.status.value).inc()
            UNMAPPED.labels(channel.name).inc(len(answer.unmapped))
        if answer.reply:
            return 200, answer.reply, answer.content_type.encode()
        return 204, b"", b""

    def _request(self, scope: Scope, body: bytes) -> HookRequest:
        query = scope.get("query_string", b"").decode("latin-1")
        base = self._context.environment.public_url or _own_url(scope)
        return HookRequest(
            method=scope["method"],
            url=f"{base}{scope.get('raw_path', scope['path'].encode()).decode('latin-1').split('?')[0]}"
            + (f"?{query}" if query else ""),
            headers={key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]},
            body=body,
            query=dict(parse_qsl(query, keep_blank_values=True)),
        )

    def _is_genuine(self, channel: Channel[Any], request: HookRequest) -> bool:
        if channel.capabilities.signs_hooks or request.method == "GET":
            return channel.verify(request)
        ref = parse_ref(request.query.get("m", ""))
        return ref is not None and hmac.compare_digest(ref.mac, self._context.keys.mac("hook", ref.bare))

    async def _sender(self, name: str) -> tuple[int, Channel[Any]]:
        """Opened once. UsageError for a name that the settings do not have."""
        if name not in self._senders:
            channel = self._context.open_sender(name, self._http)
            sender_id = await asyncio.to_thread(self._id_of, name)
            self._senders[name] = (sender_id, channel)
        return self._senders[name]

    def _id_of(self, name: str) -> int:
        with self._context.database.read() as connection:
            return sender_id_of(connection, name)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            raise BodyTooLargeError
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _own_url(scope: Scope) -> str:
    """Where no public URL is configured: as the server sees itself."""
    host, port = scope.get("server") or ("127.0.0.1", 80)
    return f"{scope.get('scheme', 'http')}://{host}:{port}"
