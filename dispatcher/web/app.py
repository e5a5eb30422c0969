"""The web application: hooks in front, health and metrics behind."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dispatcher.core.errors import DispatcherError
from dispatcher.operations.context import Context
from dispatcher.operations.ingest import Ingest
from dispatcher.store.migrate import HEAD, current_revision
from dispatcher.web.committer import Committer
from dispatcher.web.hooks import PREFIX, Hooks, Receive, Scope, Send
from dispatcher.web.metrics import REGISTRY

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class WebApp:
    """An ASGI application. `run` must be running for hooks to be answered."""

    def __init__(self, context: Context) -> None:
        self._committer = Committer(Ingest(context))
        self._hooks = Hooks(context, self._committer)
        self._pages = _pages(context)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._hooks(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    async def run(self) -> None:
        await self._committer.run()


def _pages(context: Context) -> Starlette:
    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_HEADERS)

    async def readyz(_: Request) -> Response:
        try:
            revision = await asyncio.to_thread(current_revision, context.database)
        except DispatcherError:
            return PlainTextResponse("the database does not answer\n", 503, headers=_HEADERS)
        if revision != HEAD:
            return PlainTextResponse("the database has another schema\n", 503, headers=_HEADERS)
        return PlainTextResponse("ready\n", headers=_HEADERS)

    async def metrics(_: Request) -> Response:
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return Response(generate_latest(REGISTRY), headers={**_HEADERS, "content-type": CONTENT_TYPE_LATEST})

    async def not_found(_: Request, __: Exception) -> Response:
        return PlainTextResponse("There is nothing here.\n", 404, headers=_HEADERS)

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)],
        exception_handlers={404: not_found},
    )
