"""Ends of attempts on their way to the database: gathered for some milliseconds, kept while the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from dispatcher.core.errors import UnavailableError
from dispatcher.operations.context import Context
from dispatcher.operations.logs import log
from dispatcher.operations.record import Ended, Withdrawn, record_ends
from dispatcher.operations.spool import write_spool
from dispatcher.spi import Ambiguous

AT_ONCE = 500
_GATHER_S = 0.1
_AGAIN_S = 0.5

Transaction = Callable[[Callable[[Connection], Any]], Awaitable[Any]]


class Ends:
    """Add from the loop; `run` records until it is closed and empty."""

    def __init__(self, context: Context, transaction: Transaction) -> None:
        self._context = context
        self._transaction = transaction
        self._waiting: list[Ended] = []
        self._arrived = asyncio.Event()
        self._closing = False
        self._alone = 0
        """How many go one by one, because one among them could not be recorded."""

        self.recorded = 0

    def add(self, ended: Ended) -> None:
        self._waiting.append(ended)
        self._arrived.set()

    def close(self) -> None:
        self._closing = True
        self._arrived.set()

    @property
    def are_recorded(self) -> bool:
        """All that were added so far."""
        return not self._waiting

    async def run(self, patience_s: float = 8.0) -> None:
        """After `close`, a database that is away for longer than `patience_s` gets the rest through a file."""
        try:
            await self._run(patience_s)
        finally:
            self.keep()

    def keep(self) -> None:
        """What nobody records any more goes to a file; what comes after `run` has failed goes there too."""
        ended, self._waiting = self._waiting, []
        if ended:
            write_spool(self._context.environment.state_dir, ended)

    async def _run(self, patience_s: float) -> None:
        given_up_at: float | None = None
        loop = asyncio.get_running_loop()
        while self._waiting or not self._closing:
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            if not self._alone:
                await self._gather()
            if await self._flush():
                given_up_at = None
                continue
            if self._closing:
                given_up_at = given_up_at or loop.time() + patience_s
                if loop.time() >= given_up_at:
                    return
            await asyncio.sleep(_AGAIN_S)

    async def _gather(self) -> None:
        """A moment for more to come: a commit costs the same for one and for hundreds."""
        until = asyncio.get_running_loop().time() + _GATHER_S
        while not self._closing and len(self._waiting) < AT_ONCE and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(_GATHER_S / 4)

    async def _flush(self) -> bool:
        batch = self._waiting[: 1 if self._alone else AT_ONCE]
        if not batch:
            return True
        try:
            await self._record(batch)
        except (UnavailableError, OperationalError):
            # away, or a deadlock that came back once too often: another time
            return False
        del self._waiting[: len(batch)]
        self._alone = max(0, self._alone - 1)
        self.recorded += len(batch)
        return True

    async def _record(self, batch: list[Ended]) -> None:
        """One end that cannot be recorded holds up nobody else's: each goes alone, and of that one nobody knows."""
        try:
            await self._transaction(lambda connection: record_ends(self._context, connection, batch))
        except (UnavailableError, OperationalError):
            raise
        except Exception as error:
            if len(batch) > 1:
                self._alone = len(batch)
                del batch[1:]
                await self._record(batch)
            elif isinstance(batch[0].outcome, Withdrawn):
                raise
            else:
                log.error("end-not-recorded", message=batch[0].message_id, exc_info=error)
                unknown = batch[0]._replace(outcome=Ambiguous(detail="its end could not be recorded"), wire="")
                await self._transaction(lambda connection: record_ends(self._context, connection, [unknown]))
