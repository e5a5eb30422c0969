"""What is due later: one heap and one timer for all messages, however many wait."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from math import inf

Action = Callable[[], None]


class Timeline:
    """Runs actions at their time, those of one instant in the order they were added."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int, Action]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_s = inf

    def __len__(self) -> int:
        return len(self._heap)

    def now_s(self) -> float:
        return self._loop.time()

    def after(self, delay_s: float, action: Action) -> None:
        self.at(self._loop.time() + delay_s, action)

    def at(self, due_s: float, action: Action) -> None:
        heapq.heappush(self._heap, (due_s, next(self._order), action))
        if due_s < self._armed_s:
            self._arm(due_s)

    def hasten(self) -> None:
        """Run everything now, in its order, and what follows from it."""
        while self._heap:
            heapq.heappop(self._heap)[2]()

    def clear(self) -> None:
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._armed_s = inf

    def _arm(self, due_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_s = due_s
        self._timer = self._loop.call_at(due_s, self._run)

    def _run(self) -> None:
        self._armed_s = -inf  # what is added meanwhile needs no timer
        now_s = self._loop.time()
        try:
            while self._heap and self._heap[0][0] <= now_s:
                heapq.heappop(self._heap)[2]()
        finally:
            self._armed_s = inf
            if self._heap:
                self._arm(self._heap[0][0])
