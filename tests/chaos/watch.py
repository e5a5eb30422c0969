"""Looks on while a run goes: which attempts are `unknown` once their callbacks had time to come, before any look-up."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import NamedTuple, Self

from dispatcher.receipts.fold import make_ref
from tests.chaos.stage import Stage

OLD_S = 18.0
"""Lease (15 s), a tick and some callbacks; look-ups start when an attempt is 20 s old."""

_EVERY_S = 0.25


class Doubt(NamedTuple):
    """An attempt whose end nobody knows. `begun_at` in seconds since 1970; `told`: a callback about it was taken."""

    message: int
    attempt: int
    begun_at: float
    told: bool

    @property
    def ref(self) -> str:
        return make_ref(self.message, self.attempt)


class Watch:
    """Keeps what was in doubt."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._doubts: dict[str, Doubt] = {}

    @property
    def doubts(self) -> list[Doubt]:
        return list(self._doubts.values())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_EVERY_S):
            rows = self._stage.query(
                "SELECT id, attempt, begun_us / 1e6, EXISTS (SELECT 1 FROM receipts r WHERE r.message_id = m.id"
                " AND r.attempt = m.attempt) FROM messages m WHERE status = 'unknown' AND begun_us / 1e6 <"
                f" extract(epoch FROM clock_timestamp()) - {OLD_S}"
            )
            for row in rows:
                doubt = Doubt(row[0], row[1], float(row[2]), row[3])
                self._doubts[doubt.ref] = doubt
