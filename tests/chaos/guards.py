"""Guards of the engine, taken out one at a time: with any of them gone, the chaos runs must go red.

Python imports this at the start of every process of a stage that runs without a guard (`sitecustomize`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, update

from dispatcher.core.status import Status
from dispatcher.delivery import machine
from dispatcher.operations.drain import Drain
from dispatcher.operations.outgoing import Outgoing
from dispatcher.spi import OutboundMessage, Outcome
from dispatcher.store import claims
from dispatcher.store.tables import messages

COMMIT_FIRST = "commit-first"
TOKEN = "token"

_sending: ContextVar[tuple[Drain, int, Any]] = ContextVar("sending")


def without_commit_first() -> None:
    """Invariant 3 broken: an attempt is committed after its bytes left, as if it were done in one transaction."""
    begin_in, send, hand_out = Drain._begin_in, Drain._send, Outgoing.exchange

    def begin_nothing(self: Drain, connection: Connection, token: int, rows: Sequence[Any]) -> dict[int, int]:
        return {row.id: row.attempt + 1 for row in rows}

    async def remember(self: Drain, going: Any) -> None:
        _sending.set((self, going.hand.token, going.row))
        await send(self, going)

    async def commit_afterwards(self: Outgoing, message: OutboundMessage) -> tuple[Outcome, str]:
        outcome = await hand_out(self, message)
        drain, token, row = _sending.get()
        await drain.database(lambda connection: begin_in(drain, connection, token, [row]))
        return outcome

    Drain._begin_in = begin_nothing  # type: ignore[method-assign]
    Drain._send = remember  # type: ignore[method-assign]
    Outgoing.exchange = commit_afterwards  # type: ignore[method-assign]


def without_token() -> None:
    """Whoever held a row once may begin it, and say that nothing of it left."""
    begin, withdraw = claims.begin, machine.withdraw

    def begin_anyone(connection: Connection, token: int, rows: Sequence[Any], *rest: Any, **named: Any) -> Any:
        ids = [row.id for row in rows]
        waiting = update(messages).where(messages.c.id.in_(ids), messages.c.status == Status.QUEUED)
        connection.execute(waiting.values(claim_token=token, claim_until_us=1 << 62))
        return begin(connection, token, rows, *rest, **named)

    def withdraw_anyone(message: machine.Message, token: int, now_us: int) -> None:
        withdraw(message, message.claim_token or token, now_us)

    claims.begin = begin_anyone
    machine.withdraw = withdraw_anyone


_WITHOUT = {COMMIT_FIRST: without_commit_first, TOKEN: without_token}

if guard := os.environ.get("CHAOS_GUARD"):
    _WITHOUT[guard]()
