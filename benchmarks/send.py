"""Messages sent a second through the Twilio face of a loopback carrier, against a bare client loop in the same run.

python -m benchmarks.send [MESSAGES] [--workers 2] [--rounds 6]

Bare: one process, one pooled pyreqwest client, 64 requests at a time, nothing stored. Naive: benchmarks/naive.py, with
a tenth of the messages. Ours: claimed, begun, recorded and counted in SQL; embedded on SQLite, and two Celery workers
on Postgres and Redis. They take turns, and the best of each counts: what else a machine does slows one down and never
makes it faster. The same carrier serves all, and what a message costs it is told.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psutil
from sqlalchemy import func, select

from benchmarks import naive
from benchmarks.carrier import bodies, create_all
from benchmarks.figures import keep
from benchmarks.place import applied_campaign, celery_workers, installation
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.operations.progress import standing_of
from dispatcher.queue.embedded import run_until_done
from dispatcher.store.tables import messages, steps
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from tests.integration.engine.conservation import assert_conserved

CONNECTIONS = 64
NAMES = {
    "bare": "bare client loop",
    "naive": "naive: Celery, SDK, commits",
    "embedded": "embedded, SQLite",
    "scaled": "Postgres + Redis, workers",
}


class Measured(NamedTuple):
    """Messages a second, and what one costs the carrier in µs of processor time."""

    rate: float
    carrier_us: float


@contextmanager
def watched(count: int) -> Iterator[tuple[CarrierProcess, Callable[[float], Measured]]]:
    """A carrier that says nothing of its own accord, and what makes a figure of a rate."""
    with CarrierProcess(CarrierOptions(bare=True)) as carrier:
        process = psutil.Process(carrier.pid)
        before_s = sum(process.cpu_times()[:2])
        yield carrier, lambda rate: Measured(rate, (sum(process.cpu_times()[:2]) - before_s) / count * 1e6)


def bare(count: int) -> Measured:
    """A client that stores nothing."""
    import uvloop

    with watched(count) as (carrier, measured):
        forms: Iterator[bytes] = iter(list(bodies(count, "")))
        started = time.perf_counter()
        uvloop.run(create_all(carrier, forms, CONNECTIONS))
        return measured(count / (time.perf_counter() - started))


def usual(count: int) -> Measured:
    """The naive design."""
    with watched(count) as (carrier, measured):
        return measured(naive.measure(carrier, count))


def embedded(contacts: int) -> Measured:
    """SQLite, one process."""
    with watched(contacts) as (carrier, measured), installation(carrier.url) as (context, _):
        _expanded(context, contacts)
        run_until_done(context, "ukur")
        _check(context, carrier)
        return measured(_rate(context))


def scaled(contacts: int, workers: int) -> Measured:
    """Postgres and Redis, several workers."""
    with (
        watched(contacts) as (carrier, measured),
        installation(carrier.url, postgres=True, redis=True) as (context, environ),
    ):
        _expanded(context, contacts)
        with celery_workers(environ, workers):
            while not standing_of(context, "ukur").is_over:
                time.sleep(0.2)
        _check(context, carrier)
        return measured(_rate(context))


def _check(context: Context, carrier: CarrierProcess) -> None:
    """Invariant 11, and nothing twice or lost: a figure that was reached by less counts for nothing."""
    with context.database.read() as connection:
        assert_conserved(connection)
        stored = connection.execute(select(func.count()).select_from(messages)).scalar_one()
    ledger = carrier.ledger
    if ledger.accepted_twice() or ledger.accepted() != stored:
        raise SystemExit(f"of {stored} messages the carrier has {ledger.accepted()}")


def _expanded(context: Context, contacts: int) -> None:
    """Expansion is measured elsewhere: all messages wait before the clock starts."""
    applied_campaign(context, contacts)
    with context.database.read() as connection:
        step_id = connection.execute(select(steps.c.id)).scalar_one()
    Expander(context).expand(step_id)


def _rate(context: Context) -> float:
    """Of the last three quarters, by the database's clock: the first sees processes start and connections open."""
    m = messages.c
    with context.database.read() as connection:
        begun = (
            connection.execute(select(m.begun_us).where(m.status == "accepted").order_by(m.begun_us)).scalars().all()
        )
        last = connection.execute(select(func.max(m.ended_us))).scalar_one()
    warm = begun[len(begun) // 4 :]
    return float(len(warm) / ((last - warm[0]) / 1e6))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("messages", type=int, nargs="?", default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=6)
    arguments = parser.parse_args()
    count: int = arguments.messages
    contenders: dict[str, Callable[[], Measured]] = {
        "bare": lambda: bare(count),
        "naive": lambda: usual(max(count // 10, 100)),
        "embedded": lambda: embedded(count),
        "scaled": lambda: scaled(count, arguments.workers),
    }
    found: dict[str, list[Measured]] = {name: [] for name in contenders}
    for _ in range(arguments.rounds):
        for name, measure in contenders.items():
            found[name].append(measure())
            print(f"{NAMES[name]:<34} {found[name][-1].rate:>8,.0f} messages/s", flush=True)
    best = {name: max(rates) for name, rates in found.items()}
    print(f"\nThe best of {arguments.rounds}:")
    for name, one in best.items():
        print(
            f"{NAMES[name]:<34} {one.rate:>8,.0f} messages/s   {one.rate / best['bare'].rate:5.2f} of the bare loop"
            f"   {one.rate / best['naive'].rate:5.1f} x the naive design   carrier {one.carrier_us:3.0f} us a message"
        )
    for name in ("embedded", "scaled"):
        rate = best[name].rate
        naive_ratio = rate / best["naive"].rate
        keep(f"send {name}", per_s=rate, bare_ratio=rate / best["bare"].rate, naive_ratio=naive_ratio)


if __name__ == "__main__":
    main()
