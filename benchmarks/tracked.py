"""Messages sustained a second, each sent, recorded, called back twice and folded, against a bare pair in the same run.

python -m benchmarks.tracked [MESSAGES] [--sqlite]

Bare: a pooled client loop that stores nothing, and an ASGI app that answers 204. Ours: one process that sends (embedded
workers) and one that listens (`dispatcher web`), on Postgres. The carrier is the same, in a process of its own; it
signs and posts `sent` and `delivered` some milliseconds after each create. The clock runs from the first attempt to
the commit of the last receipt.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import uvloop
from sqlalchemy import func, select

from benchmarks.carrier import SOON, bodies, create_all
from benchmarks.figures import keep
from benchmarks.place import applied_campaign, installation
from benchmarks.receipts import process, serve_bare, serve_ours
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.settings import Environment
from dispatcher.store.tables import messages, receipts, steps, tallies
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from dispatcher.wiring import connect
from tests.servers import free_port

CONNECTIONS = 64
CALLBACKS = 2
AT_ONCE = 256
_STALLED_S = 30.0


def bare(count: int) -> float:
    """Messages a second, created and called back, of a pair that stores nothing."""
    port = free_port()
    with (
        CarrierProcess(CarrierOptions(behaviour=SOON, callbacks_at_once=AT_ONCE)) as carrier,
        process(serve_bare, port),
    ):
        forms = list(bodies(count, f"http://127.0.0.1:{port}"))
        started = time.perf_counter()
        uvloop.run(create_all(carrier, iter(forms), CONNECTIONS))
        _await(lambda: int(carrier.summary()["callbacks"]["delivered"]), CALLBACKS * count)
        return count / (time.perf_counter() - started)


def ours(count: int, *, postgres: bool) -> tuple[float, float]:
    """Messages a second until all is folded; and until all is sent."""
    port = free_port()
    with (
        CarrierProcess(CarrierOptions(behaviour=SOON, callbacks_at_once=AT_ONCE)) as carrier,
        installation(carrier.url, postgres=postgres, public_url=f"http://127.0.0.1:{port}") as (context, environ),
    ):
        people = _expanded(context, count)
        with process(serve_ours, environ, port, ""), process(_send, environ):
            _await(lambda: _delivered(context), people)
        return _rates(context)


def _expanded(context: Context, contacts: int) -> int:
    """Expansion is measured elsewhere: all messages wait before the clock starts."""
    applied_campaign(context, contacts)
    with context.database.read() as connection:
        step_id = connection.execute(select(steps.c.id)).scalar_one()
    Expander(context).expand(step_id)
    with context.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(messages)).scalar_one())


def _send(ready: Any, environ: dict[str, str]) -> None:
    """Until SIGTERM."""
    import signal

    from dispatcher.queue.embedded import EmbeddedWorkers

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    context = connect(Environment(environ))
    with EmbeddedWorkers(context):
        ready.set()
        signal.sigwait({signal.SIGTERM})
    context.database.close()


def _delivered(context: Context) -> int:
    """From the counters: whoever counts the rows, five times a second, is a load of its own."""
    t = tallies.c
    statement = select(func.coalesce(func.sum(t.n), 0)).where(t.hop >= 0, t.status == "delivered")
    with context.database.read() as connection:
        return int(connection.execute(statement).scalar_one())


def _await(count: Any, wanted: int) -> None:
    """RuntimeError where nothing moves any more."""
    before, since = -1, time.monotonic()
    while (now := count()) < wanted:
        if now != before:
            before, since = now, time.monotonic()
        if time.monotonic() - since > _STALLED_S:
            raise RuntimeError(f"{now} of {wanted}, and nothing moves")
        time.sleep(0.2)


def _rates(context: Context) -> tuple[float, float]:
    m, r = messages.c, receipts.c
    with context.database.read() as connection:
        first, sent, count = connection.execute(select(func.min(m.begun_us), func.max(m.begun_us), func.count())).one()
        last, kept = connection.execute(select(func.max(r.received_us), func.count()).where(r.state == "folded")).one()
    if kept < CALLBACKS * count:
        raise RuntimeError(f"{kept} receipts of {count} messages")
    return float(count / ((last - first) / 1e6)), float(count / ((sent - first) / 1e6))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("messages", type=int, nargs="?", default=20_000)
    parser.add_argument("--sqlite", action="store_true", help="instead of Postgres")
    arguments = parser.parse_args()
    base = bare(arguments.messages)
    print(f"bare client and bare ASGI app      {base:>8,.0f} messages/s, {CALLBACKS} callbacks each")
    tracked, sent = ours(arguments.messages, postgres=not arguments.sqlite)
    name = "SQLite" if arguments.sqlite else "Postgres"
    keep(f"tracked {name}", per_s=tracked, ratio=tracked / base)
    print(f"tracked, {name:<25} {tracked:>8,.0f} messages/s   {tracked / base:.2f} of the bare pair")
    print(f"  of these, sending alone took     {sent:>8,.0f} messages/s")


if __name__ == "__main__":
    main()
