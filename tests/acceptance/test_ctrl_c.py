"""Ctrl-C, at any instant of any command: exit 130, no traceback, nothing lost, and the same command works afterwards.

As a terminal sends it: to the command and all its children. Instants while modules are imported are told by Python's
own import times; the interpreter's first hundredth of a second, before any of our lines runs, is not ours to mend.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from dispatcher.core.status import Status
from dispatcher.store import tables as t
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from tests.acceptance.place import DISPATCHER, Place

PEOPLE = 300
TOLD = "Interrupted"


class Instant(NamedTuple):
    """So long after a module was imported."""

    module: str
    after_s: float = 0


STARTING = Instant("dispatcher.cli.main"), Instant("typer"), Instant("dispatcher.wiring")
WORKS = "dispatcher.wiring"
"""Imported last, right before a command connects."""


class Interrupted(NamedTuple):
    """`code` as a shell tells it, which adds 128 to the number of a signal."""

    code: int
    words: str


def interrupt(place: Place, arguments: str, instant: Instant) -> Interrupted:
    """None of the words are import times."""
    with subprocess.Popen(
        [DISPATCHER, *arguments.split()],
        env={**place.environ, "PYTHONPROFILEIMPORTTIME": "1"},
        cwd=place.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as command:
        assert command.stderr is not None
        for line in command.stderr:
            if line.startswith("import time:") and line.split("|")[-1].strip() == instant.module:
                time.sleep(instant.after_s)  # arbitrary instants are the point
                if command.poll() is None:
                    os.killpg(command.pid, signal.SIGINT)
                break
        try:
            _, rest = command.communicate(timeout=20)
        finally:
            if command.poll() is None:
                os.killpg(command.pid, signal.SIGKILL)
        code = command.returncode
    words = "".join(line for line in rest.splitlines(keepends=True) if not line.startswith("import time:"))
    return Interrupted(128 - code if code < 0 else code, words)


def assert_interrupted(place: Place, arguments: str, instant: Instant, *, may_be_over: bool = False) -> None:
    ended = interrupt(place, arguments, instant)
    told = f"{arguments} at {instant}: {ended}"
    assert ended.code in ({130, 0} if may_be_over else {130}), told
    assert not any(word in ended.words for word in ("Traceback", "Exception ignored", "Fatal")), told
    assert TOLD in ended.words or may_be_over, told
    assert not list(place.folder.rglob("*.partial")), told


@pytest.fixture(scope="module")
def carrier() -> Iterator[CarrierProcess]:
    with CarrierProcess(CarrierOptions()) as carrier:
        yield carrier


@pytest.fixture
def place(tmp_path: Path, carrier: CarrierProcess) -> Iterator[Place]:
    """Without a database as yet."""
    carrier.reset()
    place = Place(tmp_path, carrier, f"sqlite:///{tmp_path / 'dispatcher.db'}")
    place.settings(rate=400)
    yield place
    place.close()


def assert_sound(place: Place) -> None:
    """The file is, and invariant 11 holds where there are tables."""
    with closing(sqlite3.connect(make_url(place.environ["DATABASE_URL"]).database or "")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        has_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if has_tables:
        place.assert_conserved()


def test_a_campaign_that_is_interrupted_at_every_step(place: Place) -> None:
    def count(table: object) -> int:
        with place.context.database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]

    def sessions() -> None:
        assert count(t.sessions) in {0, 3}

    def nothing_in_the_air() -> None:
        assert place.statuses()[Status.SENDING] == 0
        assert place.carrier.ledger.accepted_twice() == {}

    def all_or_none() -> None:
        assert place.statuses()[Status.UNKNOWN] in {0, unknown}

    def whole_report() -> None:
        report = place.folder / "laporan.csv"
        assert not report.exists() or report.read_text().count("\n") == whole.count("\n")

    starting = cycle(STARTING)

    def step(arguments: str, check: Callable[[], None] = lambda: None, after_s: Sequence[float] = (0.05,)) -> None:
        for instant in (next(starting), *(Instant(WORKS, delay_s) for delay_s in after_s)):
            assert_interrupted(place, arguments, instant, may_be_over=instant not in STARTING)
            if (place.folder / "dispatcher.db").exists():
                assert_sound(place)
            check()
        ran = place.run(*arguments.split())
        assert ran.code == 0, (arguments, ran.err)
        check()

    contacts, file = place.contacts(PEOPLE), place.campaign()
    start = datetime.now(UTC) + timedelta(days=3)
    rows = "".join(f"kelas-{name};Kelas {name};Balai Kota;{start:%Y-%m-%d %H:%M}\n" for name in "abc")
    (place.folder / "sesi.csv").write_text(f"Kode;Judul;Tempat;Mulai\n{rows}")

    step("db upgrade", after_s=())
    step(f"contacts import {contacts}", after_s=(0.2,))
    assert count(t.contacts) == PEOPLE
    step("session import sesi.csv --by Ani", sessions)
    step(f"campaign plan {file} --by Ani", after_s=(0.2,))
    before = datetime.now(UTC).isoformat()
    step(f"campaign apply {file} --wait", nothing_in_the_air, after_s=(0.05, 0.5))
    place.assert_everyone_once()
    whole = place.run("campaign", "report", "ajakan", "--format", "csv").out
    step("campaign report ajakan --format csv --out laporan.csv", whole_report, after_s=(0.3,))
    assert place.run("db", "mark-restored", "--since", before, "--by", "Ani").code == 0
    unknown = place.statuses()[Status.UNKNOWN]
    step("message settle --campaign ajakan --as sent --by Ani", all_or_none)


@pytest.mark.parametrize(
    ("arguments", "instants", "ready"),
    [
        ("web --port 0", (STARTING[2], Instant("uvloop"), Instant("httptools")), "Listening"),
        ("up --port 0", (STARTING[0], Instant("uvloop"), Instant("httptools"), Instant("httptools", 0.2)), "Listening"),
        ("simulate --port 0", (STARTING[1], Instant("uvloop"), Instant("uvloop", 0.2)), '"url"'),
    ],
)
def test_a_server_that_is_interrupted_while_it_starts(
    place: Place, arguments: str, instants: Sequence[Instant], ready: str
) -> None:
    for instant in instants:
        assert_interrupted(place, arguments, instant)
    with place.start(*arguments.split()) as server:
        server.await_words(ready)
        assert server.end(signal.SIGINT) == 130
        assert "Traceback" not in server.words


@pytest.mark.parametrize(
    ("arguments", "instants"),
    [
        ("demo --contacts 50 --folder demo", (*STARTING[1:], Instant(WORKS, 0.5), Instant(WORKS, 1.5))),
        ("doctor", (STARTING[0], Instant("sqlalchemy"))),
        (
            "campaign validate ajakan.yaml",
            (STARTING[1], Instant("ruamel.yaml"), Instant("dispatcher.render.checked")),
        ),
    ],
)
def test_a_command_of_its_own_that_is_interrupted(place: Place, arguments: str, instants: Sequence[Instant]) -> None:
    place.campaign()
    for instant in instants:
        assert_interrupted(place, arguments, instant)
    assert place.run(*arguments.split()).code in {0, 5}
