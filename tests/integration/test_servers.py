"""The servers that every other integration test stands on."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from dispatcher.store.engine import Database
from dispatcher.store.migrate import HEAD, current_revision
from tests.servers import Databases, PostgresServer, RedisServer


def test_a_commit_survives_the_kill_of_postgres(postgres_server: PostgresServer, own_postgres_url: str) -> None:
    with psycopg.connect(own_postgres_url) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    postgres_server.kill()
    assert not postgres_server.running
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(own_postgres_url)
    postgres_server.start()
    with psycopg.connect(own_postgres_url) as connection:
        assert connection.execute("SELECT id FROM kept").fetchall() == [(1,)]


def test_the_broker_forgets_and_keeps_its_address(redis_server: RedisServer, own_redis_url: str) -> None:
    with redis.Redis.from_url(own_redis_url) as client:
        client.set("key", "value")
        redis_server.kill()
        with pytest.raises(redis.ConnectionError):
            client.get("key")
        redis_server.start()
        assert client.get("key") is None


def test_databases_do_not_see_each_other(postgres_databases: Databases) -> None:
    with postgres_databases.fresh() as one, postgres_databases.fresh() as other:
        with psycopg.connect(one) as connection:
            connection.execute("CREATE TABLE mine (id int)")
        with psycopg.connect(other) as connection:
            assert connection.execute("SELECT to_regclass('mine')").fetchone() == (None,)


ABANDON = """
import os, signal, sys
from tests.servers import RedisServer
signal.signal(signal.SIGQUIT, getattr(signal, sys.argv[1]))
server = RedisServer()
server.start()
print(server._process.pid, server.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("quit_signal", ["SIG_DFL", "SIG_IGN"], ids=["in-front", "in-the-background"])
def test_a_killed_test_process_leaves_nothing_behind(quit_signal: str) -> None:
    """A shell starts what runs in the background with SIGQUIT ignored, and children inherit that."""
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", ABANDON, quit_signal], cwd=root, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    pid, folder = run.stdout.split()
    deadline = time.monotonic() + 30
    while Path(folder).exists() or _alive(int(pid)):
        assert time.monotonic() < deadline, "the guardian did not clean up"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80), ("registry.example", 80)])
def test_the_network_is_out_of_reach(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(PermissionError, match="tried to reach"):
        client.connect(address)


def test_a_lent_database_is_migrated(database_url: str) -> None:
    with contextlib.closing(Database(database_url)) as database:
        assert current_revision(database) == HEAD


def test_an_empty_database_is_empty(empty_database_url: str) -> None:
    with contextlib.closing(Database(empty_database_url)) as database:
        assert current_revision(database) is None
