"""Guessing at a door: so many unknown codes a minute, then nobody's code is looked up until some have passed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

MOST: Final = 20
WITHIN_S: Final = 60.0


class Misses:
    """Of one process, by door; a door that exists, so that there are never many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at: dict[int, deque[float]] = {}

    def is_over(self, door_id: int) -> bool:
        at, since = self._at.get(door_id), self._clock() - WITHIN_S
        while at and at[0] <= since:
            at.popleft()
        return at is not None and len(at) >= MOST

    def note(self, door_id: int) -> None:
        self._at.setdefault(door_id, deque(maxlen=MOST)).append(self._clock())
