"""What grows must not slow: the same work beside ten thousand, a hundred thousand, a million messages of the past.

python -m benchmarks.growth [ROWS ...] [--rounds 3] [--sqlite | --postgres]

An installation for each size, with so many messages of finished campaigns (benchmarks/past.py). They take turns:
each expands and sends a new campaign, embedded, and what `campaign status`, `report` and `list` ask the database is
timed, of the campaign while it waits and of a finished one of a hundred thousand. The best of each counts.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import psutil
from sqlalchemy import func, select, text

from benchmarks.figures import keep
from benchmarks.past import CAMPAIGN_SIZE, assert_counted, store_past
from benchmarks.place import applied_campaign, apply_another, installation
from benchmarks.sql_time import sql_time
from dispatcher.audience.groups import GROUPS
from dispatcher.operations.campaign_list import list_campaigns
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.operations.report import campaign_report
from dispatcher.operations.status import campaign_status
from dispatcher.queue.embedded import run_until_done
from dispatcher.store.by_step import of_steps
from dispatcher.store.tables import campaigns, messages, steps
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess

AUDIENCE = f"{{groups: [{', '.join(GROUPS)}]}}"
"""The contacts of the new campaign: copies of them are in no group."""

WANTED_TIMES = 1.15
WANTED_MS = 300


@dataclass
class Place:
    """`expand_us`, `send_us`: per message, the best so far. `asked_ms`: of the database by each command, likewise."""

    rows: int
    context: Context
    carrier: CarrierProcess
    finished: str
    sent: int
    expand_us: float = float("inf")
    send_us: float = float("inf")
    asked_ms: dict[str, float] = field(default_factory=dict)
    slowest: dict[str, str] = field(default_factory=dict)
    rss_mib: float = 0.0

    def ask(self, name: str, command: Callable[[], object]) -> None:
        with sql_time(self.context.database.engine) as spent:
            command()
        took_ms = sum(spent.values()) * 1e3
        if took_ms < self.asked_ms.get(name, float("inf")):
            self.asked_ms[name], self.slowest[name] = took_ms, _most(spent)

    def work(self, number: int) -> None:
        """A new campaign, expanded, looked at while it waits, and sent."""
        slug = f"ukur-{number}"
        apply_another(self.context, slug, AUDIENCE)
        with self.context.database.read() as connection:
            mine = select(steps.c.id).join(campaigns, campaigns.c.id == steps.c.campaign_id)
            step_id = connection.execute(mine.where(campaigns.c.slug == slug)).scalar_one()
        expander = Expander(self.context)
        started = time.perf_counter()
        expander.expand(step_id)
        took_s = time.perf_counter() - started
        self.look(slug, "running")
        run_until_done(self.context, slug)
        count, sent_us = _sent(self.context, step_id)
        self.sent += count
        self.expand_us = min(self.expand_us, took_s / count * 1e6)
        self.send_us = min(self.send_us, sent_us)
        self.look(self.finished, "finished")
        self.ask("list", lambda: list_campaigns(self.context))
        self.rss_mib = psutil.Process().memory_info().rss / 2**20

    def look(self, slug: str, kind: str) -> None:
        for _ in range(2):
            self.ask(f"status, {kind}", lambda: campaign_status(self.context, slug))
            self.ask(f"status --why, {kind}", lambda: campaign_status(self.context, slug, why=True))
            self.ask(f"report, {kind}", lambda: campaign_report(self.context, slug))


def _most(spent: Counter[str]) -> str:
    statement, took_s = spent.most_common(1)[0]
    return f"{took_s * 1e3:,.1f} ms {' '.join(statement.split())[:150]}"


def _sent(context: Context, step_id: int) -> tuple[int, float]:
    """Messages of a step, and µs for each of the last three quarters: the first sees threads and connections start."""
    m = messages.c
    with context.database.read() as connection:
        mine = of_steps(connection, [step_id])
        begun = connection.execute(select(m.begun_us).where(mine).order_by(m.begun_us)).scalars().all()
        last = connection.execute(select(func.max(m.ended_us)).where(mine)).scalar_one()
    warm = begun[len(begun) // 4 :]
    return len(begun), (last - warm[0]) / len(warm)


def prepared(stack: ExitStack, rows: int, contacts: int, people: int, *, postgres: bool) -> Place:
    carrier = stack.enter_context(CarrierProcess(CarrierOptions(bare=True)))
    context, _ = stack.enter_context(installation(carrier.url, postgres=postgres))
    if postgres:
        with context.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # of a server for so many rows; else the making of them is mostly checkpoints
            connection.execute(text("ALTER SYSTEM SET max_wal_size = '8GB'"))
            connection.execute(text("SELECT pg_reload_conf()"))
    applied_campaign(context, contacts)
    run_until_done(context, "ukur")
    started = time.perf_counter()
    sent = carrier.ledger.accepted()
    slugs = store_past(context, "ukur", rows, people)
    print(f"{rows:>12,} messages of the past in {time.perf_counter() - started:,.0f} s", flush=True)
    assert_counted(context)
    return Place(rows, context, carrier, slugs[len(slugs) // 2], sent)


def measure(sizes: list[int], contacts: int, rounds: int, *, postgres: bool) -> list[Place]:
    with ExitStack() as stack:
        people = min(max(sizes), CAMPAIGN_SIZE)  # the same everywhere: only messages grow
        places = [prepared(stack, rows, contacts, people, postgres=postgres) for rows in sizes]
        for number in range(rounds):
            for place in places:
                place.work(number)
                print(f"{place.rows:>12,}: {place.expand_us:,.0f} + {place.send_us:,.0f} us so far", flush=True)
        for place in places:
            assert_counted(place.context)
            if place.carrier.ledger.accepted() != place.sent:
                raise SystemExit(f"of {place.sent} messages the carrier has {place.carrier.ledger.accepted()}")
        return places


def show(places: list[Place], kind: str) -> None:
    first = places[0]
    print(f"\n{kind:<12}{'expand':>9}{'send':>8}{'both':>8}{'memory':>12}")
    for place in places:
        both = place.expand_us + place.send_us
        times = both / (first.expand_us + first.send_us)
        print(
            f"{place.rows:>12,}{place.expand_us:>6,.0f} us{place.send_us:>5,.0f} us{times:>8.2f}"
            f"{place.rss_mib:>8,.0f} MiB"
        )
    print("\nasked of the database, ms" + "".join(f"{place.rows:>14,}" for place in places))
    for name in first.asked_ms:
        print(f"{name:<25}" + "".join(f"{place.asked_ms[name]:>14,.1f}" for place in places))
    print("\nmost of it, in the largest:")
    for name, statement in places[-1].slowest.items():
        print(f"  {name}: {statement}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--contacts", type=int, default=10_000, help="of the new campaigns")
    parser.add_argument("--rounds", type=int, default=3)
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--sqlite", action="store_true")
    kinds.add_argument("--postgres", action="store_true")
    arguments = parser.parse_args()
    for kind, is_wanted in (("SQLite", not arguments.postgres), ("Postgres", not arguments.sqlite)):
        if not is_wanted:
            continue
        places = measure(arguments.rows, arguments.contacts, arguments.rounds, postgres=kind == "Postgres")
        show(places, kind)
        first, last = places[0], places[-1]
        keep(
            f"growth {kind}",
            rows=last.rows,
            times=(last.expand_us + last.send_us) / (first.expand_us + first.send_us),
            report_ms=last.asked_ms["report, finished"],
            status_ms=last.asked_ms["status --why, running"],
        )


if __name__ == "__main__":
    main()
