"""Invariant 16, for real: a copy of the database, made in the middle of a campaign, is put back after more was sent.

Nobody gets the message twice, and nobody is forgotten.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from dispatcher.core.status import Status
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from tests.acceptance.place import Child, Place, eventually

PEOPLE = 400
RATE = 120


class Backup(Protocol):
    def make(self) -> None: ...

    def put_back(self) -> None: ...


class FileBackup:
    """SQLite's own copy of a database in use, and a file put in the place of another."""

    def __init__(self, url: str) -> None:
        self._path = Path(make_url(url).database or "")
        self._copy = self._path.with_suffix(".backup")

    def make(self) -> None:
        with closing(sqlite3.connect(self._path)) as source, closing(sqlite3.connect(self._copy)) as target:
            source.backup(target)

    def put_back(self) -> None:
        for leftover in self._path.parent.glob(f"{self._path.name}-*"):
            leftover.unlink()
        fresh = self._copy.with_suffix(".fresh")
        shutil.copyfile(self._copy, fresh)
        fresh.replace(self._path)


class TemplateBackup:
    """A Postgres database copied as a whole, as a dump would; nothing may be connected meanwhile."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._name = parsed.database or ""
        self._admin = parsed.set(database="postgres").render_as_string(hide_password=False)

    def make(self) -> None:
        self._copy(self._name, f"{self._name}_backup")

    def put_back(self) -> None:
        self._copy(f"{self._name}_backup", self._name)

    def _copy(self, source: str, target: str) -> None:
        with psycopg.connect(self._admin, autocommit=True) as connection:
            for statement, *names in (
                ("DROP DATABASE IF EXISTS {} WITH (FORCE)", target),
                ("CREATE DATABASE {} TEMPLATE {}", target, source),
            ):
                connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@pytest.fixture(scope="module")
def carrier() -> Iterator[CarrierProcess]:
    with CarrierProcess(CarrierOptions()) as carrier:
        yield carrier


@pytest.fixture
def place(database_url: str, tmp_path: Path, carrier: CarrierProcess) -> Iterator[Place]:
    carrier.reset()
    place = Place(tmp_path, carrier, database_url)
    place.settings(rate=RATE)
    yield place
    place.close()


@pytest.fixture
def backup(place: Place) -> Backup:
    url = place.environ["DATABASE_URL"]
    return FileBackup(url) if url.startswith("sqlite") else TemplateBackup(url)


def sent_at_least(place: Place, count: int, command: Child) -> None:
    """By the carrier's own account: the database is about to lose its memory."""
    eventually(lambda: place.carrier.ledger.accepted() >= count or not command.is_running)
    assert command.is_running, command.words


def forget(place: Place) -> None:
    """This test's own connections."""
    place.close()
    place.__dict__.pop("context", None)


def test_a_backup_put_back_in_the_middle_of_a_campaign_sends_nothing_twice(place: Place, backup: Backup) -> None:
    file = place.planned(PEOPLE)
    with place.start("campaign", "apply", file, "--wait", name="first") as command:
        sent_at_least(place, PEOPLE // 8, command)
        command.kill()
    backup.make()
    since = datetime.now(UTC).isoformat()
    with place.start("campaign", "apply", file, "--wait", name="second") as command:
        sent_at_least(place, PEOPLE // 2, command)
        command.kill()
    before = place.carrier.ledger.accepted()
    forget(place)
    backup.put_back()

    refused = place.run("campaign", "apply", file, "--wait", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (6, "database-restored")
    assert "mark-restored --since" in refused.json["error"]["hint"]
    assert place.run("up", "--port", "0").code == 6
    assert [line["ok"] for line in place.run("doctor", "--json").json if line["check"] == "generation"] == [False]
    assert place.carrier.ledger.accepted() == before

    marked = place.run("db", "mark-restored", "--since", since, "--by", "rina", "--json")
    assert marked.code == 0, marked.err
    assert marked.json["campaigns_paused"] == marked.json["senders_paused"] == 1
    assert marked.json["unknown"]["queued"] > 0
    counts = place.statuses()
    assert counts[Status.QUEUED] == counts[Status.SENDING] == 0
    assert before < counts.total(), "it was to be lost in the middle"
    place.assert_conserved()

    # the carrier's list tells which of them are out, and a person lets the rest go
    with place.start("up", "--port", "0", name="third") as up:
        up.await_words("Workers and clock")
        eventually(lambda: place.statuses()[Status.UNKNOWN] == 0, 120)
        assert place.carrier.ledger.accepted() == before, "nothing is sent while it is paused"
        assert place.run("channel", "set", "sms", "--resume", "--by", "rina").code == 0
        assert place.run("campaign", "resume", "ajakan", "--by", "rina").code == 0
        eventually(lambda: place.is_at_rest())
        assert up.end(signal.SIGTERM) == 0
    ledger = place.assert_everyone_once()
    assert ledger.accepted() == counts.total()


def test_a_database_replaced_under_a_running_process_stops_it_from_sending(
    sqlite_url: str, tmp_path: Path, carrier: CarrierProcess
) -> None:
    carrier.reset()
    place = Place(tmp_path, carrier, sqlite_url)
    place.settings(rate=20)
    backup = FileBackup(sqlite_url)
    file = place.planned(PEOPLE)
    with place.start("up", "--port", "0", name="up") as up:
        up.await_words("Workers and clock")
        assert place.run("campaign", "apply", file).code == 0
        sent_at_least(place, 20, up)
        backup.make()
        sent_at_least(place, 60, up)
        forget(place)
        backup.put_back()
        eventually(lambda: "database-restored" in up.words)
        stopped = place.carrier.ledger.accepted()
        time.sleep(2)  # nothing shows that nothing comes
        assert place.carrier.ledger.accepted() == stopped
        assert not place.carrier.ledger.accepted_twice()
        up.kill()
    place.close()
