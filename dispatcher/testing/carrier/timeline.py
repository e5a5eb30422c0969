"""What is due later: one heap and one timer for all messages, however many wait."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

Action = Callable[[], None]


class Timeline:
    """Runs actions at their time, those of one instant in the order they were added."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int, Action]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._heap)

    def after(self, delay_s: float, action: Action) -> None:
        due = self._loop.time() + delay_s
        heapq.heappush(self._heap, (due, next(self._order), action))
        if self._timer is None or due < self._timer.when():
            self._arm(due)

    def clear(self) -> None:
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._run)

    def _run(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()
        if self._heap and self._timer is None:
            self._arm(self._heap[0][0])
