"""Telling that the database is away: work only waits for it, and would do so in silence."""

from __future__ import annotations

import time
from collections.abc import Callable

from dispatcher.core.errors import UnavailableError
from dispatcher.operations.logs import log

_SAY_EVERY_S = 60.0


def _log(error: UnavailableError) -> None:
    log.error(error.code, message=error.message, hint=error.hint)


class Outages:
    """Each kind is told at once, and again every minute while it lasts. `tell` may be replaced."""

    def __init__(self) -> None:
        self.tell: Callable[[UnavailableError], None] = _log
        self._said_at: dict[str, float] = {}

    def saw(self, error: UnavailableError) -> None:
        if time.monotonic() - self._said_at.get(error.code, float("-inf")) > _SAY_EVERY_S:
            self._said_at[error.code] = time.monotonic()
            self.tell(error)
