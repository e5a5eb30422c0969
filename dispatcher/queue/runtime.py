"""What one worker process keeps between tasks: a context, a loop with open connections, an expander, a ticker.

Made on first use in the process that uses it, so that nothing is shared over a fork.
"""

from __future__ import annotations

import asyncio
import fcntl
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import IO, Any, TypeVar

from dispatcher.core.errors import UnavailableError
from dispatcher.operations.context import Context
from dispatcher.operations.deliver import Deliverer
from dispatcher.operations.expand import Expander
from dispatcher.operations.spool import begin_spool
from dispatcher.operations.tick import Ticker, Work

Connect = Callable[[], Context]
T = TypeVar("T")


class StopFlag:
    """Set in a worker's main process, seen by its forked children, which get no SIGTERM of their own."""

    def __init__(self) -> None:
        self._event: Any = threading.Event()

    def make(self, forking: Any) -> None:
        """Before the fork: an event that children share."""
        self._event = forking.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return bool(self._event.is_set())


class Places:
    """How many processes of one worker may drain at a time: one of them stays free for ticks and expansion.

    Each place is a byte that a process locks in a file without a name: the system frees it when the process dies.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._count = 0
        self.leave_one_free = False

    def make(self, processes: int) -> None:
        """Before the fork, so that children share the file."""
        self._file, self._count = tempfile.TemporaryFile(), max(1, processes - 1)  # noqa: SIM115  for good
        self.leave_one_free = processes > 1

    @contextmanager
    def one(self) -> Iterator[bool]:
        """False where all are taken."""
        place = next((n for n in range(self._count) if self._take(n)), None)
        try:
            yield place is not None or self._file is None
        finally:
            if place is not None and self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)

    def _take(self, place: int) -> bool:
        assert self._file is not None
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:
            return False
        return True


stop_flag = StopFlag()
places = Places()
connect: Connect | None = None
"""How a process gets its context; `worker.py` sets it, so that the queue does not import the wiring."""


class _Parts:
    """The parts of one process."""

    def __init__(self, context: Context) -> None:
        import uvloop

        self.context = context
        self.expander = Expander(context)
        self.ticker = Ticker(context, self.expander)
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop", daemon=True)
        self._thread.start()
        begin_spool(context)

    @cached_property
    def deliverer(self) -> Deliverer:
        async def make() -> Deliverer:
            return Deliverer(self.context)

        return self.on_loop(make())

    def on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class Runtime:
    """Tasks call it; while the database is away they end quietly, and the next tick tries again."""

    def __init__(self) -> None:
        self._parts: _Parts | None = None
        self._delivering = threading.Lock()
        self._making = threading.Lock()

    def _get(self) -> _Parts:
        with self._making:
            if self._parts is None:
                if connect is None:
                    raise RuntimeError("dispatcher.worker sets up the runtime")
                self._parts = _Parts(connect())
            return self._parts

    def tick(self) -> Work | None:
        try:
            return self._get().ticker.tick()
        except UnavailableError:
            return None

    def deliver(self, budget_s: float) -> bool:
        """One drain a process: where threads share it, the second returns at once. Whether anything was done."""
        if not self._delivering.acquire(blocking=False):
            return False
        try:
            with places.one() as is_ours:
                if not is_ours:
                    return False
                parts = self._get()
                return parts.on_loop(parts.deliverer.run(budget_s, stop_flag.is_set)) > 0
        except UnavailableError:
            return False
        finally:
            self._delivering.release()

    def expand(self, step_id: int, budget_s: float) -> None:
        try:
            self._get().expander.expand(step_id, stop_flag.is_set, budget_s)
        except UnavailableError:
            return
