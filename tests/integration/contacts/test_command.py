"""The command itself, in processes of its own: exit codes, interruption, a full disk, a database that is away."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dispatcher.operations.import_contacts import BATCH_ROWS
from dispatcher.store import tables as t
from dispatcher.store.engine import Database
from dispatcher.testing.synthetic import write_csv
from tests.integration.contacts.conftest import count
from tests.servers import PostgresServer

COMMAND = (sys.executable, "-c", "from dispatcher.cli.start import main; main()")
ROWS = 12_000
NUMBER = "081234567890"


class Cli:
    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.environment = os.environ | {"DATABASE_URL": url, "DISPATCHER_STATE_DIR": str(folder / "state")}
        self.environment.pop("DISPATCHER_CONFIG", None)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(self, *arguments: str, given: str = "", **options: Any) -> tuple[int, str, str]:
        process = self.start(*arguments, **options)
        out, err = process.communicate(given, timeout=120)
        assert "Traceback" not in err
        return process.returncode, out, err

    def json(self, *arguments: str, given: str = "") -> Any:
        return json.loads(self.run(*arguments, "--json", given=given)[1])


@pytest.fixture
def cli(tmp_path: Path, database_url: str) -> Cli:
    return Cli(tmp_path, database_url)


@pytest.fixture
def sqlite_cli(tmp_path: Path, sqlite_url: str) -> Cli:
    return Cli(tmp_path, sqlite_url)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_interrupted_import_loses_nothing_and_is_completed_by_the_next(cli: Cli) -> None:
    write_csv(cli.folder / "c.csv", ROWS)
    database = Database(cli.url)
    try:
        process = cli.start("contacts", "import", "c.csv")
        until(lambda: count(database, t.contacts) > 0)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in err
        stored = count(database, t.contacts)
        assert 0 < stored < ROWS
        assert (stored - BATCH_ROWS // 8) % BATCH_ROWS == 0, "whole batches only"
        result = cli.json("contacts", "import", "c.csv")
        assert (result["created"], result["unchanged"]) == (ROWS - stored, stored)
        assert count(database, t.contacts) == count(database, t.consents) == ROWS
        assert count(database, t.imports) == 1
    finally:
        database.close()


def test_a_killed_import_is_completed_by_the_next(cli: Cli) -> None:
    write_csv(cli.folder / "c.csv", ROWS)
    database = Database(cli.url)
    try:
        process = cli.start("contacts", "import", "c.csv")
        until(lambda: count(database, t.contacts) > 0)
        process.kill()
        process.communicate(timeout=60)
        result = cli.json("contacts", "import", "c.csv")
        assert result["created"] + result["unchanged"] == ROWS == count(database, t.contacts)
        assert cli.json("contacts", "import", "c.csv")["unchanged"] == ROWS
    finally:
        database.close()


def test_a_full_disk_stops_the_import_and_the_next_one_completes_it(sqlite_cli: Cli) -> None:
    write_csv(sqlite_cli.folder / "c.csv", ROWS)

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))

    code, _, err = sqlite_cli.run("contacts", "import", "c.csv", preexec_fn=little_room)
    assert code == 6
    assert "disk" in err
    result = sqlite_cli.json("contacts", "import", "c.csv")
    assert result["created"] + result["unchanged"] == ROWS
    assert result["created"] > 0


def test_a_database_that_is_away_is_told_and_then_it_works(
    tmp_path: Path, own_postgres_url: str, postgres_server: PostgresServer
) -> None:
    cli = Cli(tmp_path, own_postgres_url)
    (tmp_path / "c.csv").write_text(f"nama,no hp\nSiti,{NUMBER}\n")
    postgres_server.stop()
    code, _, err = cli.run("contacts", "import", "c.csv")
    assert (code, "does not answer" in err) == (6, True)
    postgres_server.start()
    assert cli.json("contacts", "import", "c.csv")["created"] == 1


def test_keys_that_stay_and_exit_codes(cli: Cli) -> None:
    (cli.folder / "c.csv").write_text(f"nama,no hp\nSiti,{NUMBER}\nBudi,12\n")
    code, out, _ = cli.run("contacts", "import", "c.csv", "--json")
    assert code == 5
    assert {"rows", "created", "updated", "unchanged", "rejected"} <= json.loads(out).keys()
    assert cli.run("contacts", "import", "c.csv", "--map", "nonsense")[0] == 2
    code, out, _ = cli.run("contacts", "show", "-", "--json", given="081299999999\n")
    assert (code, json.loads(out)["error"]["code"]) == (2, "no-such-contact")
    assert cli.json("contacts", "show", "-", given=f"{NUMBER}\n")["contacts"][0]["name"] == "Siti"
    assert cli.json("contacts", "stop", "-", "--by", "Rina", given=NUMBER)["newly_refused"] == 1
    code, out, _ = cli.run("contacts", "export", "-", "--out", "siti.txt", given=NUMBER)
    assert (code, out) == (0, "")
    assert "Siti" in (cli.folder / "siti.txt").read_text()
    assert (cli.folder / "siti.txt").stat().st_mode & 0o777 == 0o600
    assert cli.json("contacts", "erase", "-", "--by", "Rina", given=NUMBER)["refusal_kept"] is True


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("kosong.csv", b"", "is empty"),
        ("biner.csv", b"%PDF-1.7\n", "not a table"),
        ("lebar.csv", b"no hp," + b"x," * 10_000 + b"\n", "512 columns"),
        ("tanpa.csv", b"Siti,081234567890\nBudi,081311112222\n", "no headings"),
        ("folder", None, "cannot be read"),
    ],
)
def test_a_file_that_does_not_serve_is_a_usage_error(
    sqlite_cli: Cli, name: str, content: bytes | None, said: str
) -> None:
    path = sqlite_cli.folder / name
    path.mkdir() if content is None else path.write_bytes(content)
    code, _, err = sqlite_cli.run("contacts", "import", name)
    assert (code, said in err) == (2, True), err


def test_a_huge_line_is_one_rejected_row(sqlite_cli: Cli) -> None:
    huge = b"x" * (3 << 20)
    (sqlite_cli.folder / "c.csv").write_bytes(b"nama,no hp\nSiti,081234567890\n" + huge + b",1\nBudi,081311112222\n")
    result = sqlite_cli.json("contacts", "import", "c.csv")
    assert (result["created"], result["rejected"], result["reasons"]) == (2, 1, {"too_large": 1})


def test_upgrade_and_keys(tmp_path: Path) -> None:
    cli = Cli(tmp_path, f"sqlite:///{tmp_path / 'new.db'}")
    assert cli.json("db", "upgrade")["before"] is None
    again = cli.json("db", "upgrade")
    assert again["before"] == again["now"]
    secret, suppression = cli.json("keys", "show")
    assert secret["kept"].endswith("secret.key")
    key = (tmp_path / "state" / "suppression.key").read_text()
    assert key not in repr((secret, suppression))
    cli.environment["DISPATCHER_SECRET_KEY"] = "x" * 40
    assert cli.json("keys", "show")[0] == {
        "key": "secret", "print": cli.json("keys", "show")[0]["print"], "kept": "DISPATCHER_SECRET_KEY",
    }  # fmt: skip
