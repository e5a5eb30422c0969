"""Clocks that jump: the database's clock decides what is due, and nobody's local clock does (DESIGN 5)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatcher.core.clock import SECOND_US, Clock
from dispatcher.operations.deliver import Deliverer
from dispatcher.store.engine import Database
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Stage

HOUR_S = 3600
PEOPLE = 300


@pytest.fixture
def stage(postgres_url: str, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(postgres_url, tmp_path, {"sms": Provider()}, {"sms": "100 msg/s"})
    stage.people(PEOPLE)
    stage.start()
    yield stage
    stage.close()


@pytest.mark.parametrize("jump_s", [-HOUR_S, HOUR_S])
def test_the_wall_clock_of_a_worker_may_jump(monkeypatch: pytest.MonkeyPatch, jump_s: int) -> None:
    clock = Clock()
    before_us, real = clock.now_us(), time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + jump_s * 1_000_000_000)
    assert 0 <= clock.now_us() - before_us < SECOND_US


def test_a_clock_that_is_an_hour_off_is_put_right_by_the_database(postgres_url: str) -> None:
    database = Database(postgres_url)
    database.clock.synchronise(time.time_ns() // 1000 - HOUR_S * SECOND_US)
    assert abs(database.now_us() - time.time_ns() // 1000) < SECOND_US
    database.close()


@pytest.mark.parametrize("jump_s", [-1, 1])
def test_one_of_two_workers_whose_clock_jumps_doubles_nothing(stage: Stage, jump_s: int) -> None:
    """Until it reads the database's clock again it sees claims as over, or its own as void: tokens decide."""
    asyncio.run(_sending_with_a_jump(stage, jump_s))
    numbers = stage.providers["sms"].numbers
    assert len(numbers) == len(set(numbers)) == PEOPLE
    stage.check()


async def _sending_with_a_jump(stage: Stage, jump_s: int) -> None:
    contexts = [stage.connect() for _ in range(2)]
    workers = [Deliverer(context) for context in contexts]
    runs = [asyncio.create_task(worker.run(90.0)) for worker in workers]
    await _until(lambda: len(stage.providers["sms"].numbers) > PEOPLE // 4)
    clock = contexts[0].database.clock
    clock.synchronise(clock.now_us() + jump_s * SECOND_US)
    await _until(stage.nothing_waits)
    for worker in workers:
        worker.stop()
    await asyncio.gather(*runs)
    for worker, context in zip(workers, contexts, strict=True):
        await worker.close()
        context.database.close()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.05)
