"""`dispatcher up` is deployed anew in the middle of a campaign, and nobody notices."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.core.status import Status
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from dispatcher.testing.carrier.behaviour import Behaviour
from tests.acceptance.place import Child, Place, eventually
from tests.servers import free_port

PEOPLE = 300
BEHAVIOUR = Behaviour(latency_ms=(20, 200), sent_after_ms=(5, 50), delivered_after_ms=(5, 100), redeliveries=10)


@pytest.fixture
def place(sqlite_url: str, tmp_path: Path) -> Iterator[Place]:
    with CarrierProcess(CarrierOptions(behaviour=BEHAVIOUR)) as carrier:
        place = Place(tmp_path, carrier, sqlite_url, DISPATCHER_PUBLIC_URL=f"http://127.0.0.1:{free_port()}")
        place.settings(rate=100)
        yield place
        place.close()


def up(place: Place, name: str) -> Child:
    port = place.environ["DISPATCHER_PUBLIC_URL"].rpartition(":")[2]
    child = place.start("up", "--port", port, name=name)
    child.await_words("Listening")
    return child


def test_sigterm_in_the_middle_loses_nothing(place: Place) -> None:
    """Invariants 3, 4 and 7: what was begun is recorded, what comes meanwhile is told again."""
    file = place.planned(PEOPLE)
    assert place.run("campaign", "apply", file).code == 0
    with up(place, "first") as first:
        eventually(lambda: place.sent() > PEOPLE // 4)
        started = time.monotonic()
        assert first.end(signal.SIGTERM) == 0
        assert time.monotonic() - started < 10
    stopped = place.statuses()
    assert stopped[Status.QUEUED] > 0, "it was to end in the middle"
    assert (stopped[Status.SENDING], stopped[Status.UNKNOWN]) == (0, 0)
    with up(place, "second") as second:
        eventually(lambda: place.statuses().keys() == {Status.DELIVERED})
        assert second.end(signal.SIGTERM) == 0
    ledger = place.assert_everyone_once()
    assert ledger.accepted() == place.statuses()[Status.DELIVERED]
    assert "Traceback" not in first.words + second.words


def test_its_logs_are_lines_of_json_without_anything_personal(place: Place) -> None:
    """Invariant 12."""
    file = place.planned(5)
    assert place.run("campaign", "apply", file).code == 0
    with up(place, "only") as child:
        eventually(lambda: place.statuses()[Status.DELIVERED] > 0)
        child.end(signal.SIGTERM)
    lines = child.words.splitlines()
    spoken = [line for line in lines if not line.startswith("{")]
    assert [line.split()[0] for line in spoken] == ["Workers", "Listening"]
    assert all("event" in json.loads(line) for line in lines if line.startswith("{"))
    assert "62860" not in child.words
    assert "?m=" not in child.words
