"""Fixtures for every suite: real servers, fresh databases, no way out of the machine, repeatable randomness."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import redis

from tests.servers import Databases, PostgresServer, RedisServer

hypothesis.settings.register_profile("laptop", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "laptop")

TEST_DATABASE_URL = os.environ.get("TEST_DATABASE_URL")
TEST_REDIS_URL = os.environ.get("TEST_REDIS_URL")


def _migrate(url: str) -> None:
    from dispatcher.store.migrate import upgrade

    upgrade(url)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With several test processes, all of tests/chaos goes to one: runs side by side would measure each other."""
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class ChaosInOne(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return "chaos" if nodeid.startswith("tests/chaos/") else nodeid

    return ChaosInOne(config, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private server, never TEST_DATABASE_URL's: for tests that stop or kill it. Ask for `own_postgres_url` too."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A private server, never TEST_REDIS_URL's: for tests that stop or kill it. Ask for `own_redis_url` too."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def own_postgres_databases(postgres_server: PostgresServer) -> Iterator[Databases]:
    databases = Databases(postgres_server.url(), _migrate)
    yield databases
    postgres_server.start()
    databases.close()


@pytest.fixture(scope="session")
def postgres_databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    if TEST_DATABASE_URL is None:
        yield request.getfixturevalue("own_postgres_databases")
        return
    databases = Databases(TEST_DATABASE_URL, _migrate)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    template = tmp_path_factory.mktemp("template") / "template.db"
    _migrate(f"sqlite:///{template}")
    return template


@pytest.fixture
def own_postgres_url(postgres_server: PostgresServer, own_postgres_databases: Databases) -> Iterator[str]:
    """A migrated database on `postgres_server`, which may be stopped, killed and started during the test."""
    postgres_server.start()
    with own_postgres_databases.fresh() as url:
        yield url
        postgres_server.start()


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database of the test's own."""
    if TEST_DATABASE_URL is None:
        yield request.getfixturevalue("own_postgres_url")
        return
    databases: Databases = request.getfixturevalue("postgres_databases")
    with databases.fresh() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A migrated SQLite file of the test's own."""
    path = tmp_path / "dispatcher.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of the test's own; the test runs on each kind we support."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the test's own without any table, on each kind we support."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    databases: Databases = request.getfixturevalue("postgres_databases")
    with databases.empty() as url:
        yield url


@pytest.fixture
def own_redis_url(redis_server: RedisServer) -> Iterator[str]:
    """An empty Redis on `redis_server`, which may be stopped, killed and started during the test."""
    redis_server.start()
    _flush(redis_server.url())
    yield redis_server.url()
    redis_server.start()


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> str:
    """An empty Redis. TEST_REDIS_URL's database is flushed, or, with several test processes, one for each."""
    if TEST_REDIS_URL is None:
        url: str = request.getfixturevalue("own_redis_url")
        return url
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    url = urlsplit(TEST_REDIS_URL)._replace(path=f"/{worker}").geturl() if worker != "0" else TEST_REDIS_URL
    _flush(url)
    return url


def _flush(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushdb()


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections from Python code may go to this machine only, and to the servers that TEST_…_URL name."""
    allowed = {urlsplit(url).hostname for url in (TEST_DATABASE_URL, TEST_REDIS_URL) if url}

    def guard(name: str) -> None:
        original = getattr(socket.socket, name)

        def guarded(connection: socket.socket, address: Any, /, *rest: Any) -> Any:
            target = rest[-1] if name == "sendto" and rest else address
            if connection.family != socket.AF_UNIX and target[0] not in allowed and not _is_loopback(target[0]):
                raise PermissionError(f"a test tried to reach {target[0]}")
            return original(connection, address, *rest)

        monkeypatch.setattr(socket.socket, name, guarded)

    for name in ("connect", "connect_ex", "sendto"):
        guard(name)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
