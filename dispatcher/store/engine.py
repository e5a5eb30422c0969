"""The database: SQLite embedded, Postgres at scale. Connections, transactions, its clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from dispatcher.core.clock import Clock
from dispatcher.core.errors import UnavailableError, UsageError

_SYNCHRONISE_EVERY_S = 3.0
_DEADLOCK_RETRIES = 5
_AT_COMMIT = "dispatcher: at commit"
_BUSY_S = 30
_BROKEN_OFF = frozenset({"40P01", "40001"})  # deadlock_detected, serialization_failure

_UNDEFINED_TABLE = "42P01"
_DISK_FULL = {"SQLITE_FULL", "53100"}
_SQLITE_HINTS = {
    "SQLITE_BUSY": "Another process is writing for long; run the command again.",
    "SQLITE_CANTOPEN": "Is there such a folder, and may this user write to it? Correct DATABASE_URL.",
    "SQLITE_NOTADB": "Correct DATABASE_URL; the file was left as it is.",
}

T = TypeVar("T")


def parse_url(url: str) -> URL:
    """Plain `postgresql://` and `sqlite:///` URLs to SQLAlchemy's; UsageError for anything else."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UsageError(
            "database-url", "DATABASE_URL is not a database address", "e.g. postgresql://user@host/name"
        ) from None
    backend = parsed.get_backend_name()
    if backend in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        return parsed.set(drivername="sqlite+pysqlite")
    raise UsageError("database-url", f"{backend} is not supported", "Use postgresql:// or sqlite:///")


class Database:
    """One database, shared by all threads of a process. Made lazily: no connection until the first use."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.clock = Clock()
        self.on_away: Callable[[UnavailableError], object] = lambda error: None
        """Told of each transaction that failed because the database is away."""
        self._synchronised_at = float("-inf")
        self._lock = threading.Lock()
        self._writer = threading.Lock()
        """SQLite: who writes in this process. SQLite itself waits by sleeping, longer each time."""
        self.engine: Engine = self._make_engine(pool_size)

    def _make_engine(self, pool_size: int) -> Engine:
        if not self.is_sqlite:
            return create_engine(
                self.url,
                poolclass=QueuePool,
                pool_size=pool_size,
                max_overflow=pool_size,
                hide_parameters=True,
                isolation_level="READ COMMITTED",
                connect_args={"connect_timeout": 5, "application_name": "dispatcher"},
            )
        engine = create_engine(
            self.url,
            hide_parameters=True,
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=pool_size,
            # one at a time may write: the same few connections do, and the caches of the others stay small
            pool_use_lifo=True,
            connect_args={"timeout": _BUSY_S, "check_same_thread": False},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        return engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that writes; on SQLite it takes the write lock at once (an upgrade would fail)."""
        is_ours = self.is_sqlite and self._writer.acquire(timeout=_BUSY_S)
        try:
            yield from self._transaction("BEGIN IMMEDIATE", None)
        finally:
            if is_ours:
                self._writer.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view, over all of its statements (invariant 11)."""
        yield from self._transaction("BEGIN", "REPEATABLE READ")

    def run(self, work: Callable[[Connection], T]) -> T:
        """`work` in a transaction that writes, again where the database broke a deadlock; `work` may run twice."""
        for attempt in range(_DEADLOCK_RETRIES):
            try:
                with self.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", "") not in _BROKEN_OFF or attempt == _DEADLOCK_RETRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _transaction(self, sqlite_begin: str, postgres_level: IsolationLevel | None) -> Iterator[Connection]:
        try:
            connection = self.engine.connect()
            if postgres_level is not None and not self.is_sqlite:
                connection = connection.execution_options(isolation_level=postgres_level)
        except DBAPIError as error:
            raise self._away(error) from None
        try:
            with connection, connection.begin():
                if self.is_sqlite:
                    connection.exec_driver_sql(sqlite_begin)
                connection.info[_AT_COMMIT] = {}
                yield connection
                for work, argument in connection.info.pop(_AT_COMMIT).items():
                    work(connection, argument)
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", "")
            away = error.connection_invalidated or isinstance(error, OperationalError) or state == _UNDEFINED_TABLE
            if away and state not in _BROKEN_OFF:
                raise self._away(error) from error
            raise

    def _away(self, error: DBAPIError) -> UnavailableError:
        away = self._explained(error)
        self.on_away(away)
        return away

    def _explained(self, error: DBAPIError) -> UnavailableError:
        kind = type(error.orig).__name__ if error.orig is not None else type(error).__name__
        detail = str(error.orig).splitlines()[0] if self.is_sqlite else kind
        where = self.url.database if self.is_sqlite else f"{self.url.host or 'localhost'}:{self.url.port or 5432}"
        name = str(getattr(error.orig, "sqlite_errorname", "") or getattr(error.orig, "sqlstate", ""))
        if name in _DISK_FULL:
            return UnavailableError(
                "disk-full",
                f"the disk that holds the database at {where} is full",
                "Free some space; nothing was lost.",
            )
        hint = "Start Postgres, or correct DATABASE_URL; nothing was lost, run the command again."
        if self.is_sqlite:
            hint = _SQLITE_HINTS.get(name, "Is the disk full or the folder read-only? Nothing was lost.")
        if "no such table" in detail or kind == "UndefinedTable":
            return UnavailableError("schema-missing", "the database has no tables yet", "Run: dispatcher db upgrade")
        return UnavailableError("database-away", f"the database at {where} does not answer ({detail})", hint)

    def now_us(self) -> int:
        """Now by the database's clock, through an offset that is read again every few seconds."""
        if not self.is_sqlite and time.monotonic() - self._synchronised_at > _SYNCHRONISE_EVERY_S:
            with self._lock:
                if time.monotonic() - self._synchronised_at > _SYNCHRONISE_EVERY_S:
                    self._synchronise()
        return self.clock.now_us()

    def _synchronise(self) -> None:
        with self.read() as connection:
            started_ns = time.monotonic_ns()
            now_us = connection.execute(
                text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            ).scalar_one()
            # the answer is about half a round trip old
            self.clock.synchronise(now_us + (time.monotonic_ns() - started_ns) // 2000)
        self._synchronised_at = time.monotonic()

    def close(self) -> None:
        """Connections open again at the next use; what their caches held goes back to the system."""
        self.engine.dispose()
        if self.is_sqlite:
            _trim()


def at_commit(connection: Connection) -> dict[Callable[[Connection, Any], None], Any]:
    """What this transaction of a Database does as the last thing before its commit: function → argument."""
    return connection.info[_AT_COMMIT]  # type: ignore[no-any-return]


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: a commit that was answered survives the loss of power
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -4096")  # 4 MiB for each of the pool's connections
    cursor.execute("PRAGMA temp_store = MEMORY")
    cursor.close()


def _trim() -> None:
    """glibc keeps what was freed, some 60 MiB after an import, unless it is asked; others have nothing to ask."""
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite address; None for other databases and for `:memory:`."""
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return None
    return Path(parsed.database)
