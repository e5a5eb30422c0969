"""So many hand-overs at a time, each in a lane that goes on to the next: a task for each message costs more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from dispatcher.operations.logs import log

Item = TypeVar("Item")


class Lanes(Generic[Item]):
    """`work` handles its own errors; one that it does not handle is logged, and costs that item only."""

    def __init__(self, width: int, work: Callable[[Item], Awaitable[None]]) -> None:
        self._width = width
        self._work = work
        self._waiting: deque[Item] = deque()
        self._lanes: set[asyncio.Task[None]] = set()
        self._open = 0
        """Lanes that will look for another item; one that has seen that there is none ends a moment later."""
        self._taken = asyncio.Event()

    async def take(self, items: Iterable[Item]) -> None:
        """Returns when the last of them was begun, which is before it has ended."""
        self._waiting.extend(items)
        for _ in range(min(self._width - self._open, len(self._waiting))):
            self._open += 1
            lane = asyncio.create_task(self._run())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)
        while self._waiting:
            self._taken.clear()
            await self._taken.wait()

    async def ended(self) -> None:
        """When nothing is under way."""
        if self._lanes:
            await asyncio.wait(self._lanes)

    async def _run(self) -> None:
        try:
            while self._waiting:
                item = self._waiting.popleft()
                if not self._waiting:
                    self._taken.set()
                try:
                    await self._work(item)
                except (GeneratorExit, KeyboardInterrupt, SystemExit):
                    raise
                except BaseException as error:  # a panic of compiled code is no Exception
                    if _is_cancelled():
                        raise
                    log.error("hand-over-failed", exc_info=error)
        finally:
            self._open -= 1


def _is_cancelled() -> bool:
    """Whether somebody ends this lane; else what was cancelled is something that its work waited for."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
