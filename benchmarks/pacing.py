"""A sender's rate with two workers: never exceeded (invariant 9), and used, as the carrier's ledger tells.

python -m benchmarks.pacing [RATE ...] [--seconds 30]

Exit code 1 where a rate was exceeded. The share that is used says something on a machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time

from sqlalchemy import select

from benchmarks.figures import keep
from benchmarks.place import applied_campaign, await_workers, celery_workers, installation
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.operations.progress import standing_of
from dispatcher.operations.sender_control import pause, resume
from dispatcher.store.senders import find_sender, set_sender_rate
from dispatcher.store.tables import steps
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from tests.chaos.checks import SECOND_US, TOLERANCE_US, most_within

RATES = (20, 80, 1000)
WORKERS = 2
FROM = "+15005550006"


def accepted(rate: int, seconds: int) -> list[int]:
    """When the carrier took each message of so many seconds of sending, in µs. The workers are up before the first."""
    with (
        CarrierProcess(CarrierOptions(bare=True)) as carrier,
        installation(carrier.url, postgres=True, redis=True) as (context, environ),
    ):
        _prepared(context, rate, rate * seconds)
        pause(context, "carrier", "until the workers are up", "bench")
        with celery_workers(environ, WORKERS):
            await_workers(environ, WORKERS)
            resume(context, "carrier", "bench")
            while not standing_of(context, "ukur").is_over:
                time.sleep(0.2)
        return carrier.ledger.accept_times(FROM)


def _prepared(context: Context, rate: int, contacts: int) -> None:
    """All messages wait, at the rate, before a worker starts."""
    applied_campaign(context, contacts)
    with context.database.begin() as connection:
        sender = find_sender(connection, "carrier")
        assert sender is not None
        set_sender_rate(connection, sender.id, rate, "message", reweigh=False)
        step_id = connection.execute(select(steps.c.id)).scalar_one()
    Expander(context).expand(step_id)


def _used(at_us: list[int], rate: int) -> float:
    """The share of the rate, without the last second: what is left to send then may be less than the rate allows."""
    full = [at for at in at_us if at <= at_us[-1] - SECOND_US]
    if len(full) < rate:
        raise SystemExit("less than two seconds tell nothing of a rate")
    return (len(full) - 1) / ((full[-1] - full[0]) / SECOND_US) / rate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rates", nargs="*", type=int, default=RATES, metavar="RATE")
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    exceeded = False
    for rate in options.rates:
        at_us = accepted(rate, options.seconds)
        most = most_within(at_us, SECOND_US - TOLERANCE_US)
        used = _used(at_us, rate)
        longest_ms = max(b - a for a, b in itertools.pairwise(at_us)) // 1000
        exceeded |= most > rate
        keep(f"pacing {rate}", used_ratio=used, most=most, longest_ms=longest_ms)
        print(f"{rate:5d}/s: most within a second {most}, {used:.1%} used, longest pause {longest_ms} ms", flush=True)
    return int(exceeded)


if __name__ == "__main__":
    sys.exit(main())
