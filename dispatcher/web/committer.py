"""Group commit: calls that arrive while a transaction is under way share the next one, and are answered after it.

A group that fails is tried again one by one, so that a poisonous call fails alone (invariant 7).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

from dispatcher.core.errors import UnavailableError
from dispatcher.operations.ingest import Arrived, Ingest

AT_ONCE = 500
LONGEST_QUEUE = 10_000

Fate = Literal["kept", "away", "poison"]


class _Waiting(NamedTuple):
    arrived: Arrived
    fate: asyncio.Future[Fate]


class Committer:
    """One per server. `keep` answers when the call is committed, or says why it is not."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ingest-db")

    async def keep(self, arrived: Arrived) -> Fate:
        if len(self._waiting) >= LONGEST_QUEUE:
            return "away"
        fate: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(arrived, fate))
        self._arrived.set()
        return await fate

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                group, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                for one, fate in zip(group, await self._commit([w.arrived for w in group]), strict=True):
                    if not one.fate.done():
                        one.fate.set_result(fate)

    async def _commit(self, group: Sequence[Arrived]) -> list[Fate]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._keep_all, group)

    def _keep_all(self, group: Sequence[Arrived]) -> list[Fate]:
        fate = self._try(group)
        if fate == "poison" and len(group) > 1:
            return [self._try([one]) for one in group]
        return [fate] * len(group)

    def _try(self, group: Sequence[Arrived]) -> Fate:
        try:
            self._ingest.take(group)
        except UnavailableError:
            return "away"
        except Exception:
            # whatever is wrong with one call must not stop the others; the caller counts and answers it
            return "poison"
        return "kept"
