"""Serving the web application: as a process of its own, or in a thread beside the workers."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from dispatcher.core.errors import UsageError
from dispatcher.operations.context import Context
from dispatcher.web.app import WebApp

_GRACE_S = 8


async def serve(
    context: Context,
    host: str,
    port: int,
    started: Callable[[int], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Until SIGTERM or SIGINT (in a main thread), or `stop`. UsageError where the port is taken."""
    import uvicorn

    listener = _listen(host, port)
    app: Any = WebApp(context)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_S,
        limit_concurrency=2000,
    )
    server = uvicorn.Server(config)
    committing = asyncio.create_task(app.run())
    stopping = asyncio.create_task(_stop_with(server, stop))
    try:
        if started is not None:
            started(listener.getsockname()[1])
        await server.serve(sockets=[listener])
    finally:
        stopping.cancel()
        committing.cancel()
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise UsageError(
            "port", f"cannot listen on {host}:{port} ({error.strerror})", "Choose another one with --port."
        ) from None
    return listener


async def _stop_with(server: Any, stop: asyncio.Event | None) -> None:
    if stop is not None:
        await stop.wait()
        server.should_exit = True


class WebThread:
    """The web in a thread with a context of its own; a context manager, `url` is where it listens."""

    def __init__(self, connect: Callable[[], Context], host: str = "127.0.0.1", port: int = 0) -> None:
        self._connect = connect
        self._host = host
        self._port = port
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        import uvloop

        try:
            uvloop.run(self._serve())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        context = self._connect()
        try:
            await serve(context, self._host, self._port, self._started, self._stop)
        finally:
            context.database.close()

    def _started(self, port: int) -> None:
        self._port = port
        self._ready.set()
