"""One timer for all that waits: asyncio.timeout for each does the same at ten times the price."""

from __future__ import annotations

import asyncio
from typing import Any, Final

LOOKS: Final = 18
"""How often in the time one looks: an end may be late by an eighteenth."""


class Watch:
    """Cancels a task that began `limit_s` ago and has not ended. Of one event loop."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since_s: dict[asyncio.Task[Any], float] = {}
        self._overdue: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, task: asyncio.Task[Any]) -> None:
        """Every `begin` has its `end`, in a `finally`."""
        loop = asyncio.get_running_loop()
        self._since_s[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._limit_s / LOOKS, self._look, loop)

    def end(self, task: asyncio.Task[Any]) -> None:
        """The task goes on with something else: a cancellation that was ours is taken back, whoever kept it."""
        del self._since_s[task]
        if task in self._overdue:
            self._overdue.discard(task)
            task.uncancel()

    def is_overdue(self, task: asyncio.Task[Any]) -> bool:
        """Whether it was cancelled from here."""
        return task in self._overdue

    def is_cancelled_by_others(self, task: asyncio.Task[Any]) -> bool:
        """Somebody ends the task itself, perhaps in the same moment."""
        return task.cancelling() > self.is_overdue(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(self._limit_s / LOOKS, self._look, loop) if self._since_s else None
        latest_s = loop.time() - self._limit_s
        for task, since_s in self._since_s.items():
            if since_s <= latest_s and task not in self._overdue:
                self._overdue.add(task)
                task.cancel()


def current_task() -> asyncio.Task[Any]:
    """Of whoever awaits; there always is one where something is awaited."""
    task = asyncio.current_task()
    assert task is not None
    return task
