"""Invariant 9, measured where messages are handed over: no sliding second above the rate, whoever sends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import update

from dispatcher.operations.deliver import Deliverer
from dispatcher.store.tables import senders
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Stage

_SECOND = 0.99
"""The machine may halt a process between the check of a permit and the line that notes the hand-over."""


def _most_in_a_second(at_s: list[float]) -> int:
    at_s = sorted(at_s)
    most, start = 0, 0
    for end, instant in enumerate(at_s):
        while at_s[start] <= instant - _SECOND:
            start += 1
        most = max(most, end - start + 1)
    return most


async def _both(stage: Stage) -> None:
    contexts = [stage.connect() for _ in range(2)]
    workers = [Deliverer(context) for context in contexts]
    runs = [asyncio.create_task(worker.run(30.0)) for worker in workers]
    while not await asyncio.to_thread(stage.nothing_waits):
        await asyncio.sleep(0.1)
    for worker in workers:
        worker.stop()
    await asyncio.gather(*runs)
    for worker, context in zip(workers, contexts, strict=True):
        await worker.close()
        context.database.close()


@pytest.mark.parametrize(("rate", "people"), [(20, 50), (200, 450)])
def test_two_workers_never_exceed_the_rate_of_a_sender(
    postgres_url: str, tmp_path: Path, rate: int, people: int
) -> None:
    stage = Stage(postgres_url, tmp_path, {"sms": Provider()}, {"sms": f"{rate} msg/s"})
    stage.people(people)
    stage.start()
    asyncio.run(_both(stage))
    provider = stage.providers["sms"]
    assert len(set(provider.numbers)) == len(provider.numbers) == people
    assert _most_in_a_second(provider.at_s) <= rate
    stage.check()
    stage.close()


def test_a_rate_in_segments_counts_segments(sqlite_url: str, tmp_path: Path) -> None:
    stage = Stage(sqlite_url, tmp_path, {"sms": Provider(cost_unit="segment")}, {"sms": "40 seg/s"})
    stage.people(30)
    stage.start(text="x" * 200 + " {{ stop }}")
    assert {(row.units, row.segments) for row in stage.rows()} == {(2, 2)}
    stage.drain(stage.nothing_waits)
    assert _most_in_a_second(stage.providers["sms"].at_s) <= 20
    stage.close()


def test_a_new_rate_holds_without_a_restart(sqlite_url: str, tmp_path: Path) -> None:
    stage = Stage(sqlite_url, tmp_path, {"sms": Provider()}, {"sms": "10 msg/s"})
    stage.people(60)
    stage.start()
    provider = stage.providers["sms"]

    def faster_after_ten() -> bool:
        if len(provider.refs) >= 10 and stage.sender().rate_per_s == 10:
            with stage.context.database.begin() as connection:
                connection.execute(update(senders).values(rate_per_s=200.0))
        return stage.nothing_waits()

    stage.drain(faster_after_ten)
    first, last = provider.at_s[0], provider.at_s[-1]
    assert last - first < 4.0
    stage.close()
