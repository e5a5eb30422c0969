"""`dispatcher web` as a process: signals, logs, a database that goes away and comes back."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatcher.core.status import Status
from dispatcher.store.engine import Database
from dispatcher.store.tables import receipts
from tests.integration.web.process import ServerProcess, server_process
from tests.integration.web.stage import PUBLIC_URL, Provider, Stage
from tests.servers import PostgresServer, free_port

SETTINGS = "senders:\n  sms: {channel: simulator}\n"


@contextmanager
def web_process(folder: Path, url: str, port: int = 0) -> Iterator[ServerProcess]:
    (folder / "dispatcher.yaml").write_text(SETTINGS)
    environ = {
        "DATABASE_URL": url,
        "DISPATCHER_CONFIG": str(folder / "dispatcher.yaml"),
        "DISPATCHER_STATE_DIR": str(folder / "state"),
        "DISPATCHER_PUBLIC_URL": PUBLIC_URL,
    }
    with server_process("web", folder, environ, port) as process:
        yield process


def receipt(provider: Provider, word: str = "delivered") -> int:
    return provider.status(4711, word, To="+6281234567890")


def test_sigterm_ends_it_in_order(tmp_path: Path, sqlite_url: str) -> None:
    with web_process(tmp_path, sqlite_url) as web:
        assert receipt(web.provider) == 204
        assert web.end(signal.SIGTERM) == 0


def test_what_was_answered_before_sigterm_is_kept(tmp_path: Path, sqlite_url: str) -> None:
    """Invariant 7: 204 means committed; who gets no answer calls again."""
    with web_process(tmp_path, sqlite_url) as web, ThreadPoolExecutor(16) as threads:
        provider = web.provider
        calls = {f"SM{i}": threads.submit(provider.status, i, "delivered", sid=f"SM{i}") for i in range(1, 2000)}
        for sid in list(calls)[:50]:
            assert calls[sid].result() == 204
        assert web.end(signal.SIGTERM) == 0
    answered = {sid for sid, call in calls.items() if call.exception() is None and call.result() == 204}
    assert 50 <= len(answered) < len(calls)
    database = Database(sqlite_url)
    with database.read() as connection:
        kept = set(connection.execute(select(receipts.c.provider_id)).scalars())
    database.close()
    assert answered <= kept


def test_ctrl_c_is_an_interruption(tmp_path: Path, sqlite_url: str) -> None:
    with web_process(tmp_path, sqlite_url) as web:
        assert receipt(web.provider) == 204
        assert web.end(signal.SIGINT) == 130
        assert "Traceback" not in "\n".join(web.lines)


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path, sqlite_url: str) -> None:
    with web_process(tmp_path, sqlite_url) as first:
        port = int(first.provider.url.rpartition(":")[2])
        with web_process(tmp_path, sqlite_url, port) as second:
            assert second.wait() == 2
            assert f"127.0.0.1:{port}" in second.lines[0]


def test_logs_are_json_without_anything_personal(tmp_path: Path, sqlite_url: str) -> None:
    """Invariant 12."""
    with web_process(tmp_path, sqlite_url) as web:
        provider = web.provider
        receipt(provider)
        receipt(provider, "vanished")
        form = {"MessageSid": "SM2", "From": "+6281234567890", "Body": "Ibu Siti sakit", "SmsStatus": "received"}
        assert provider.post("/hooks/sms?To=%2B6281234567890", form, "wrong") == 403
        assert provider.post("/hooks/sms", form) == 204
        provider.ask("GET", "/l/token?To=%2B6281234567890")
        web.end(signal.SIGTERM)
    logged = [json.loads(line) for line in web.lines if line.startswith("{")]
    assert {"hook-unmapped", "hook-refused"} <= {line["event"] for line in logged}
    assert all({"event", "level", "timestamp"} <= line.keys() for line in logged)
    everything = "\n".join(web.lines)
    for secret in ("81234567890", "Siti", "sakit", "4711", "simulator-token"):
        assert secret not in everything


def test_a_database_that_goes_away_and_comes_back(own_postgres_url: str, postgres_server: PostgresServer) -> None:
    """503 while it is away, so that the provider calls again; nothing is lost (invariant 7)."""
    stage = Stage(own_postgres_url)
    message = stage.message(Status.ACCEPTED)
    with stage.web() as provider:
        assert provider.status(message, "sent") == 204
        postgres_server.kill()
        assert provider.status(message, "delivered") == 503
        assert provider.ask("GET", "/readyz")[0] == 503
        assert provider.ask("GET", "/healthz")[0] == 200
        postgres_server.start()
        answers = [provider.status(message, "delivered") for _ in range(3)]
        assert answers[-1] == 204
        assert provider.ask("GET", "/readyz")[0] == 200
    stage.context.database.close()  # the test's own connections are of before
    assert stage.status(message) is Status.DELIVERED
    stage.context.database.close()


def test_without_tables_it_is_not_ready(empty_database_url: str) -> None:
    from dispatcher.operations.context import Context
    from dispatcher.settings import Environment
    from dispatcher.store.engine import Database
    from dispatcher.web.server import WebThread
    from tests.integration.builders import KEYS

    def bare() -> Context:
        return Context(Environment({"DISPATCHER_CONFIG": ""}), Database(empty_database_url), KEYS)

    with WebThread(bare) as web:
        status, _, text = Provider(web.url).ask("GET", "/readyz")
        assert (status, b"schema none" in text) == (503, True)
        assert Provider(web.url).ask("POST", "/hooks/console", b"a=b")[0] == 503


def test_a_second_server_on_the_port_is_refused(stage: Stage) -> None:
    from dispatcher.core.errors import UsageError
    from dispatcher.web.server import WebThread
    from tests.integration.web.stage import connect

    port = free_port()
    second = WebThread(lambda: connect(stage.url), port=port)
    with WebThread(lambda: connect(stage.url), port=port), pytest.raises(UsageError, match=str(port)):
        second.__enter__()
