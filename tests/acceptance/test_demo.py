"""`dispatcher demo`, as a newcomer runs it: no account, no server, a true report."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dispatcher.settings import Environment
from dispatcher.testing.carrier.ledger import Ledger
from dispatcher.testing.demo.run import LEDGER
from dispatcher.wiring import connect
from tests.acceptance.place import DISPATCHER
from tests.integration.engine.conservation import assert_conserved

PEOPLE = 300
SENT = {"accepted", "sent", "delivered", "read"}


class Ran:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "demo"
        ran = subprocess.run(
            [DISPATCHER, "demo", "--contacts", str(PEOPLE), "--json", "--folder", str(self.folder)],
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.code, self.out, self.err = ran.returncode, ran.stdout, ran.stderr
        self.ledger = Ledger(self.folder / LEDGER)

    @property
    def answered(self) -> int:
        """Automatic answers that went out: each is one to somebody who wrote."""
        with sqlite3.connect(self.folder / "dispatcher.db") as database:
            (count,) = database.execute("SELECT count(*) FROM inbound WHERE reply_attempt > 0").fetchone()
        return int(count)

    @property
    def report(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return Ran(tmp_path_factory.mktemp("newcomer"))


def test_it_ends_well_and_says_where_everything_is(ran: Ran) -> None:
    assert ran.code == 0, ran.err
    assert str(ran.folder) in ran.err
    assert "Traceback" not in ran.err


def test_it_writes_nowhere_else(ran: Ran) -> None:
    assert [path.name for path in ran.folder.parent.iterdir()] == ["demo"]


def test_its_report_conserves(ran: Ran) -> None:
    """Invariant 11: in the report, and recounted from the rows."""
    report = ran.report
    assert report["selected"] == PEOPLE
    for part in (report, *report["steps"]):
        assert part["selected"] == _accounted_for(part)
    environ = {
        "DATABASE_URL": f"sqlite:///{ran.folder / 'dispatcher.db'}",
        "DISPATCHER_CONFIG": str(ran.folder / "dispatcher.yaml"),
        "DISPATCHER_STATE_DIR": str(ran.folder / "state"),
    }
    context = connect(Environment(environ))
    with context.database.read() as connection:
        assert_conserved(connection)
    context.database.close()


def _accounted_for(part: Mapping[str, Any]) -> int:
    return int(part["held_out"] + part["pending"] + sum(part["skipped"].values()) + sum(part["messages"].values()))


def test_nobody_got_anything_twice(ran: Ran) -> None:
    """By the carrier's own account: once by WhatsApp, by SMS only where that failed; who writes is answered."""
    assert not ran.ledger.accepted_twice()
    came = list(ran.ledger.recipients().values())
    assert set(came) <= {1, 2}
    assert came.count(2) <= ran.answered
    followed = sum(not to.startswith("whatsapp:") for to in ran.ledger.recipients())
    assert 0 < followed <= sum(n for hop in ran.report["hops"] if hop["hop"] == 1 for n in hop["messages"].values())


def test_the_report_says_no_more_than_the_carrier(ran: Ran) -> None:
    told = Counter[str]()
    for hop in ran.report["hops"]:
        told.update(hop["messages"])
    assert sum(told[status] for status in SENT) <= ran.ledger.accepted() <= told.total() + ran.answered
    arrived = sum(status in ("delivered", "read") for status in ran.ledger.statuses().values())
    assert PEOPLE // 2 < told["delivered"] + told["read"] <= arrived


def test_a_folder_that_is_not_its_own_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "skripsi.docx"
    kept.write_text("three years")
    ran = subprocess.run(
        [DISPATCHER, "demo", "--contacts", "1", "--folder", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, "is not empty" in ran.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == [kept]
