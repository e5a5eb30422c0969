"""The carrier in a box: a server that speaks a provider's API and misbehaves on request."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from dispatcher.core.errors import UnavailableError, UsageError
from dispatcher.testing.carrier.carrier import Carrier
from dispatcher.testing.carrier.control import Control
from dispatcher.testing.carrier.faces.meta import PATH, MetaFace
from dispatcher.testing.carrier.faces.smpp import SmppFace
from dispatcher.testing.carrier.faces.twilio import CONTENT, TwilioFace
from dispatcher.testing.carrier.http1 import Connection, Handler, Request
from dispatcher.testing.carrier.options import CarrierOptions

Started = Callable[[int, int | None], None]

_TWILIO = (b"/2010-04-01/", CONTENT)


async def serve(options: CarrierOptions, started: Started | None = None) -> None:
    """Serve until SIGTERM, SIGINT or cancellation; `started(port, smpp_port)` is called once requests are taken.

    KeyboardInterrupt after a SIGINT; UsageError where the port is taken; UnavailableError when the ledger process ends:
    then nothing more is accepted.
    """
    async with _ledger_path(options) as path:
        carrier = _carrier(options, path)
        stop = asyncio.Event()
        try:
            await _serve(carrier, stop, started)
        finally:
            await carrier.close()


def _carrier(options: CarrierOptions, path: Path) -> Carrier:
    try:
        return Carrier(options, path)
    except OSError:
        raise UsageError("carrier-ledger", f"the ledger {path} cannot be written", "name another file") from None


async def _serve(carrier: Carrier, stop: asyncio.Event, started: Started | None) -> None:
    options = carrier.options
    broken: list[OSError] = []
    handler = _guarded(_routes(carrier), stop, broken)
    servers = [await _listen(lambda: Connection(handler), options.host, options.port, "--port")]
    if options.smpp_port is not None:
        face = SmppFace(carrier, lambda error: _end(error, stop, broken))
        servers.append(await _listen(face.protocol, options.host, options.smpp_port, "--smpp-port"))
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    with _signals(stop) as received:
        await asyncio.sleep(0)  # a SIGINT that came before cancels here
        if options.while_stdin_is_open:
            await _watch_stdin(stop)
        if started is not None:
            started(ports[0], ports[1] if len(ports) > 1 else None)
        await stop.wait()
    for server in servers:
        server.close()
    if signal.SIGINT in received:
        raise KeyboardInterrupt
    if broken:
        raise UnavailableError("carrier-ledger", "the ledger process has ended", "start the carrier again")


async def _listen(protocol: Callable[[], asyncio.Protocol], host: str, port: int, option: str) -> asyncio.Server:
    try:
        return await asyncio.get_running_loop().create_server(protocol, host, port, backlog=1024)
    except OSError as error:
        raise UsageError("carrier-port", f"port {port} cannot be used: {error.strerror}", f"use {option} 0") from None


def _end(error: OSError, stop: asyncio.Event, broken: list[OSError]) -> None:
    broken.append(error)
    stop.set()


def _routes(carrier: Carrier) -> Handler:
    twilio, meta, control = TwilioFace(carrier), MetaFace(carrier), Control(carrier)

    def route(request: Request) -> None:
        if request.target.startswith(_TWILIO):
            twilio.handle(request)
        elif PATH.match(request.target):
            meta.handle(request)
        else:
            control.handle(request)

    return route


def _guarded(handler: Handler, stop: asyncio.Event, broken: list[OSError]) -> Handler:
    """A message that cannot be written down is not answered, and no other is taken."""

    def handle(request: Request) -> None:
        try:
            handler(request)
        except OSError as error:
            request.reset()
            _end(error, stop, broken)

    return handle


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[list[signal.Signals]]:
    """Those that came."""
    loop = asyncio.get_running_loop()
    caught: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGINT)
    received: list[signal.Signals] = []

    def take(number: signal.Signals) -> None:
        received.append(number)
        stop.set()

    try:
        for number in caught:
            loop.add_signal_handler(number, take, number)
    except (RuntimeError, ValueError):  # not the main thread: the caller cancels instead
        caught = ()
    try:
        yield received
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


async def _watch_stdin(stop: asyncio.Event) -> None:
    """End with the process that started this one, however that one ends."""

    class Watch(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            stop.set()

    await asyncio.get_running_loop().connect_read_pipe(Watch, sys.stdin)


@contextlib.asynccontextmanager
async def _ledger_path(options: CarrierOptions) -> AsyncIterator[Path]:
    if options.ledger is not None:
        yield options.ledger
        return
    with tempfile.TemporaryDirectory(prefix="carrier-") as folder:
        yield Path(folder) / "ledger.tsv"
