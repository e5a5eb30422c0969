"""Hear what providers say over the connections that send, for channels without webhooks."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from dispatcher.operations.committer import Committer
from dispatcher.operations.context import Context
from dispatcher.operations.ingest import Arrived, Ingest
from dispatcher.operations.logs import log
from dispatcher.spi import Channel, HookAnswer


class Listener:
    """One per process that sends; lives in its loop. Commits in groups, as the web does for its hooks."""

    def __init__(self, context: Context) -> None:
        self._committer = Committer(Ingest(context))
        self._committing: asyncio.Task[None] | None = None

    def attach(self, sender_id: int, name: str, channel: Channel[Any]) -> None:
        """Does nothing for a channel that hears nothing."""
        if channel.capabilities.receipts != "session":
            return
        if self._committing is None:
            self._committing = asyncio.create_task(self._committer.run())

        async def deliver(answer: HookAnswer, raw: str) -> bool:
            for word in answer.unmapped:
                log.warning("hook-unmapped", sender=name, word=word)
            return await self._committer.keep(Arrived(sender_id, answer, raw)) in ("kept", "unparsed")

        channel.attached(deliver)

    async def close(self) -> None:
        """After the channels."""
        if self._committing is not None:
            self._committing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._committing
