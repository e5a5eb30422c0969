"""Serving the web application: as a process of its own, or in a thread beside the workers."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import Any, Final, Self

import uvicorn

from dispatcher.core.errors import UsageError
from dispatcher.operations.context import Context
from dispatcher.operations.interpreter import switch_often
from dispatcher.web.app import create_app

_GRACE_S: Final = 8
_KEEP_ALIVE_S: Final = 75
"""Longer than proxies and providers keep a connection for reuse, so that they never meet one that just closes."""

_MAX_CONNECTIONS: Final = 2000


class _Server(uvicorn.Server):
    """Signals are ours: uvicorn would raise them again when it is done, and end the process by them."""

    def capture_signals(self) -> Any:
        return nullcontext()


async def serve(
    context: Context,
    host: str,
    port: int,
    started: Callable[[int], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Until `stop`, SIGTERM or SIGINT (in a main thread): no new connections, all requests answered, then return.

    `started` is told the port. Raises UsageError where the port is taken, KeyboardInterrupt after a SIGINT.
    """
    stop = stop or asyncio.Event()
    switch_often()
    with _listen(host, port) as listener, _signals(stop) as received:
        await asyncio.sleep(0)  # a SIGINT that came before cancels here, and not in the midst of starting
        server = _Server(_config(context))
        stopping = asyncio.create_task(_stop_with(server, stop))
        try:
            if started is not None:
                started(listener.getsockname()[1])  # it listens: a connection waits until the server is up
            await server.serve(sockets=[listener])
        finally:
            stopping.cancel()
    if signal.SIGINT in received:
        raise KeyboardInterrupt


def _config(context: Context) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(context),
        log_config=None,
        access_log=False,  # it would hold the query, and with it our references
        lifespan="on",
        http="httptools",  # h11, uvicorn's other parser, takes three times as long as all of ours
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        limit_concurrency=_MAX_CONNECTIONS,
        backlog=1024,
    )


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[list[signal.Signals]]:
    """Those that came; nothing in a thread that is not the main one."""
    received: list[signal.Signals] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def take(number: signal.Signals) -> None:
        received.append(number)
        stop.set()

    loop = asyncio.get_running_loop()
    ours = (signal.SIGTERM, signal.SIGINT)
    for number in ours:
        loop.add_signal_handler(number, take, number)
    try:
        yield received
    finally:
        for number in ours:
            loop.remove_signal_handler(number)


async def _stop_with(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


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
