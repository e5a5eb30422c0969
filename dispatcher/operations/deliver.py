"""Deliver: the drains of all senders that have work, in one event loop of one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection

from dispatcher.core.clock import SECOND_US
from dispatcher.core.errors import ProviderError, UnavailableError, UsageError
from dispatcher.operations.context import Context
from dispatcher.operations.drain import Drain
from dispatcher.operations.ends import Ends
from dispatcher.operations.interpreter import switch_often
from dispatcher.operations.listen import Listener
from dispatcher.operations.logs import log
from dispatcher.operations.reply_sender import ReplySender
from dispatcher.operations.settle import look_up_unknown
from dispatcher.spi import Channel
from dispatcher.spi.http import PooledClient
from dispatcher.spi.tap import Tap
from dispatcher.store.installation import new_token, take_lease
from dispatcher.store.permits import known_senders, pause_sender
from dispatcher.store.unknowns import senders_with_unknown
from dispatcher.store.upkeep import senders_with_work

_LOOK_EVERY_S = 0.2
_LOOK_BESIDE_S = 0.5
"""How often one looks for other senders with work while some are served."""

_AWAY_S = 0.5
_THREADS = 4
_SETTLE_EVERY_S = 5.0
_SETTLE_LEASE_US = 30 * SECOND_US


class Deliverer:
    """Made and run inside the loop it lives in; kept between runs, so that connections stay open."""

    def __init__(self, context: Context) -> None:
        switch_often()
        self._context = context
        self._http = PooledClient()
        self._tap = Tap(self._http) if context.settings.wire_log.keep_days else None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="deliver-db")
        self._channels: dict[int, Channel[Any]] = {}
        self._listener = Listener(context)
        self._token = new_token()
        self._replies = ReplySender(context, self._transaction, self._open)
        self._stopping = False

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what was begun is recorded."""
        self._stopping = True

    async def run(self, budget_s: float | None = None, should_stop: Callable[[], bool] = lambda: False) -> int:
        """Drain senders until the budget is used or a stop; returns how many ends were recorded."""
        await self._transaction(self._context.generation.require)
        deadline = float("inf") if budget_s is None else time.monotonic() + budget_s
        ends = Ends(self._context, self._transaction)
        recorder = asyncio.create_task(ends.run())
        settling = asyncio.create_task(self._settle())
        drains: dict[int, asyncio.Task[None]] = {}
        failed = False

        def stopped() -> bool:
            # what cannot be recorded must not be sent: a recorder that failed ends the run, and its error comes out
            return failed or self._stopping or should_stop() or recorder.done()

        def over() -> bool:
            return stopped() or time.monotonic() >= deadline

        ending = asyncio.Event()
        replying = asyncio.create_task(self._replies.run(over, ending))
        try:
            while not over():
                for sender_id, name in (await self._look(drains)).items():
                    channel = await self._open(sender_id, name)
                    if channel is not None:
                        drain = Drain(
                            self._context, sender_id, name, channel, ends, self._transaction, over, stopped, self._tap
                        )
                        drains[sender_id] = asyncio.create_task(self._guarded(drain))
                await self._pause(drains)
        except BaseException:
            failed = True
            raise
        finally:
            # whatever happened: what was begun ends, and its ends are recorded
            settling.cancel()
            ending.set()
            await asyncio.wait({replying, *drains.values()})
            ends.close()
            try:
                await recorder
            finally:
                ends.keep()
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
        # in any case: a drain ends at once where its rows are in another worker's hands, and would be made anew at once
        await asyncio.sleep(_LOOK_EVERY_S)
        if drains:
            rest_s = _LOOK_BESIDE_S - _LOOK_EVERY_S
            await asyncio.wait(drains.values(), timeout=rest_s, return_when=asyncio.FIRST_COMPLETED)

    async def _guarded(self, drain: Drain) -> None:
        """A database that goes away ends the drain; its leases end, and it is taken up again."""
        try:
            await drain.run()
        except UnavailableError:
            await asyncio.sleep(_AWAY_S)
        except Exception as error:
            log.error("drain-failed", sender=drain.name, exc_info=error)
            await asyncio.sleep(_AWAY_S)

    async def _settle(self) -> None:
        """Look up what is unknown, also where nothing waits to be sent; one process a sender at a time."""
        while True:
            try:
                found: dict[int, str] = await self._transaction(_senders_with_unknown)
                for sender_id, name in found.items():
                    channel = await self._open(sender_id, name)
                    if channel is not None and channel.capabilities.lookup:
                        await self._look_up(sender_id, channel)
            except UnavailableError:
                await asyncio.sleep(_AWAY_S)
            except Exception as error:
                log.error("look-up-failed", exc_info=error)
            await asyncio.sleep(_SETTLE_EVERY_S)

    async def _look_up(self, sender_id: int, channel: Channel[Any]) -> None:
        name, now_us = f"look-up:{sender_id}", self._context.now_us
        if await self._transaction(lambda c: take_lease(c, name, self._token, now_us(), _SETTLE_LEASE_US)):
            await look_up_unknown(self._context, sender_id, channel, self._transaction)

    async def _open(self, sender_id: int, name: str) -> Channel[Any] | None:
        """None where the sender cannot be opened: it is paused with the reason, and the others go on."""
        if sender_id not in self._channels:
            try:
                channel = self._context.open_sender(name, self._tap or self._http)
                self._listener.attach(sender_id, name, channel)
                if self._tap is not None:
                    channel.watched(self._tap.note)
                self._channels[sender_id] = channel
            except (ProviderError, UsageError) as error:
                await self._pause_sender(sender_id, f"{error.message}. {error.hint}".strip())
                return None
            except Exception as error:  # anyone's plug-in
                log.error("channel-failed", sender=name, exc_info=error)
                await self._pause_sender(sender_id, f"its channel does not open ({type(error).__name__})")
                return None
        return self._channels[sender_id]

    async def _pause_sender(self, sender_id: int, reason: str) -> None:
        try:
            await self._transaction(lambda c: pause_sender(c, sender_id, reason, self._context.now_us()))
        except UnavailableError:
            await asyncio.sleep(_AWAY_S)

    async def _transaction(self, work: Callable[[Connection], Any]) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._context.database.run, work)

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()
        await self._listener.close()
        await self._http.close()
        self._threads.shutdown(wait=False)


def _senders_with_work(context: Context, connection: Connection) -> dict[int, str]:
    names = {row.id: row.name for row in known_senders(connection) if not row.paused}
    return {i: names[i] for i in senders_with_work(connection, list(names), context.now_us())}


def _senders_with_unknown(connection: Connection) -> dict[int, str]:
    unknown = senders_with_unknown(connection)
    return {row.id: row.name for row in known_senders(connection) if row.id in unknown}
