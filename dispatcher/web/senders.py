"""Who may call: the senders of the settings, and those that were removed from them while their receipts still come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from dispatcher.core.errors import DispatcherError
from dispatcher.operations.context import Context
from dispatcher.operations.senders import sync_senders
from dispatcher.spi import Channel
from dispatcher.spi.http import PooledClient
from dispatcher.store.tables import senders

_LOOK_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Caller:
    """A sender as hooks see it. `channels`: those whose credentials may have signed; none: they are missing."""

    id: int
    channel: str
    channels: Sequence[Channel[Any]] = field(default=(), repr=False)


class Callers:
    """Known senders by name, read from SQL and looked at again now and then. UnavailableError: the database is away."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._http = PooledClient()
        self._known: dict[str, Caller] = {}
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()

    async def find(self, name: str) -> Caller | None:
        """None for a name that was never a sender's; such calls reach the database every few seconds only."""
        caller = self._known.get(name)
        if caller is None or not caller.channels:
            async with self._looking:
                if time.monotonic() - self._looked_at > _LOOK_AGAIN_S:
                    self._known = await asyncio.to_thread(self._read)
                    self._looked_at = time.monotonic()
            caller = self._known.get(name)
        return caller

    def _read(self) -> dict[str, Caller]:
        rows = self._rows()
        if not {row.name for row in rows}.issuperset(self._context.settings.senders):
            sync_senders(self._context)
            rows = self._rows()
        opened = {name: channel for name in self._context.settings.senders if (channel := self._open(name))}
        return {row.name: Caller(row.id, row.channel, _channels_of(row, opened)) for row in rows}

    def _rows(self) -> Sequence[Any]:
        with self._context.database.read() as connection:
            return connection.execute(select(senders.c.id, senders.c.name, senders.c.channel)).all()

    def _open(self, name: str) -> Channel[Any] | None:
        try:
            return self._context.open_sender(name, self._http, resolve=False)
        except DispatcherError:
            return None


def _channels_of(row: Any, opened: dict[str, Channel[Any]]) -> list[Channel[Any]]:
    """A removed sender's account often serves another one: its credentials go on verifying (invariant 15)."""
    if row.name in opened:
        return [opened[row.name]]
    return [channel for channel in opened.values() if channel.name == row.channel]
