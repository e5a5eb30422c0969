"""The web application: hooks in front, pages behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from starlette.applications import Starlette

from dispatcher.operations.committer import Committer
from dispatcher.operations.context import Context
from dispatcher.operations.ingest import Ingest
from dispatcher.web.body import Receive, Scope, Send
from dispatcher.web.door import DoorPages
from dispatcher.web.health import ROUTES, not_found
from dispatcher.web.hooks import PREFIX, Hooks
from dispatcher.web.links import PREFIX as LINKS
from dispatcher.web.links import Links
from dispatcher.web.metrics import GROUPS


def create_app(context: Context) -> WebApp:
    """An ASGI application; its lifespan must run (`lifespan="on"`), else hooks are not answered."""
    return WebApp(context)


class WebApp:
    """Hooks and recipients' pages do not pass through Starlette: they are the hot paths.

    Behind a proxy the public URL may have a path; it is understood whether the proxy takes it off or not.
    """

    def __init__(self, context: Context) -> None:
        self._committer = Committer(Ingest(context), GROUPS.time)
        self._hooks = Hooks(context, self._committer)
        self._links = Links(context)
        routes = [*ROUTES, *DoorPages(context).routes]
        self._pages = Starlette(routes=routes, exception_handlers={404: not_found}, lifespan=self._lifespan)
        self._pages.state.context = context
        self._prefix = urlsplit(context.environment.public_url).path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._prefix and scope["type"] == "http":
            scope = _without(self._prefix, scope)
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._hooks(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(LINKS):
            await self._links(scope, receive, send)
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
            self._links.close()


def _without(prefix: str, scope: Scope) -> Scope:
    if not scope["path"].startswith(f"{prefix}/"):
        return scope
    raw_path = scope["raw_path"].removeprefix(prefix.encode())
    return {**scope, "path": scope["path"].removeprefix(prefix), "raw_path": raw_path}
