"""`dispatcher web` as a process: signals, logs, a database that goes away and comes back."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dispatcher.core.status import Status
from tests.integration.web.stage import PUBLIC_URL, Provider, Stage
from tests.servers import PostgresServer, free_port

DISPATCHER = str(Path(sys.executable).with_name("dispatcher"))
SETTINGS = "senders:\n  sms: {channel: simulator}\n"


class WebProcess:
    """Reads its standard error as it comes, so that the pipe never fills."""

    def __init__(self, folder: Path, url: str, port: int) -> None:
        (folder / "dispatcher.yaml").write_text(SETTINGS)
        environ = {
            **os.environ,
            "DATABASE_URL": url,
            "DISPATCHER_CONFIG": str(folder / "dispatcher.yaml"),
            "DISPATCHER_STATE_DIR": str(folder / "state"),
            "DISPATCHER_PUBLIC_URL": PUBLIC_URL,
        }
        command = [DISPATCHER, "web", "--port", str(port)]
        self.process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True, cwd=folder)
        self.lines: list[str] = []
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            if "Listening" in line:
                self._listening.set()
        self._listening.set()

    @property
    def provider(self) -> Provider:
        self._listening.wait(30)
        address = next(re.search(r"http://\S+", line) for line in self.lines if "Listening" in line)
        assert address is not None
        return Provider(address[0])

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(20)
        self._reader.join(20)
        return code


@contextmanager
def web_process(folder: Path, url: str, port: int = 0) -> Iterator[WebProcess]:
    process = WebProcess(folder, url, port)
    try:
        yield process
    finally:
        process.process.kill()
        process.wait()
        assert process.process.stderr is not None
        process.process.stderr.close()


def receipt(provider: Provider, word: str = "delivered") -> int:
    return provider.status(4711, word, To="+6281234567890")


def test_sigterm_ends_it_in_order(tmp_path: Path, sqlite_url: str) -> None:
    with web_process(tmp_path, sqlite_url) as web:
        assert receipt(web.provider) == 204
        assert web.end(signal.SIGTERM) == 0


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
