"""Each item is begun once, so many at a time, whatever becomes of the others."""

from __future__ import annotations

import asyncio

from dispatcher.operations.lanes import Lanes


def test_all_are_begun_once_and_never_more_at_a_time_than_lanes() -> None:
    begun: list[int] = []
    running = most = 0

    async def work(item: int) -> None:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        begun.append(item)
        await asyncio.sleep(0)
        running -= 1

    async def main() -> None:
        lanes = Lanes(3, work)
        for start in range(0, 50, 10):
            await lanes.take(range(start, start + 10))
        await lanes.ended()

    asyncio.run(asyncio.wait_for(main(), 10))
    assert sorted(begun) == list(range(50))
    assert most == 3


def test_lanes_that_end_in_the_same_moment_leave_none_behind() -> None:
    """All of them have seen that nothing waits, and none has ended yet, when more comes."""
    done: list[int] = []
    gate = asyncio.Event()

    async def work(item: int) -> None:
        await gate.wait()
        done.append(item)

    async def main() -> None:
        lanes = Lanes(4, work)
        await lanes.take(range(4))
        asyncio.get_running_loop().call_soon(gate.set)
        while len(done) < 4:
            await asyncio.sleep(0)
        await lanes.take(range(4, 8))
        await lanes.ended()

    asyncio.run(asyncio.wait_for(main(), 10))
    assert sorted(done) == list(range(8))


def test_take_returns_when_the_last_was_begun_and_ended_when_it_has_ended() -> None:
    ended: list[int] = []
    gate = asyncio.Event()

    async def work(item: int) -> None:
        await gate.wait()
        ended.append(item)

    async def main() -> None:
        lanes = Lanes(5, work)
        await lanes.take(range(5))
        assert ended == []
        gate.set()
        await lanes.ended()
        assert len(ended) == 5

    asyncio.run(asyncio.wait_for(main(), 10))


def test_work_that_raises_costs_its_item_only() -> None:
    done: list[int] = []

    async def work(item: int) -> None:
        if item % 2:
            raise ValueError
        done.append(item)

    async def main() -> None:
        lanes = Lanes(2, work)
        await lanes.take(range(10))
        await lanes.ended()

    asyncio.run(asyncio.wait_for(main(), 10))
    assert done == [0, 2, 4, 6, 8]
