"""Messages expanded a second (select, consent, render, seal, store), against bare COPY or executemany of the same rows.

python -m benchmarks.expand [CONTACTS] [--postgres]
"""

from __future__ import annotations

import argparse
import resource
import time

from sqlalchemy import select, text

from benchmarks.place import applied_campaign, installation
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.store.load import load
from dispatcher.store.tables import messages, steps


def measure(contacts: int, *, postgres: bool) -> dict[str, float]:
    """Rows a second of both, their ratio, and the peak of resident memory."""
    with installation(postgres=postgres) as (context, _):
        applied_campaign(context, contacts)
        with context.database.read() as connection:
            step_id = connection.execute(select(steps.c.id)).scalar_one()
        expander = Expander(context)
        started = time.perf_counter()
        expander.expand(step_id)
        ours_s = time.perf_counter() - started
        stored, bare_s = _bare(context)
    return {
        "contacts": contacts,
        "messages": stored,
        "expanded_per_s": contacts / ours_s,
        "bare_rows_per_s": stored / bare_s,
        "ratio": (stored / ours_s) / (stored / bare_s),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _bare(context: Context) -> tuple[int, float]:
    """The rows that the expansion stored, put into a table of the same columns without keys, in the same batches."""
    with context.database.begin() as connection:
        rows = [tuple(row) for row in connection.execute(select(messages))]
        connection.execute(text("CREATE TABLE bare AS SELECT * FROM messages WHERE false"))
    bare = messages.to_metadata(type(messages.metadata)(), name="bare")
    columns = [column.name for column in messages.columns]
    started = time.perf_counter()
    for start in range(0, len(rows), 1000):
        with context.database.begin() as connection:
            load(connection, bare, columns, rows[start : start + 1000])
    return len(rows), time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contacts", type=int, nargs="?", default=50_000)
    parser.add_argument("--postgres", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.contacts, postgres=arguments.postgres)
    print(f"{'Postgres' if arguments.postgres else 'SQLite'}, {found['messages']:,} messages")
    print(f"  bare rows     {found['bare_rows_per_s']:>10,.0f} rows/s")
    print(f"  expansion     {found['expanded_per_s']:>10,.0f} people/s   {found['ratio']:.2f} of the bare rows")
    print(f"  peak memory   {found['peak_mib']:>10,.0f} MiB (both)")


if __name__ == "__main__":
    main()
