"""An installation in a folder of its own, worked on by real processes: the commands, Celery's workers, the carrier."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import func, select

from dispatcher.core.clock import from_us
from dispatcher.core.status import Status
from dispatcher.operations.context import Context
from dispatcher.settings import Environment
from dispatcher.store.tables import messages
from dispatcher.testing.carrier import CarrierProcess
from dispatcher.testing.carrier.ledger import Ledger
from dispatcher.testing.synthetic import write_csv
from dispatcher.wiring import connect
from tests.integration.engine.conservation import assert_conserved

DISPATCHER = str(Path(sys.executable).with_name("dispatcher"))
SLICE = 100
"""Messages that one worker may have begun at the same time (invariant 3)."""

ENDS = {Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED, Status.UNKNOWN}
_OURS = re.compile(r"DATABASE_URL|CELERY_|DISPATCHER_|TWILIO_|GITHUB_ACTIONS")

SETTINGS = """
approval: {approval}
senders:
  sms: {{channel: simulator, base_url: "{url}", rate: "{rate} msg/s"}}
"""

CAMPAIGN = """
campaign: ajakan
title: Ajakan memilih
owner: Kesbangpol
purpose: pendidikan-pemilih
audience: {{everyone: true}}
minors: {{from_age: 13, basis: uji}}
window: {{open: "00:00", close: "24:00"}}
stop: {{sms: "Berhenti: kesbangpol.example/stop"}}
route: [{{senders: sms}}]
steps:
  - name: satu
    at: "{at}"
    text: "Yth. {{{{ contact.first_name }}}}, gunakan hak pilih Anda. {{{{ stop }}}}"
"""


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Child:
    """A process with a group of its own, so that a kill takes its children too. Its words go to a file."""

    def __init__(self, command: list[str], environ: dict[str, str], folder: Path, name: str) -> None:
        self._words = folder / f"{name}.log"
        with self._words.open("ab") as words:
            self._process = subprocess.Popen(
                command,
                env=environ,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                start_new_session=True,
            )

    @property
    def words(self) -> str:
        return self._words.read_text(errors="replace")

    def await_words(self, words: str, times: int = 1) -> None:
        eventually(lambda: self.words.count(words) >= times or not self.is_running, 40)
        assert self.words.count(words) >= times, self.words[-4000:]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)

    def end(self, number: signal.Signals, within_s: float = 20) -> int:
        """A signal to the process alone, as a service manager sends it; its exit code."""
        self.signal(number)
        return self.wait(within_s)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, within_s: float = 20) -> int:
        return self._process.wait(within_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_running:
            self.kill()


class Place:
    """What a folder, a database and perhaps a broker make up; every process gets the same environment."""

    def __init__(self, folder: Path, carrier: CarrierProcess, database_url: str, **environ: str) -> None:
        self.folder = folder
        self.carrier = carrier
        self.environ = {
            **{name: value for name, value in os.environ.items() if not _OURS.match(name)},
            "DATABASE_URL": database_url,
            "DISPATCHER_CONFIG": str(folder / "dispatcher.yaml"),
            "DISPATCHER_STATE_DIR": str(folder / "state"),
            **environ,
        }
        self.settings()

    def settings(self, rate: int = 300, approval: str = "waived") -> None:
        text = SETTINGS.format(url=self.carrier.url, rate=rate, approval=approval)
        (self.folder / "dispatcher.yaml").write_text(text)

    def campaign(self) -> str:
        """The name of a file whose only step is due since a minute ago."""
        at = from_us(time.time_ns() // 1000, "Asia/Jakarta") - timedelta(minutes=1)
        (self.folder / "ajakan.yaml").write_text(CAMPAIGN.format(at=at.isoformat(timespec="seconds")))
        return "ajakan.yaml"

    def contacts(self, count: int) -> str:
        write_csv(self.folder / "warga.csv", count, seed=1)
        return "warga.csv"

    def planned(self, count: int) -> str:
        """So many contacts imported and the campaign planned by Ani; its file."""
        file = self.campaign()
        for arguments in (("contacts", "import", self.contacts(count)), ("campaign", "plan", file, "--by", "Ani")):
            ran = self.run(*arguments)
            assert ran.code == 0, ran.err
        return file

    def run(self, *arguments: str, **environ: str) -> Ran:
        """A command to its end. No mistake of a user, and no missing server, shows a traceback."""
        ran = subprocess.run(
            [DISPATCHER, *arguments],
            env={**self.environ, **environ},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def start(self, *arguments: str, name: str = "command") -> Child:
        return Child([DISPATCHER, *arguments], self.environ, self.folder, name)

    def worker(self, number: int = 1) -> Child:
        """Not awaited: it is ready when it says so."""
        return Child(worker_command(number), self.environ, self.folder, f"worker-{number}")

    @contextmanager
    def web(self, port: int) -> Iterator[Child]:
        with self.start("web", "--port", str(port), name="web") as web:
            web.await_words("Listening")
            yield web

    @cached_property
    def context(self) -> Context:
        return connect(Environment(self.environ))

    def statuses(self) -> Counter[Status]:
        """Messages by status, counted from the rows."""
        with self.context.database.read() as connection:
            rows = connection.execute(select(messages.c.status, func.count()).group_by(messages.c.status)).all()
        return Counter({Status(status): n for status, n in rows})

    def sent(self) -> int:
        counts = self.statuses()
        return sum(n for status, n in counts.items() if status in ENDS)

    def is_at_rest(self) -> bool:
        """Everyone was expanded, and no row waits or is on its way."""
        counts = self.statuses()
        return bool(counts) and set(counts) <= ENDS and not self.standing()["pending"]

    def standing(self) -> dict[str, Any]:
        from dispatcher.operations.status import campaign_status

        return campaign_status(self.context, "ajakan").as_dict()

    def assert_conserved(self) -> None:
        """Invariant 11, recounted from the rows."""
        with self.context.database.read() as connection:
            assert_conserved(connection)

    def assert_everyone_once(self, unknown: int = 0) -> Ledger:
        """Every selected person with a row is in an end, and the carrier took each message once at the most."""
        self.assert_conserved()
        counts, ledger, standing = self.statuses(), self.carrier.ledger, self.standing()
        assert set(counts) <= ENDS, counts
        assert counts[Status.UNKNOWN] <= unknown, counts
        assert standing["selected"] == counts.total() + sum(standing["skipped"].values()) + standing["held_out"]
        assert ledger.accepted_twice() == {}
        assert set(ledger.recipients().values()) == {1}
        known = counts.total() - counts[Status.UNKNOWN]
        assert known <= ledger.accepted() <= counts.total(), counts
        return ledger

    def close(self) -> None:
        if "context" in self.__dict__:
            self.context.database.close()


def worker_command(number: int = 1) -> list[str]:
    command = [sys.executable, "-m", "celery", "-A", "dispatcher.worker", "worker", "-Q", "send,tick,default"]
    return [*command, "-c", "2", "-l", "INFO", "-n", f"w{number}@uji"]


def eventually(condition: Callable[[], bool], within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
