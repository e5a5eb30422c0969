"""Everything that sends, in one process and without a broker: one thread with the drains, one with the clock.

Waking the drains needs no messages: both threads look at SQL, the queue of record. The operations are those that
Celery's tasks run.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from dispatcher.core.errors import IncompleteError, UnavailableError, UsageError
from dispatcher.operations.context import Context
from dispatcher.operations.deliver import Deliverer
from dispatcher.operations.expand import Expander
from dispatcher.operations.logs import log
from dispatcher.operations.progress import Standing, standing_of
from dispatcher.operations.readiness import require_ready
from dispatcher.operations.spool import begin_spool
from dispatcher.operations.tick import Ticker
from dispatcher.queue.lock import ProcessLock, lock_for

TICK_EVERY_S = 1.0
_AWAY_S = 1.0
_WATCH_EVERY_S = 0.5

Progress = Callable[[int, int | None], None]


class EmbeddedWorkers:
    """Start on entering, stop on leaving: what was begun is finished or released. Refuses what readiness.py refuses.

    `failed` is called, in a thread of theirs, when one ends that should not.
    """

    def __init__(self, context: Context, failed: Callable[[], object] = lambda: None) -> None:
        self._context = context
        self._failed = failed
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock: ProcessLock | None = None
        self.failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._lock = lock_for(self._context)
        if self._lock is not None and not self._lock.acquire():
            raise UsageError(
                "already-running",
                "another process already works on this SQLite database",
                "Stop it first, or use Postgres for several processes.",
            )
        try:
            require_ready(self._context)
            begin_spool(self._context)
            for name, work in (("deliver", self._deliver), ("tick", self._tick)):
                thread = threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        if isinstance(self.failure, IncompleteError):
            raise self.failure  # also instead of an interruption: something is lost

    def _end(self) -> None:
        self.stop()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        if self._lock is not None:
            self._lock.release()

    def stop(self) -> None:
        """Begin nothing more; returns at once."""
        self._stop.set()

    def _guarded(self, work: Callable[[], None]) -> None:
        """A thread that dies must not die unnoticed."""
        try:
            work()
        except BaseException as error:
            log.error("worker-died", exc_info=error)
            self.failure = error
            self.stop()
            self._failed()

    def _deliver(self) -> None:
        import uvloop

        uvloop.run(self._drain())

    async def _drain(self) -> None:
        deliverer = Deliverer(self._context)
        try:
            await deliverer.run(should_stop=self._stop.is_set)
        finally:
            await deliverer.close()
            await asyncio.sleep(0)

    def _tick(self) -> None:
        expander = Expander(self._context)
        ticker = Ticker(self._context, expander)
        while not self._stop.is_set():
            try:
                work = ticker.tick()
                for step_id in work.steps if work else ():
                    expander.expand(step_id, self._stop.is_set, TICK_EVERY_S)
                if not (work and work.steps):
                    self._stop.wait(TICK_EVERY_S)
            except UnavailableError:
                self._stop.wait(_AWAY_S)

    def check(self) -> None:
        """Raises what ended a thread, if anything did."""
        if self.failure is not None:
            raise self.failure


def run_until_done(context: Context, slug: str, progress: Progress | None = None) -> int:
    """Work until the due steps of a campaign are sent; 0, or 5 where some are held as `unknown` or it paused.

    Where another process already works on the database, only watch.
    """
    report = progress or (lambda done, total: None)
    try:
        with EmbeddedWorkers(context) as workers:
            return _watch(context, slug, report, workers.check)
    except UsageError as error:
        if error.code != "already-running":
            raise
        return _watch(context, slug, report, lambda: None)


def _watch(context: Context, slug: str, report: Progress, check: Callable[[], None]) -> int:
    while True:
        check()
        standing = standing_of(context, slug)
        report(standing.sent, standing.total)
        if standing.is_over:
            return _exit_code(standing)
        time.sleep(_WATCH_EVERY_S)


def _exit_code(standing: Standing) -> int:
    return 5 if standing.unknown or standing.state == "paused" else 0
