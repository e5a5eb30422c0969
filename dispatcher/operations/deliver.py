"""Deliver: the drains of all senders that have work, in one event loop of one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection

from dispatcher.core.errors import DispatcherError, ProviderError, UnavailableError, UsageError
from dispatcher.operations.context import Context
from dispatcher.operations.drain import Drain
from dispatcher.operations.ends import Ends
from dispatcher.spi import Channel
from dispatcher.spi.http import PooledClient
from dispatcher.store.permits import known_senders, pause_sender
from dispatcher.store.upkeep import senders_with_work

_LOOK_EVERY_S = 0.2
_AWAY_S = 0.5
_THREADS = 4


class Deliverer:
    """Made and run inside the loop it lives in; kept between runs, so that connections stay open."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._http = PooledClient()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="deliver-db")
        self._channels: dict[int, Channel[Any]] = {}
        self._stopping = False

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what was begun is recorded."""
        self._stopping = True

    async def run(self, budget_s: float | None = None, *, until_idle: bool = False) -> int:
        """Drain senders until the budget is used, a stop, or (`until_idle`) nothing waits; returns ends recorded."""
        deadline = float("inf") if budget_s is None else time.monotonic() + budget_s
        ends = Ends(self._context, self._transaction)
        recorder = asyncio.create_task(ends.run())
        drains: dict[int, asyncio.Task[None]] = {}

        def over() -> bool:
            return self._stopping or time.monotonic() >= deadline

        while not over():
            names = await self._look(drains)
            for sender_id, name in names.items():
                channel = await self._open(sender_id, name)
                if channel is not None:
                    drain = Drain(self._context, sender_id, name, channel, ends, self._transaction, over)
                    drains[sender_id] = asyncio.create_task(self._guarded(drain))
            if until_idle and not names and not drains:
                break
            await self._pause(drains)
        if drains:
            await asyncio.wait(drains.values())
        ends.close()
        await recorder
        return ends.recorded

    async def _look(self, drains: dict[int, asyncio.Task[None]]) -> dict[int, str]:
        """Senders with work that no drain of ours serves."""
        for sender_id in [i for i, task in drains.items() if task.done()]:
            del drains[sender_id]
        try:
            found: dict[int, str] = await self._transaction(lambda c: _senders_with_work(self._context, c))
        except UnavailableError:
            await asyncio.sleep(_AWAY_S)
            return {}
        return {sender_id: name for sender_id, name in found.items() if sender_id not in drains}

    async def _pause(self, drains: dict[int, asyncio.Task[None]]) -> None:
        if drains:
            await asyncio.wait(drains.values(), timeout=_LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _guarded(self, drain: Drain) -> None:
        """A database that goes away ends the drain; its leases end, and it is taken up again."""
        try:
            await drain.run()
        except UnavailableError:
            await asyncio.sleep(_AWAY_S)

    async def _open(self, sender_id: int, name: str) -> Channel[Any] | None:
        """None where the sender cannot be opened: it is paused with the reason."""
        if sender_id not in self._channels:
            context = self._context
            try:
                settings = context.settings.senders.get(name)
                if settings is None:
                    return None
                self._channels[sender_id] = context.channels.open(name, settings, context.environment, self._http)
            except (ProviderError, UsageError) as error:
                reason = _reason(error)
                await self._transaction(lambda c: pause_sender(c, sender_id, reason, context.now_us()))
                return None
        return self._channels[sender_id]

    async def _transaction(self, work: Callable[[Connection], Any]) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._context.database.run, work)

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()
        await self._http.close()
        self._threads.shutdown(wait=False)


def _senders_with_work(context: Context, connection: Connection) -> dict[int, str]:
    names = {row.id: row.name for row in known_senders(connection)}
    return {i: names[i] for i in senders_with_work(connection, list(names), context.now_us())}


def _reason(error: DispatcherError) -> str:
    return f"{error.message}. {error.hint}".strip()
