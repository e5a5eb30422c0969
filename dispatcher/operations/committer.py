"""Group commit: calls that arrive within some milliseconds, or while a transaction is under way, share the next one.

Each is answered after its commit (invariant 7). A group that fails is halved until the poisonous call is alone; that
one is kept as it came, unparsed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from dispatcher.core.errors import UnavailableError
from dispatcher.operations.ingest import Arrived, Ingest
from dispatcher.operations.logs import log

AT_ONCE = 500
LONGEST_QUEUE = 10_000
LARGEST_QUEUE = 64 << 20
"""Characters of raw bodies that may wait."""

_QUIET_S = 0.001
_LONGEST_GATHER_S = 0.02

Fate = Literal["kept", "unparsed", "away", "full", "lost"]


class _Waiting(NamedTuple):
    arrived: Arrived
    fate: asyncio.Future[Fate]


class Committer:
    """One per process that listens. `keep` answers when the call is committed, or says why it is not.

    `timed()`: entered around each transaction.
    """

    def __init__(self, ingest: Ingest, timed: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        self._ingest = ingest
        self._timed = timed
        self._waiting: list[_Waiting] = []
        self._size = 0
        self._arrived = asyncio.Event()

    async def keep(self, arrived: Arrived) -> Fate:
        """ "away": the database is; "full": too many wait; "lost": not even the raw call could be kept."""
        if len(self._waiting) >= LONGEST_QUEUE or self._size + len(arrived.raw) > LARGEST_QUEUE:
            return "full"
        fate: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(arrived, fate))
        self._size += len(arrived.raw)
        self._arrived.set()
        return await fate

    async def run(self) -> None:
        """Until cancelled."""
        with ThreadPoolExecutor(1, thread_name_prefix="ingest-db") as thread:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    await self._gather()
                    await self._commit(thread)

    async def _gather(self) -> None:
        """Until nothing more comes for a moment: a commit costs nearly the same for one and for a hundred.

        Who was answered just now calls again at once; without the wait, callers would fall into two halves that take
        turns.
        """
        clock = asyncio.get_running_loop().time
        until, before = clock() + _LONGEST_GATHER_S, 0
        while before < len(self._waiting) < AT_ONCE and clock() < until:
            before = len(self._waiting)
            await asyncio.sleep(_QUIET_S)

    async def _commit(self, thread: ThreadPoolExecutor) -> None:
        group, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        self._size -= sum(len(one.arrived.raw) for one in group)
        calls = [one.arrived for one in group]
        fates = await asyncio.get_running_loop().run_in_executor(thread, self._keep_all, calls)
        for one, fate in zip(group, fates, strict=True):
            if not one.fate.done():
                one.fate.set_result(fate)

    def _keep_all(self, group: Sequence[Arrived]) -> list[Fate]:
        fate = self._try(group)
        if fate != "lost":
            return [fate] * len(group)
        if len(group) > 1:
            middle = len(group) // 2
            return [*self._keep_all(group[:middle]), *self._keep_all(group[middle:])]
        fate = self._try([replace(group[0], answer=None)])
        return ["unparsed" if fate == "kept" else fate]

    def _try(self, group: Sequence[Arrived]) -> Fate:
        try:
            with self._timed():
                self._ingest.take(group)
        except UnavailableError as error:
            log.warning("ingest-away", code=error.code, calls=len(group))
            return "away"
        except Exception as error:
            log.error("ingest-failed", calls=len(group), exc_info=error)
            return "lost"
        return "kept"
