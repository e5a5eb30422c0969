"""Rows imported a second, end to end, against the bare baseline: the same rows read and inserted with nothing else.

python -m benchmarks.import_contacts [ROWS] [--postgres]

The baseline is csv.reader and executemany (SQLite) or COPY (Postgres) into one table without keys. SQLite lives in a
temporary folder; Postgres is TEST_DATABASE_URL's server, or a private one.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from benchmarks.figures import keep
from dispatcher.operations.context import Context
from dispatcher.operations.import_contacts import import_contacts
from dispatcher.operations.import_result import ImportOptions
from dispatcher.settings import Environment
from dispatcher.store.engine import Database
from dispatcher.store.keys import Keys
from dispatcher.store.migrate import upgrade
from dispatcher.testing.synthetic import COLUMNS, write_csv
from tests.servers import Databases, PostgresServer

_BATCH = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="?", default=100_000)
    parser.add_argument("--postgres", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contacts.csv"
        write_csv(path, arguments.rows)
        with _fresh(Path(folder), postgres=arguments.postgres) as url:
            _measure_all(path, url, arguments.rows)


def _measure_all(path: Path, url: str, rows: int) -> None:
    database = Database(url)
    context = Context(Environment({}), database, Keys(b"s" * 32, b"k" * 32))
    bare_s = _timed(lambda: _bare(database, path))
    first_s = _timed(lambda: import_contacts(context, path, ImportOptions()))
    again_s = _timed(lambda: import_contacts(context, path, ImportOptions()))
    database.close()
    peak_mib = max(resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    kind = "SQLite" if database.is_sqlite else "Postgres"
    print(f"{kind}, {rows:,} rows")
    print(f"  bare baseline    {rows / bare_s:>10,.0f} rows/s")
    print(f"  import           {rows / first_s:>10,.0f} rows/s   {bare_s / first_s:.2f} of the baseline")
    print(f"  the same again   {rows / again_s:>10,.0f} rows/s")
    print(f"  peak memory      {peak_mib:>10,.0f} MiB in the larger of the two processes")
    keep(f"import {kind}", per_s=rows / first_s, ratio=bare_s / first_s, peak_mib=peak_mib)


def _timed(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


def _bare(database: Database, path: Path) -> None:
    names = ", ".join(COLUMNS)
    with database.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE bare ({', '.join(f'{name} text' for name in COLUMNS)})")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        while batch := list(map(tuple, islice(reader, _BATCH))):
            with database.begin() as connection:
                if database.is_sqlite:
                    marks = ", ".join("?" * len(COLUMNS))
                    connection.exec_driver_sql(f"INSERT INTO bare VALUES ({marks})", batch)
                    continue
                driver = connection.connection.driver_connection
                assert driver is not None
                with driver.cursor() as cursor, cursor.copy(f"COPY bare ({names}) FROM STDIN") as copy:
                    for row in batch:
                        copy.write_row(row)


@contextmanager
def _fresh(folder: Path, *, postgres: bool) -> Iterator[str]:
    """A migrated database of its own."""
    if not postgres:
        url = f"sqlite:///{folder / 'bench.db'}"
        upgrade(url)
        yield url
        return
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        with Databases(given, upgrade).fresh() as url:
            yield url
        return
    with PostgresServer(durable=True) as server:
        databases = Databases(server.url(), upgrade)
        with databases.fresh() as url:
            yield url
        databases.close()


if __name__ == "__main__":
    main()
