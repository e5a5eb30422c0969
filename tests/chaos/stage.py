"""All that takes part in a run, as real processes: Postgres behind a wire, Redis, the carrier, web, two workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import redis

from dispatcher.store.migrate import upgrade
from dispatcher.testing.carrier import Behaviour, CarrierOptions, CarrierProcess
from tests.acceptance.place import Child, Place
from tests.chaos.wire import Wire
from tests.servers import Databases, PostgresServer, RedisServer, free_port

REPOSITORY = Path(__file__).parents[2]
SENDER = "+15005550006"
WORKERS = (1, 2)
SETTINGS = """
approval: waived
senders:
  sms: {{channel: freezing, base_url: "{url}", rate: "{rate} msg/s"}}
"""


class Servers:
    """Postgres and Redis, kept from run to run."""

    def __init__(self) -> None:
        self.postgres, self.redis = PostgresServer(), RedisServer()

    def __enter__(self) -> Self:
        self.postgres.start()
        self.redis.start()
        self._databases = Databases(self.postgres.url(), upgrade)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.postgres.close()
        self.redis.close()

    @contextmanager
    def database(self) -> Iterator[str]:
        """A fresh one; the broker is emptied too."""
        self.postgres.start()
        self.redis.start()
        redis.Redis.from_url(self.redis.url()).flushall()
        with self._databases.fresh() as url:
            yield url
            self.postgres.start()


@dataclass(frozen=True)
class InFlight:
    """What was in the workers' hands at an instant."""

    claimed: tuple[int, ...] = ()
    begun: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.claimed or self.begun)


class Stage:
    """`guard`: the name of a guard of `guards.py` to take out of the workers."""

    def __init__(self, servers: Servers, folder: Path, behaviour: Behaviour, rate: int, guard: str = "") -> None:
        self.servers, self.folder, self.rate = servers, folder, rate
        self._behaviour, self._guard = behaviour, guard
        self._web_port = free_port()
        self._connection: psycopg.Connection[Any] | None = None
        self._asking = threading.Lock()
        self.workers: dict[int, Child] = {}
        self._started: list[Child] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._set_up(stack)
            self._stack = stack.pop_all()
        return self

    def _set_up(self, stack: ExitStack) -> None:
        enter = stack.enter_context
        self._direct_url = enter(self.servers.database())
        self.wire = enter(Wire(self.servers.postgres.port))
        options = CarrierOptions(behaviour=self._behaviour, ledger=self.folder / "ledger.tsv", remembers=True)
        self.carrier = enter(CarrierProcess(options))
        with suppress(PermissionError):  # the carrier's clock measures the pace: it should not wait for a processor
            os.setpriority(os.PRIO_PROCESS, self.carrier.pid, -10)
        through = urlsplit(self._direct_url)._replace(netloc=f"postgres@127.0.0.1:{self.wire.port}")
        self.place = Place(
            self.folder,
            self.carrier,
            urlunsplit(through._replace(query="sslmode=disable")),
            CELERY_BROKER_URL=self.servers.redis.url(),
            DISPATCHER_PUBLIC_URL=f"http://127.0.0.1:{self._web_port}",
            CHAOS_FOLDER=str(self.folder),
            PYTHONPATH=os.pathsep.join([str(self._plugins()), str(REPOSITORY), str(REPOSITORY / "channels")]),
            CHAOS_GUARD=self._guard,
        )
        stack.callback(self.place.close)
        (self.folder / "dispatcher.yaml").write_text(SETTINGS.format(url=self.carrier.url, rate=self.rate))
        stack.callback(self._kill_all)
        self.start_web()
        for number in WORKERS:
            self.start_worker(number)
        self.web.await_words("Listening")
        for worker in self.workers.values():
            worker.await_words(" ready.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget_connection()
        self._stack.close()

    def _plugins(self) -> Path:
        """What an installer would leave beside a package with a channel; and the module Python runs at its start."""
        plugins = self.folder / "plugins"
        info = plugins / "chaos-0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: chaos\nVersion: 0\n")
        point = "[dispatcher.channels]\nfreezing = tests.chaos.channel:FreezingChannel\n"
        (info / "entry_points.txt").write_text(point)
        (plugins / "sitecustomize.py").write_text("import tests.chaos.guards\n" if self._guard else "")
        return plugins

    def start_web(self) -> None:
        self.web = self.place.start("web", "--port", str(self._web_port), name="web")
        self._started.append(self.web)

    def start_worker(self, number: int) -> None:
        self.workers[number] = self.place.worker(number)
        self._started.append(self.workers[number])

    def children(self) -> list[psutil.Process]:
        """The processes that send, of all workers."""
        found = []
        for worker in self.workers.values():
            with suppress(psutil.NoSuchProcess):
                found += psutil.Process(worker.pid).children()
        return found

    def owner_of(self, port: int) -> psutil.Process | None:
        """The sending process whose connection comes from this port; None where another process holds it."""
        for child in self.children():
            with suppress(psutil.Error):
                if any(held.laddr.port == port for held in child.net_connections("tcp4")):
                    return child
        return None

    # What the database holds, read past the wire

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Read while Postgres is being restarted, too: waits until it is there again."""
        deadline = time.monotonic() + 30
        while True:
            try:
                with self._asking:
                    return self._ask(statement)
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._direct_url, autocommit=True)
            answer = self._connection.execute(statement)
            return answer.fetchall() if answer.description else []
        except psycopg.OperationalError:
            self._forget_connection()
            raise

    def in_flight(self) -> InFlight:
        rows = self.query(
            "SELECT id, status FROM messages WHERE status = 'sending' OR (status = 'queued' AND claim_until_us >"
            " (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"
        )
        return InFlight(
            tuple(i for i, status in rows if status == "queued"), tuple(i for i, status in rows if status == "sending")
        )

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _kill_all(self) -> None:
        """Orphans of a killed worker are still in its group."""
        for child in self._started:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
