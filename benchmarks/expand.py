"""Messages expanded a second (select, consent, render, seal, store), against bare COPY or executemany of the same rows.

python -m benchmarks.expand [CONTACTS] [--postgres]
"""

from __future__ import annotations

import argparse
import resource
import time

from sqlalchemy import select, text

from benchmarks.figures import keep
from benchmarks.place import applied_campaign, installation
from dispatcher.operations.context import Context
from dispatcher.operations.expand import PAGE, Expander
from dispatcher.store.load import load
from dispatcher.store.tables import messages, steps


def measure(contacts: int, *, postgres: bool) -> dict[str, float]:
    """Rows a second of both, their ratio, our processor time a person, and the peak of memory before the bare rows."""
    with installation(postgres=postgres) as (context, _):
        applied_campaign(context, contacts)
        with context.database.read() as connection:
            step_id = connection.execute(select(steps.c.id)).scalar_one()
        expander = Expander(context)
        started, cpu_s = time.perf_counter(), time.process_time()
        expander.expand(step_id)
        ours_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_s
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        stored, bare_s = _bare(context)
    return {
        "contacts": contacts,
        "messages": stored,
        "expanded_per_s": contacts / ours_s,
        "bare_rows_per_s": stored / bare_s,
        "ratio": (stored / ours_s) / (stored / bare_s),
        "cpu_us": cpu_s / contacts * 1e6,
        "peak_mib": peak_kib / 1024,
    }


def _bare(context: Context) -> tuple[int, float]:
    """The rows that the expansion stored, put into a table of the same columns without keys, in the same batches."""
    with context.database.begin() as connection:
        connection.execute(text("CREATE TABLE bare AS SELECT * FROM messages WHERE false"))
    bare = messages.to_metadata(type(messages.metadata)(), name="bare")
    columns = [column.name for column in messages.columns]
    stored, took_s, last = 0, 0.0, 0
    while True:
        with context.database.read() as connection:
            page = select(messages).where(messages.c.id > last).order_by(messages.c.id).limit(PAGE)
            rows = [tuple(row) for row in connection.execute(page)]
        if not rows:
            return stored, took_s
        started = time.perf_counter()
        with context.database.begin() as connection:
            load(connection, bare, columns, rows)
        took_s += time.perf_counter() - started
        stored, last = stored + len(rows), rows[-1][0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contacts", type=int, nargs="?", default=50_000)
    parser.add_argument("--postgres", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.contacts, postgres=arguments.postgres)
    print(f"{'Postgres' if arguments.postgres else 'SQLite'}, {found['messages']:,} messages")
    print(f"  bare rows     {found['bare_rows_per_s']:>10,.0f} rows/s")
    print(f"  expansion     {found['expanded_per_s']:>10,.0f} people/s   {found['ratio']:.2f} of the bare rows")
    print(f"  processor     {found['cpu_us']:>10,.0f} us a person, of this process")
    keep(
        f"expand {'Postgres' if arguments.postgres else 'SQLite'}",
        per_s=found["expanded_per_s"],
        ratio=found["ratio"],
        cpu_us=found["cpu_us"],
        peak_mib=found["peak_mib"],
    )
    print(f"  peak memory   {found['peak_mib']:>10,.0f} MiB, of import, plan and expansion")


if __name__ == "__main__":
    main()
