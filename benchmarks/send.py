"""Messages sent a second through the Twilio face of a loopback carrier, against a bare client loop in the same run.

python -m benchmarks.send [MESSAGES] [--workers 2] [--rounds 6]

Bare: one process, one pooled pyreqwest client, 64 requests at a time, nothing stored. Ours: claimed, begun, recorded
and counted in SQL; embedded on SQLite, and two Celery workers on Postgres and Redis. They take turns, and the best of
each counts: what else a machine does slows one down and never makes it faster.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

from sqlalchemy import func, select

from benchmarks.carrier import bodies, create_all
from benchmarks.place import applied_campaign, celery_workers, installation
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.operations.progress import standing_of
from dispatcher.queue.embedded import run_until_done
from dispatcher.store.tables import messages, steps
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess

CONNECTIONS = 64


def bare(count: int) -> float:
    """Creates a second of a client that stores nothing."""
    with CarrierProcess(CarrierOptions(bare=True)) as carrier:
        forms: Iterator[bytes] = iter(list(bodies(count, "")))
        started = time.perf_counter()
        import uvloop

        uvloop.run(create_all(carrier, forms, CONNECTIONS))
        return count / (time.perf_counter() - started)


def embedded(contacts: int) -> float:
    """SQLite, one process."""
    with CarrierProcess(CarrierOptions(bare=True)) as carrier, installation(carrier.url) as (context, _):
        _expanded(context, contacts)
        run_until_done(context, "ukur")
        return _rate(context)


def scaled(contacts: int, workers: int) -> float:
    """Postgres and Redis, several workers."""
    with (
        CarrierProcess(CarrierOptions(bare=True)) as carrier,
        installation(carrier.url, postgres=True, redis=True) as (context, environ),
    ):
        _expanded(context, contacts)
        with celery_workers(environ, workers):
            while not standing_of(context, "ukur").is_over:
                time.sleep(0.2)
        return _rate(context)


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
    contenders: dict[str, Callable[[], float]] = {
        "bare client loop": lambda: bare(arguments.messages),
        "embedded, SQLite": lambda: embedded(arguments.messages),
        f"Postgres + Redis, {arguments.workers} workers": lambda: scaled(arguments.messages, arguments.workers),
    }
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(arguments.rounds):
        for name, measure in contenders.items():
            found[name].append(measure())
            print(f"{name:<34} {found[name][-1]:>8,.0f} messages/s", flush=True)
    print(f"\nThe best of {arguments.rounds}:")
    base = max(found["bare client loop"])
    for name, rates in found.items():
        print(f"{name:<34} {max(rates):>8,.0f} messages/s   {max(rates) / base:.2f} of the bare loop")


if __name__ == "__main__":
    main()
