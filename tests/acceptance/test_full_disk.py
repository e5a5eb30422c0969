"""A disk that is full while people are expanded and messages sent: work waits and says so, and goes on by itself.

The limit is the kernel's own on the size of a file (RLIMIT_FSIZE), set and lifted on processes that run: SQLite cannot
write, and neither can anything else where the limit is 0. The carrier's ledger says what left.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.core.status import Status
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from tests.acceptance.place import DISPATCHER, Place, eventually

PEOPLE = 600
RATE = 200
WITH_ROOM = resource.RLIM_INFINITY


@pytest.fixture(scope="module")
def carrier() -> Iterator[CarrierProcess]:
    with CarrierProcess(CarrierOptions()) as carrier:
        yield carrier


@pytest.fixture
def place(sqlite_url: str, tmp_path: Path, carrier: CarrierProcess) -> Iterator[Place]:
    carrier.reset()
    place = Place(tmp_path, carrier, sqlite_url)
    place.settings(rate=RATE)
    yield place
    place.close()


def limit(pid: int, size: int) -> None:
    """No file may grow beyond so many bytes."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, WITH_ROOM))


def size(place: Place) -> int:
    """Of the largest file of the database: it cannot grow any more under a limit of so many bytes."""
    return max(path.stat().st_size for path in place.folder.glob("dispatcher.db*"))


def test_sending_waits_for_room_and_goes_on(place: Place) -> None:
    """Invariants 1 and 3."""
    file = place.planned(PEOPLE)
    with place.start("campaign", "apply", file, "--wait") as command:
        eventually(lambda: place.sent() > PEOPLE // 6)
        limit(command.pid, size(place))
        command.await_words("Waiting: ")
        eventually(lambda: place.statuses()[Status.QUEUED] > 0)
        assert "disk" in command.words
        taken = place.carrier.ledger.accepted()
        assert place.sent() <= taken < PEOPLE - 100, "it was to be full in the middle"
        limit(command.pid, WITH_ROOM)
        assert command.wait(60) == 0
        assert "Traceback" not in command.words
    place.assert_everyone_once()


def test_expansion_waits_for_room_and_goes_on(place: Place) -> None:
    file = place.planned(PEOPLE)
    with place.start("campaign", "apply", file, "--wait") as command:
        limit(command.pid, 256 << 10)  # of the log that SQLite writes ahead
        command.await_words("Waiting: ")
        assert place.statuses().total() < PEOPLE * 0.9
        place.assert_conserved()
        limit(command.pid, WITH_ROOM)
        assert command.wait(60) == 0
    place.assert_everyone_once()


def test_what_cannot_be_recorded_waits_in_a_file_for_the_next_run(place: Place) -> None:
    file = place.planned(PEOPLE)
    assert place.run("campaign", "apply", file).code == 0
    with place.start("up", "--port", "0") as command:
        eventually(lambda: place.sent() > PEOPLE // 6)
        limit(command.pid, size(place))
        command.await_words('"database-away"')
        assert command.end(signal.SIGTERM) == 0
    assert list((place.folder / "state" / "spool").glob("*.jsonl"))
    assert place.run("campaign", "apply", file, "--wait").code == 0
    place.assert_everyone_once()


def test_where_nothing_at_all_can_be_written_it_is_said_and_nobody_gets_it_twice(place: Place) -> None:
    """Invariant 4: what is unknown is asked for, and not sent again blindly."""
    file = place.planned(PEOPLE)
    assert place.run("campaign", "apply", file).code == 0
    with subprocess.Popen(
        [DISPATCHER, "up", "--port", "0"],
        env=place.environ,
        cwd=place.folder,
        stderr=subprocess.PIPE,  # a pipe has no limit
        text=True,
    ) as command:
        assert command.stderr is not None
        eventually(lambda: place.sent() > PEOPLE // 6)
        limit(command.pid, 0)
        for line in command.stderr:
            if line.startswith("{") and json.loads(line)["event"] == "database-away":
                break
        command.send_signal(signal.SIGTERM)
        words = command.stderr.read()
        assert command.wait(20) == 5, words
        assert "could not be written to" in words
        assert "held as unknown" in words
        assert "Traceback" not in words
    begun = place.statuses()[Status.SENDING]
    assert begun > 0
    again = place.run("campaign", "apply", file, "--wait")
    assert again.code == (5 if place.statuses()[Status.UNKNOWN] else 0)
    with place.start("up", "--port", "0"):
        eventually(lambda: place.statuses()[Status.UNKNOWN] == 0)
    place.assert_everyone_once()
