"""The web application: hooks in front, pages behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette

from dispatcher.operations.context import Context
from dispatcher.operations.ingest import Ingest
from dispatcher.web.body import Receive, Scope, Send
from dispatcher.web.committer import Committer
from dispatcher.web.health import ROUTES, not_found
from dispatcher.web.hooks import PREFIX, Hooks


def create_app(context: Context) -> WebApp:
    """An ASGI application; its lifespan must run (`lifespan="on"`), else hooks are not answered."""
    return WebApp(context)


class WebApp:
    """Hooks do not pass through Starlette: they are the hot path."""

    def __init__(self, context: Context) -> None:
        self._committer = Committer(Ingest(context))
        self._hooks = Hooks(context, self._committer)
        self._pages = Starlette(routes=ROUTES, exception_handlers={404: not_found}, lifespan=self._lifespan)
        self._pages.state.context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._hooks(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Every request is answered before the end: whoever waits for a commit gets it."""
        committing = asyncio.create_task(self._committer.run())
        try:
            yield
        finally:
            committing.cancel()
            with suppress(asyncio.CancelledError):
                await committing
