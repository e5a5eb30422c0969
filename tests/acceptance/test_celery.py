"""Postgres, Redis, the web and two Celery workers as processes: any of them dies, nothing is lost, nothing doubled."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from dispatcher.core.status import Status
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from dispatcher.testing.carrier.behaviour import Behaviour
from tests.acceptance.place import SLICE, Child, Place, eventually, worker_command
from tests.servers import PostgresServer, RedisServer, free_port

BEHAVIOUR = Behaviour(
    seed=11,
    latency_ms=(5, 40),
    sent_after_ms=(5, 100),
    delivered_after_ms=(20, 400),
    failure=0.03,
    repeated=0.02,
    disordered=0.03,
    early=0.02,
)


@pytest.fixture
def place(own_postgres_url: str, own_redis_url: str, tmp_path: Path) -> Iterator[Place]:
    """The web listens to what the carrier says; the workers are for the tests to start."""
    port = free_port()
    with CarrierProcess(CarrierOptions(behaviour=BEHAVIOUR)) as carrier:
        place = Place(
            tmp_path,
            carrier,
            own_postgres_url,
            CELERY_BROKER_URL=own_redis_url,
            DISPATCHER_PUBLIC_URL=f"http://127.0.0.1:{port}",
        )
        with place.web(port):
            yield place
        place.close()


@contextmanager
def sending(place: Place, contacts: int, rate: int = 300) -> Iterator[list[Child]]:
    """Two workers in the middle of a campaign."""
    place.settings(rate)
    file = place.planned(contacts)
    with ExitStack() as stack:
        workers = [stack.enter_context(place.worker(number)) for number in (1, 2)]
        for worker in workers:
            worker.await_words(" ready.")
        assert place.run("campaign", "apply", file).code == 0
        eventually(lambda: place.sent() >= contacts // 4)
        yield workers
        for worker in workers:
            assert "raised unexpected" not in worker.words


def test_a_worker_that_is_killed_loses_and_doubles_nothing(place: Place) -> None:
    """Invariants 1, 3, 4 and 11."""
    with sending(place, 3000) as workers, ExitStack() as stack:
        workers[0].kill()
        assert place.statuses()[Status.QUEUED] > 0, "it was to be killed in the middle"
        again = stack.enter_context(place.worker(1))
        eventually(place.is_at_rest)
        place.assert_everyone_once(unknown=SLICE)
        assert workers[1].is_running
        assert again.is_running


def test_a_broker_that_is_lost_with_all_it_held_changes_nothing(place: Place, redis_server: RedisServer) -> None:
    """Invariant 1: it carries nothing that SQL does not hold."""
    with sending(place, 1000, rate=200) as workers:
        redis_server.kill()
        assert place.statuses()[Status.QUEUED] > 0
        redis_server.start()
        eventually(place.is_at_rest)
        place.assert_everyone_once()
        assert all(worker.is_running for worker in workers)


def test_sigterm_ends_a_worker_in_order(place: Place) -> None:
    """What was begun is recorded, what was claimed goes back, and nobody is left in doubt."""
    with sending(place, 1000, rate=100) as workers:
        for worker in workers:
            worker.signal(signal.SIGTERM)
        assert [worker.wait(within_s=10) for worker in workers] == [0, 0]
        counts = place.statuses()
        assert counts[Status.QUEUED] > 0
        assert (counts[Status.SENDING], counts[Status.UNKNOWN]) == (0, 0)
        with place.worker(3):
            eventually(place.is_at_rest)
        place.assert_everyone_once()


def _refused(place: Place, **environ: str) -> tuple[int, str]:
    """How a worker that cannot work ends at once, and what it says."""
    given = {name: value for name, value in {**place.environ, **environ}.items() if value}
    ran = subprocess.run(worker_command(), env=given, cwd=place.folder, capture_output=True, text=True, timeout=40)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.returncode, ran.stderr


def test_a_worker_that_cannot_work_says_why(place: Place, postgres_server: PostgresServer) -> None:
    code, said = _refused(place, DATABASE_URL=f"sqlite:///{place.folder / 'dispatcher.db'}")
    assert code == 2
    assert "dispatcher up" in said
    code, said = _refused(place, CELERY_BROKER_URL="")
    assert code == 2
    assert "CELERY_BROKER_URL" in said
    postgres_server.stop()
    code, said = _refused(place)
    assert code == 6
    assert "Start Postgres" in said
