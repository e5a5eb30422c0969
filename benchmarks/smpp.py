"""SMPP: our adapter against bare smpp34, in turns, against the same SMS centre (smpp34's own server, another process).

    python -m benchmarks.smpp [MESSAGES]

Window 50, one text of 107 characters, each answered at once, no receipts. Wanted: at least half of what is done bare.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import smpp34
import uvloop

from benchmarks.figures import keep
from dispatcher.spi import Accepted, HttpClient, OutboundMessage, PooledClient
from dispatcher_channels.smpp import SmppChannel, SmppConfig

TEXT = "Bapak/Ibu yang terhormat, pemungutan suara berlangsung Rabu, 14 Februari pukul 07.00-13.00 WIB di TPS Anda."
WINDOW = 50
TURNS = 5


def centre(ready: Connection, port: int) -> None:
    async def serve() -> None:
        server = smpp34.Server("127.0.0.1", port)
        await server.start()
        ready.send(True)
        number = 0
        while True:
            event = await server.next()
            if isinstance(event, smpp34.SubmitSmEvent):
                number += 1
                event.accept(f"{number:x}")

    asyncio.run(serve())


async def spread(count: int, one: Callable[[int], Awaitable[object]]) -> float:
    """Messages a second with a window of them under way."""
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            await one(number)

    started_s = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(WINDOW)))
    return count / (time.perf_counter() - started_s)


async def bare(port: int, count: int) -> float:
    client = smpp34.Client("127.0.0.1", port, "bench", "secret", bind_type="TRX", window_size=WINDOW)
    session = await client.connect()
    octets = TEXT.encode()

    async def one(number: int) -> None:
        answer = await session.submit_sm(f"62812{number:08}", octets, source_addr="INFO", registered_delivery=1)
        assert answer.is_success

    rate = await spread(count, one)
    await session.unbind()
    await client.stop()
    return rate


async def ours(port: int, count: int, http: HttpClient) -> float:
    settings = {"host": "127.0.0.1", "port": port, "system_id": "bench", "password": "secret", "from": "INFO"}
    channel = SmppChannel(SmppConfig.model_validate({**settings, "window": WINDOW}), http)

    async def one(number: int) -> None:
        outcome = await channel.send(OutboundMessage(f"{number}.1", f"+62812{number:08}", text=TEXT))
        assert isinstance(outcome, Accepted)

    rate = await spread(count, one)
    await channel.close()
    return rate


async def measure(port: int, count: int) -> int:
    http = PooledClient()
    rates: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(TURNS):
        rates["bare"].append(await bare(port, count))
        rates["ours"].append(await ours(port, count, http))
    await http.close()
    middle = {name: statistics.median(found) for name, found in rates.items()}
    ratio = middle["ours"] / middle["bare"]
    print(f"bare smpp34 {middle['bare']:8,.0f} msg/s   smpp adapter {middle['ours']:8,.0f} msg/s   ratio {ratio:.2f}")
    keep("smpp", ratio=ratio, per_s=middle["ours"])
    return 0 if ratio >= 0.5 else 1


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    port = free_port()
    context = multiprocessing.get_context("spawn")
    ready, theirs = context.Pipe()
    process = context.Process(target=centre, args=(theirs, port), daemon=True)
    process.start()
    ready.recv()
    try:
        return uvloop.run(measure(port, count))
    finally:
        process.terminate()
        process.join()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
