"""People stop in the middle of a large send, through every way: nobody is sent to more than 1 s after the commit.

python -m benchmarks.stops [MESSAGES] [--rate 1000] [--per-second 40] [--sqlite | --postgres]

The carrier's ledger says when a message came; a stop is counted from an instant that is not later than its commit.
Embedded: `dispatcher up` on SQLite. At scale: `dispatcher web` and two Celery workers on Postgres and Redis. The exit
code is 1 where a message came more than a second after its stop (invariant 8), or twice.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, update

from benchmarks.figures import keep
from benchmarks.place import applied_campaign, celery_workers, installation
from benchmarks.stoppers import Stop, Stoppers, by_way
from dispatcher.core.clock import SECOND_US
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.operations.progress import standing_of
from dispatcher.store.tables import campaigns, messages, steps
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from tests.servers import free_port

WORKERS = 2
LONGEST_US = SECOND_US
_DISPATCHER = str(Path(sys.executable).with_name("dispatcher"))


@dataclass(frozen=True)
class Found:
    """`late_us`: of messages that came after their stop, by how much. `in_time`: stops after which nothing came."""

    stops: list[Stop]
    late_us: list[int]
    in_time: int
    cancelled: int
    accepted: int
    made: int
    twice: int

    @property
    def largest_us(self) -> int:
        return max(self.late_us, default=0)

    @property
    def holds(self) -> bool:
        return self.largest_us <= LONGEST_US and not self.twice


def stop_in_mid_send(count: int, rate: int, per_s: float, *, postgres: bool) -> Found:
    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    senders = {"carrier": f'rate: "{rate} msg/s"'}
    with (
        CarrierProcess(CarrierOptions(bare=True)) as carrier,
        installation(carrier.url, postgres=postgres, redis=postgres, public_url=public_url, senders=senders) as (
            context,
            environ,
        ),
    ):
        made = _prepared(context, count)
        stoppers = Stoppers(context, carrier, f"{public_url}/hooks/carrier", rate, per_s)
        with _sending(environ, port, postgres=postgres), stoppers:
            while not standing_of(context, "ukur").is_over and not stoppers.failures:
                time.sleep(0.2)
        if stoppers.failures:
            raise stoppers.failures[0]
        return _found(context, carrier, stoppers.stops(), made)


def _prepared(context: Context, count: int) -> int:
    """All messages wait before anybody sends or stops. So many stops would make the campaign pause itself: not here."""
    applied_campaign(context, count)
    with context.database.begin() as connection:
        connection.execute(update(campaigns).values(breaker_off=True))
        step_id = connection.execute(select(steps.c.id)).scalar_one()
    Expander(context).expand(step_id)
    with context.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(messages)).scalar_one())


@contextmanager
def _sending(environ: dict[str, str], port: int, *, postgres: bool) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(_listening("web" if postgres else "up", environ, port))
        if postgres:
            stack.enter_context(celery_workers(environ, WORKERS))
        yield


@contextmanager
def _listening(command: str, environ: dict[str, str], port: int) -> Iterator[None]:
    """`dispatcher web`, or `up`, which sends as well."""
    with tempfile.NamedTemporaryFile("w+") as words:
        process = subprocess.Popen(
            [_DISPATCHER, command, "--port", str(port)],
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stderr=words,
        )
        try:
            while "Listening" not in Path(words.name).read_text():
                if process.poll() is not None:
                    raise RuntimeError(Path(words.name).read_text()[-2000:])
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(60)


def _found(context: Context, carrier: CarrierProcess, stops: list[Stop], made: int) -> Found:
    ledger = carrier.ledger
    came_us = {str(one["to"]): int(one["time_us"]) for one in ledger.messages()}
    late = [came_us[stop.number] - stop.committed_us for stop in stops if stop.number in came_us]
    cancelled = select(func.count()).select_from(messages).where(messages.c.status == "cancelled")
    with context.database.read() as connection:
        return Found(
            stops,
            [us for us in late if us > 0],
            sum(stop.number not in came_us for stop in stops),
            connection.execute(cancelled).scalar_one(),
            ledger.accepted(),
            made,
            len(ledger.accepted_twice()),
        )


def _print(name: str, found: Found) -> None:
    keep(f"stops {name}", latest_ms=found.largest_us / 1000, twice=found.twice)
    print(f"{name}: {len(found.stops):,} stops in a send of {found.made:,} ({by_way(found.stops)})")
    print(f"  {found.cancelled:,} messages were cancelled, {found.accepted:,} came; {found.twice} came twice")
    print(f"  {len(found.late_us):,} came after their stop, the latest {found.largest_us / 1000:,.0f} ms after it")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("messages", type=int, nargs="?", default=50_000)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--per-second", type=float, default=40, help="stops")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--sqlite", action="store_true", help="only embedded")
    where.add_argument("--postgres", action="store_true", help="only at scale")
    options = parser.parse_args()
    holds = True
    for name, postgres, wanted in (
        ("embedded, SQLite", False, not options.postgres),
        (f"Postgres, {WORKERS} Celery workers", True, not options.sqlite),
    ):
        if wanted:
            found = stop_in_mid_send(options.messages, options.rate, options.per_second, postgres=postgres)
            _print(name, found)
            holds &= found.holds
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
