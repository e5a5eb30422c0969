"""Receipts a second, each durable before its answer, against a bare ASGI app that answers 204 in the same run.

python -m benchmarks.receipts [RECEIPTS] [--connections 50] [--profile FILE]

Both run on uvicorn in a process of their own. The receipts are Twilio's callbacks, signed, two a message (`sent`,
`delivered`), over kept connections; ours verifies, parses, journals, folds and counts them in SQL before it answers.
A fifth of the calls then comes evenly spaced at half of the rate that was reached; each answer's time counts from the
instant at which its call was due.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

from sqlalchemy import func, select, update

from benchmarks.figures import keep
from benchmarks.place import applied_campaign, installation
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.receipts.fold import make_ref
from dispatcher.settings import Environment
from dispatcher.store.tables import messages, steps
from dispatcher.testing.carrier.faces.twilio_hooks import signature
from dispatcher.wiring import connect
from tests.servers import free_port

TOKEN = "simulator-token"
WORDS = ("sent", "delivered")


class Call(NamedTuple):
    path: str
    headers: Mapping[str, str]
    body: bytes


class Measured(NamedTuple):
    """Calls a second: ours, the bare app's; and within which time 99 of 100 are answered at half of our rate."""

    rate: float
    bare: float
    p99_ms: float


async def _answer_204(scope: Any, receive: Any, send: Any) -> None:
    """The least that a hook can do: read the body, answer."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def serve_bare(ready: Any, port: int) -> None:
    import uvicorn

    config = uvicorn.Config(_answer_204, port=port, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)

    async def run() -> None:
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        ready.set()
        await serving

    import uvloop

    uvloop.run(run())


def serve_ours(ready: Any, environ: dict[str, str], port: int, profile: str) -> None:
    import uvloop

    from dispatcher.web.server import serve

    context = connect(Environment(environ))
    if profile:
        _profiled(lambda: uvloop.run(serve(context, "127.0.0.1", port, lambda _: ready.set())), profile)
    else:
        uvloop.run(serve(context, "127.0.0.1", port, lambda _: ready.set()))


def _profiled(work: Callable[[], None], path: str) -> None:
    """All threads, the one that commits included."""
    import cProfile
    import threading

    inner = cProfile.Profile()
    original = threading.Thread.run

    def run(thread: threading.Thread) -> None:
        if thread.name.startswith("ingest"):
            inner.runcall(original, thread)
            inner.dump_stats(path + ".thread")
        else:
            original(thread)

    threading.Thread.run = run  # type: ignore[method-assign, assignment]
    outer = cProfile.Profile()
    outer.runcall(work)
    outer.dump_stats(path)


@contextmanager
def process(target: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """Runs `target(ready, *arguments)` until the block ends."""
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    server = spawn.Process(target=target, args=(ready, *arguments))
    server.start()
    try:
        if not ready.wait(30):
            raise RuntimeError("the server did not start")
        yield
    finally:
        server.terminate()
        server.join(20)


async def post(client: Any, url: str, call: Call) -> None:
    """An exception where it is not answered with 204."""
    answer = await client.post(url + call.path).headers(dict(call.headers)).body_bytes(call.body).build().send()
    if answer.status != 204:
        raise RuntimeError(f"answered with {answer.status}")


async def post_all(url: str, calls: Sequence[Call], connections: int) -> float:
    """Calls a second, as fast as so many callers get their answers."""
    from pyreqwest.client import ClientBuilder

    async with ClientBuilder().no_proxy().build() as client:
        waiting = iter(calls)

        async def drain() -> None:
            for call in waiting:
                await post(client, url, call)

        started = time.perf_counter()
        await asyncio.gather(*(drain() for _ in range(connections)))
        return len(calls) / (time.perf_counter() - started)


async def post_paced(url: str, calls: Sequence[Call], rate: float) -> float:
    """99th percentile in milliseconds, whether the server keeps up or not."""
    from pyreqwest.client import ClientBuilder

    async with ClientBuilder().no_proxy().build() as client:
        started = time.perf_counter()

        async def one(due: float, call: Call) -> float:
            await asyncio.sleep(due - time.perf_counter())
            await post(client, url, call)
            return time.perf_counter() - due

        took = await asyncio.gather(*(one(started + i / rate, call) for i, call in enumerate(calls)))
        return statistics.quantiles(took, n=100)[98] * 1e3


def measure(port: int, calls: Sequence[Call], connections: int) -> float:
    import uvloop

    return uvloop.run(post_all(f"http://127.0.0.1:{port}", calls, connections))


def bare(calls: Sequence[Call], connections: int) -> float:
    port = free_port()
    with process(serve_bare, port):
        return measure(port, calls, connections)


def ours(count: int, connections: int, *, postgres: bool, profile: str = "") -> Measured:
    """The bare app gets the very same calls."""
    import uvloop

    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    with installation(postgres=postgres, public_url=public_url) as (context, environ):
        message_ids = _accepted(context, count // len(WORDS))
        fifth = len(message_ids) // 5
        calls, paced = (callbacks(ids, public_url) for ids in (message_ids[fifth:], message_ids[:fifth]))
        base = bare(calls, connections)
        with process(serve_ours, environ, port, profile):
            rate = measure(port, calls, connections)
            p99_ms = uvloop.run(post_paced(public_url, paced, rate / 2))
        _check(context, len(message_ids))
        return Measured(rate, base, p99_ms)


def _accepted(context: Context, count: int) -> list[int]:
    """So many messages that the provider has taken."""
    applied_campaign(context, count)
    with context.database.read() as connection:
        step_id = connection.execute(select(steps.c.id)).scalar_one()
    Expander(context).expand(step_id)
    with context.database.begin() as connection:
        connection.execute(update(messages).values(status="accepted", attempt=1, begun_us=context.now_us()))
        return list(connection.execute(select(messages.c.id).order_by(messages.c.id)).scalars())


def callbacks(message_ids: Sequence[int], public_url: str) -> list[Call]:
    """`sent` of all, then `delivered` of all."""
    return [_callback(i, word, public_url) for word in WORDS for i in message_ids]


def _callback(message_id: int, word: str, public_url: str) -> Call:
    sid = f"SM{message_id:032x}"
    form = {
        "AccountSid": "AC" + "0" * 31 + "1", "ApiVersion": "2010-04-01", "From": "+15005550006", "MessageSid": sid,
        "MessageStatus": word, "SmsSid": sid, "SmsStatus": word, "To": "+6286000000001",
    }  # fmt: skip
    path = f"/hooks/carrier?m={make_ref(message_id, 1)}"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": signature(TOKEN, public_url + path, form),
    }
    return Call(path, headers, urlencode(form).encode())


def _check(context: Context, count: int) -> None:
    with context.database.read() as connection:
        delivered = connection.execute(select(func.count()).where(messages.c.status == "delivered")).scalar_one()
    if delivered != count:
        raise RuntimeError(f"{delivered} of {count} messages are delivered")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("receipts", type=int, nargs="?", default=20_000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--profile", default="", help="Where to write cProfile's figures of the web process.")
    arguments = parser.parse_args()
    for name, postgres in (("Postgres", True), ("SQLite", False)):
        got = ours(arguments.receipts, arguments.connections, postgres=postgres, profile=arguments.profile)
        print(f"bare ASGI app                  {got.bare:>8,.0f} calls/s")
        print(f"durable receipts, {name:<12} {got.rate:>8,.0f} receipts/s   {got.rate / got.bare:.2f} of the bare app")
        keep(f"receipts {name}", per_s=got.rate, ratio=got.rate / got.bare, p99_ms=got.p99_ms)
        print(f"  99 of 100 answered, at half   {got.p99_ms:>7,.0f} ms")


if __name__ == "__main__":
    main()
