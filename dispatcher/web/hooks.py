"""`/hooks/<sender>`: what providers call. Bare ASGI, because this is the busiest door of the house.

204  (200 with the provider's wanted answer) after the commit, never before (invariant 7)
400  cannot be read                    403  not signed, or not by the provider
404  no such sender                    405  neither GET nor POST
408  413  the body is too slow or too large
503  the database is away, a credential is missing, or too much waits: the provider calls again
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl

from prometheus_client import Counter

from dispatcher.core.errors import UnavailableError
from dispatcher.core.status import Status
from dispatcher.operations.committer import Committer
from dispatcher.operations.context import Context
from dispatcher.operations.ingest import Arrived
from dispatcher.operations.logs import log
from dispatcher.receipts.fold import parse_ref
from dispatcher.spi import Channel, HookAnswer, HookRequest
from dispatcher.web.body import BodyError, BodyReader, Receive, Scope, Send
from dispatcher.web.metrics import HOOKS, RECEIPTS, REPLIES, UNMAPPED, UNPARSED
from dispatcher.web.senders import Caller, Callers

PREFIX: Final = "/hooks/"
_LONGEST_NAME: Final = 100
_LONGEST_LOGGED: Final = 200
_AGAIN: Final = ((b"retry-after", b"2"),)
_STATUS: Final = {"kept": 204, "unparsed": 204, "away": 503, "full": 503, "lost": 500}

Answer = tuple[int, bytes, bytes]
"""Status, body, content type."""


class Refused(Exception):  # noqa: N818
    """A call that is answered with an error."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Hooks:
    """An ASGI application for everything under `/hooks/`."""

    def __init__(self, context: Context, committer: Committer, body: BodyReader | None = None) -> None:
        self._context = context
        self._committer = committer
        self._body = body or BodyReader()
        self._callers = Callers(context)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"][len(PREFIX) :].strip("/").partition("/")[0]  # what follows may be a secret of the channel
        try:
            status, body, content_type = await self._answer(name, scope, receive)
        except (Refused, BodyError) as refused:
            status, body, content_type = refused.status, b"", b""
        except UnavailableError:
            status, body, content_type = 503, b"", b""
        except Exception as error:
            log.error("hook-failed", error=type(error).__name__, exc_info=error)
            status, body, content_type = 500, b"", b""
        _hooks_of("" if status == 404 else name, status).inc()
        if status >= 400 and status != 404:
            log.warning("hook-refused", sender=name, status=status)
        if status:
            await _send(send, status, body, content_type)

    async def _answer(self, name: str, scope: Scope, receive: Receive) -> Answer:
        caller = await self._callers.find(name) if len(name) <= _LONGEST_NAME else None
        if caller is None:
            raise Refused(404)
        if scope["method"] not in ("GET", "POST"):
            raise Refused(405)
        if not caller.channels:
            raise Refused(503)
        request = self._request(scope, await self._body.read(scope, receive))
        channel = self._genuine(caller, request)
        return await self._keep(caller, channel, request, self._parse(channel, request))

    def _request(self, scope: Scope, body: bytes) -> HookRequest:
        """The URL is the public one: configured, because only that is what the provider signed."""
        query = scope["query_string"].decode("latin-1")
        path = scope.get("raw_path") or scope["path"].encode()
        base = self._context.environment.public_url or _own_url(scope)
        return HookRequest(
            method=scope["method"],
            url=base + path.decode("latin-1") + (f"?{query}" if query else ""),
            headers={key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]},
            body=body,
            query=_pairs(query),
        )

    def _genuine(self, caller: Caller, request: HookRequest) -> Channel[Any]:
        """The channel that vouches for the call. Raises Refused."""
        unreadable = False
        for channel in caller.channels:
            try:
                if self._vouches(channel, request):
                    return channel
            except Exception:  # whatever an unverified call does to an adapter, it is the call's fault
                unreadable = True
        raise Refused(400 if unreadable else 403)

    def _vouches(self, channel: Channel[Any], request: HookRequest) -> bool:
        if channel.capabilities.signs_hooks or request.method == "GET":
            return channel.verify(request)
        ref = parse_ref(request.query.get("m", ""))
        return ref is not None and self._context.keys.mac_matches("hook", ref.bare, ref.mac)

    def _parse(self, channel: Channel[Any], request: HookRequest) -> HookAnswer | None:
        """None: the call is genuine, and the adapter fails on it. Raises Refused where it is not readable."""
        try:
            answer = channel.parse(request)
        except ValueError:
            raise Refused(400) from None
        except Exception as error:
            log.error("hook-unparsed", channel=channel.name, exc_info=error)
            return None
        if channel.capabilities.signs_hooks:
            return answer
        # the MAC vouches for one attempt only
        ref = parse_ref(request.query.get("m", ""))
        bare = ref.bare if ref else ""
        return replace(answer, receipts=tuple(replace(receipt, ref=bare) for receipt in answer.receipts))

    async def _keep(
        self, caller: Caller, channel: Channel[Any], request: HookRequest, answer: HookAnswer | None
    ) -> Answer:
        if answer is None or answer.receipts or answer.inbound or answer.unmapped:
            raw = f"{request.method} {request.url}\n\n{request.body.decode('latin-1')}"
            fate = await self._committer.keep(Arrived(caller.id, answer, raw, channel.capabilities.signs_hooks))
            _count(channel.name, answer, fate)
            if _STATUS[fate] >= 400:
                raise Refused(_STATUS[fate])
        if answer is not None and answer.reply:
            return 200, answer.reply, answer.content_type.encode("latin-1")
        return 204, b"", b""


@cache
def _hooks_of(sender: str, status: int) -> Counter:
    return HOOKS.labels(sender, str(status))


@cache
def _receipts_of(channel: str, status: Status) -> Counter:
    return RECEIPTS.labels(channel, status.value)


def _count(channel: str, answer: HookAnswer | None, fate: str) -> None:
    if fate == "unparsed" or (fate == "kept" and answer is None):
        UNPARSED.labels(channel).inc()
    elif fate == "kept" and answer is not None:
        for receipt in answer.receipts:
            _receipts_of(channel, receipt.status).inc()
        if answer.inbound:
            REPLIES.labels(channel).inc(len(answer.inbound))
        if answer.unmapped:
            UNMAPPED.labels(channel).inc(len(answer.unmapped))
            log.warning("hook-unmapped", channel=channel, words=" ".join(answer.unmapped)[:_LONGEST_LOGGED])


async def _send(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
    if content_type:
        headers.append((b"content-type", content_type))
    if status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    if status == 503:
        headers += _AGAIN
    if status in (408, 413):
        headers.append((b"connection", b"close"))  # what is left of the body is not worth reading
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _pairs(query: str) -> dict[str, str]:
    """Nearly always our own reference alone, which needs no decoding."""
    name, _, value = query.partition("=")
    if value.replace(".", "").isalnum() and name.isalnum() and query.isascii():
        return {name: value}
    return dict(parse_qsl(query, keep_blank_values=True))


def _own_url(scope: Scope) -> str:
    """Where no public URL is configured: as the server sees itself, never as the caller says."""
    host, port = scope.get("server") or ("127.0.0.1", 80)
    return f"{scope.get('scheme', 'http')}://{host}:{port}"
