"""How it is: alive (`/healthz`), ready (`/readyz`), counted (`/metrics`); and the page for everything else."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from dispatcher.core.errors import DispatcherError
from dispatcher.store.migrate import HEAD, current_revision
from dispatcher.web.metrics import REGISTRY

_READY_WITHIN_S: Final = 5.0
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_NOTHING: Final = (
    '<!doctype html><html lang="id"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>Tidak ditemukan</title><h1>Tidak ditemukan</h1><p>Halaman ini tidak ada.</p>"
    '<p lang="en">There is nothing here.</p></html>\n'
)


async def healthz(_: Request) -> Response:
    """The process lives."""
    return _plain("ok")


async def readyz(request: Request) -> Response:
    """The database answers and has our schema; 503 otherwise."""
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            revision = await asyncio.to_thread(current_revision, request.app.state.context.database)
    except (DispatcherError, TimeoutError):
        return _plain("the database does not answer", 503)
    if revision != HEAD:
        return _plain(f"the database has schema {revision or 'none'}; this version needs {HEAD}", 503)
    return _plain("ready")


async def metrics(_: Request) -> Response:
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    return Response(generate_latest(REGISTRY), headers={**_HEADERS, "content-type": CONTENT_TYPE_LATEST})


async def not_found(_: Request, __: Exception) -> Response:
    return HTMLResponse(_NOTHING, 404, headers=_HEADERS)


def _plain(text: str, status: int = 200) -> Response:
    return PlainTextResponse(f"{text}\n", status, headers=_HEADERS)


ROUTES: Final = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
