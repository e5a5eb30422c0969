"""Sends the automatic answers that are due, beside the drains: at most once each, by the same permits (invariant 9).

A permit is taken on the sender's row, the answer is begun in a commit just before it, and leaves at it. Of what was
begun and not ended nobody tries again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dispatcher.core.clock import SECOND_US, boottime_ns
from dispatcher.core.errors import UnavailableError
from dispatcher.core.phone import is_synthetic
from dispatcher.core.segments import measure
from dispatcher.core.status import Reason
from dispatcher.delivery.pacing import HORIZON_US, LATE_US, capacity, permits
from dispatcher.delivery.people import Wish
from dispatcher.operations.context import Context
from dispatcher.operations.ends import Transaction
from dispatcher.operations.hand import CLAIM_VOID_NS, SLICE_US, sleep_until
from dispatcher.operations.logs import log
from dispatcher.operations.outgoing import Outgoing
from dispatcher.receipts.fold import make_ref
from dispatcher.receipts.reply_life import End, after
from dispatcher.spi import Accepted, Channel, OutboundMessage, Rejected
from dispatcher.store import reply_queue as store
from dispatcher.store.bulk import insert_ignore
from dispatcher.store.installation import new_token, record_act, release_lease, take_lease
from dispatcher.store.permits import known_senders, lock_sender, move_tat, pause_sender, slow_down
from dispatcher.store.recent import touch
from dispatcher.store.reply_queue import DueReply
from dispatcher.store.sealed import SealBrokenError
from dispatcher.store.stops import stop_address
from dispatcher.store.tables import provider_refs

AT_ONCE = 20
LOOK_EVERY_S = 1.0
_STOP_WITHIN_S = 0.2
_LEASE_US = 30 * SECOND_US
_PATIENCE_S = (0.5, 1.0, 2.0, 4.0)

Open = Callable[[int, str], Awaitable[Channel[Any] | None]]


class _Permit(NamedTuple):
    """`at_us` None: the sender has no rate."""

    reply: DueReply
    at_us: int | None


class _Turn(NamedTuple):
    """Permits in order; `wait_us`: where there are none, after how long to ask again, 0: nothing is due."""

    permits: Sequence[_Permit] = ()
    wait_us: int = 0


class ReplySender:
    """One per process, in the loop of its deliverer. `open_`: a sender's channel, None where it cannot be opened."""

    def __init__(self, context: Context, transaction: Transaction, open_: Open) -> None:
        self._context = context
        self._transaction = transaction
        self._open = open_
        self._token = new_token()

    async def run(self, is_over: Callable[[], bool], ending: asyncio.Event) -> None:
        """Until `is_over`, which `ending` tells at once; what was begun is ended and recorded."""
        while not is_over():
            try:
                found: dict[int, str] = await self._transaction(self._look)
                served = (self._serve(i, name, is_over) for i, name in found.items())
                # all of them end before the next look: none may go on beside its successor
                _told(await asyncio.gather(*served, return_exceptions=True))
            except UnavailableError:
                pass
            except Exception as error:
                log.error("replies-failed", exc_info=error)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await ending.wait()

    def _look(self, connection: Connection) -> dict[int, str]:
        names = {row.id: row.name for row in known_senders(connection) if not row.paused}
        return {i: names[i] for i in store.senders_with_replies(connection, names, self._context.now_us())}

    async def _serve(self, sender_id: int, name: str, is_over: Callable[[], bool]) -> None:
        """One process a sender at a time; the others would only waste its permits."""
        lease, now_us = f"replies:{sender_id}", self._context.now_us
        if not await self._transaction(lambda c: take_lease(c, lease, self._token, now_us(), _LEASE_US)):
            return
        try:
            channel = await self._open(sender_id, name)
            while channel is not None and not is_over():
                turn: _Turn = await self._transaction(lambda c: self._turn(c, sender_id, lease))
                if not turn.permits:
                    if not turn.wait_us:
                        break
                    await asyncio.sleep(min(turn.wait_us / SECOND_US, _STOP_WITHIN_S))
                    continue
                await _Round(self._context, self._transaction, name, channel, sender_id).send(turn.permits)
        finally:
            await self._transaction(lambda c: release_lease(c, lease, self._token))

    def _turn(self, connection: Connection, sender_id: int, lease: str) -> _Turn:
        """While the lease is ours."""
        is_ours = take_lease(connection, lease, self._token, self._context.now_us(), _LEASE_US)
        return self._take_permits(connection, sender_id) if is_ours else _Turn()

    def _take_permits(self, connection: Connection, sender_id: int) -> _Turn:
        self._context.generation.require(connection)
        sender, now_us = lock_sender(connection, sender_id), self._context.now_us()
        is_slow = sender.slow_until_us is not None and sender.slow_until_us > now_us
        if sender.paused or sender.removed or is_slow:
            return _Turn()
        store.cancel_unwanted(connection, sender_id)
        replies = store.due_replies(connection, sender_id, sender.spacing_us, now_us, AT_ONCE)
        if not replies:
            return _Turn()
        if sender.rate_per_s is None:
            touch(connection, sender, _wishes(replies), [now_us] * len(replies))
            return _Turn([_Permit(reply, None) for reply in replies])
        tat_us = max(sender.tat_us, now_us + self._context.lead.us)
        if not capacity(tat_us, now_us, sender.rate_per_s):
            return _Turn(wait_us=tat_us - now_us - HORIZON_US + 1000)
        units = [self._units(reply, sender.rate_unit) for reply in replies]
        at_us, tat_us = permits(tat_us, now_us, sender.rate_per_s, units)
        move_tat(connection, sender_id, tat_us)
        touch(connection, sender, _wishes(replies[: len(at_us)]), at_us)
        return _Turn([_Permit(*one) for one in zip(replies, at_us, strict=False)])

    def _units(self, reply: DueReply, unit: str) -> int:
        if unit != "segment":
            return 1
        try:
            return measure(self._context.keys.sealer.open("inbound.reply", reply.id, reply.text_sealed)).segments
        except SealBrokenError:
            return 1


def _wishes(replies: Sequence[DueReply]) -> list[Wish]:
    return [Wish(reply.id, bytes(reply.address_hash)) for reply in replies]


class _Ended(NamedTuple):
    reply: DueReply
    attempt: int
    end: End
    provider_ids: tuple[str, ...] = ()


class _Round:
    """Permits of one sender, used."""

    def __init__(
        self, context: Context, transaction: Transaction, name: str, channel: Channel[Any], sender_id: int
    ) -> None:
        self._context = context
        self._transaction = transaction
        self._channel = channel
        self._outgoing = Outgoing(context, name, channel)
        self._keeps_ids = not channel.capabilities.echoes_ref
        self._sender_id = sender_id
        self._token = new_token()
        self._ended: list[_Ended] = []

    async def send(self, given: Sequence[_Permit]) -> None:
        """Those whose permits are near to each other are begun together (invariant 3)."""
        pending = list(given)
        while pending:
            first_us = pending[0].at_us
            near = [one for one in pending if _is_near(one.at_us, first_us)]
            pending = pending[len(near) :]
            if first_us is not None:
                await sleep_until(self._context, first_us - self._context.lead.us)
            begun_ns = boottime_ns()
            attempts: dict[int, int] = await self._transaction(
                lambda c, near=near: store.begin_replies(  # type: ignore[misc]
                    c, [one.reply for one in near], self._token, self._context.now_us()
                )
            )
            ours = [one for one in near if one.reply.id in attempts]
            handed = (self._hand_over(one, attempts[one.reply.id], begun_ns) for one in ours)
            failed = await asyncio.gather(*handed, return_exceptions=True)
            await self._record_ended()
            _told(failed)

    async def _record_ended(self) -> None:
        """A refusal among them must not be lost because the database is away for a moment."""
        ended, self._ended = self._ended, []
        for pause_s in (*_PATIENCE_S, None):
            try:
                await self._transaction(lambda c: self._record(c, ended))
                return
            except UnavailableError:
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)

    async def _hand_over(self, permit: _Permit, attempt: int, begun_ns: int) -> None:
        reply, at_us = permit
        now_us = self._context.database.clock.now_us
        if at_us is not None:
            await sleep_until(self._context, at_us)
        is_late = at_us is not None and now_us() - at_us > LATE_US
        if is_late or boottime_ns() - begun_ns > CLAIM_VOID_NS:
            self._ended.append(_Ended(reply, attempt, End("due", now_us())))
            return
        try:
            message = self._message(reply, attempt)
        except SealBrokenError:
            self._ended.append(_Ended(reply, attempt, End("failed", code="seal-broken")))
            return
        if is_synthetic(message.to) and not self._channel.capabilities.synthetic_only:
            outcome: Any = Rejected(Reason.SYNTHETIC)
        else:
            outcome, _ = await self._outgoing.exchange(message)
        names = outcome.provider_ids if isinstance(outcome, Accepted) and self._keeps_ids else ()
        self._ended.append(_Ended(reply, attempt, after(outcome, attempt, now_us(), random.random()), names))

    def _message(self, reply: DueReply, attempt: int) -> OutboundMessage:
        opened, ref = self._context.keys.sealer.open, make_ref(reply.id, attempt)
        text = opened("inbound.reply", reply.id, reply.text_sealed)
        left_us = reply.until_us - self._context.database.clock.now_us()
        return OutboundMessage(
            ref=ref,
            to=opened("inbound.address", reply.id, reply.address_sealed),
            text=text,
            callback_url=self._outgoing.callback_url(ref),
            valid_for_s=max(1, left_us // SECOND_US),
            segments=measure(text).segments,
        )

    def _record(self, connection: Connection, ended: Sequence[_Ended]) -> None:
        now_us = self._context.now_us()
        for reply, attempt, end, provider_ids in sorted(ended):
            store.end_reply(connection, reply.id, self._token, end)
            if end.stopped:
                stop_address(connection, bytes(reply.address_hash), "*", "opted_out", "provider", now_us)
            insert_ignore(connection, provider_refs, [self._ref(reply, attempt, one, now_us) for one in provider_ids])
        slow_us = max((one.end.slow_us for one in ended), default=0)
        if slow_us:
            slow_down(connection, self._sender_id, now_us + slow_us)
        pause = next((one.end.pause for one in ended if one.end.pause), "")
        if pause and pause_sender(connection, self._sender_id, pause, now_us):
            record_act(connection, now_us, "dispatcher", "pause-sender", str(self._sender_id), {"reason": pause})

    def _ref(self, reply: DueReply, attempt: int, provider_id: str, now_us: int) -> dict[str, Any]:
        """By which receipts without our reference find it."""
        of_reply = {"sender_id": self._sender_id, "message_id": reply.id, "attempt": attempt, "at_us": now_us}
        return {**of_reply, "provider_id": provider_id, "part": 0}


def _told(results: Sequence[BaseException | None]) -> None:
    """What went wrong in some does not concern the others."""
    for error in results:
        if isinstance(error, Exception) and not isinstance(error, UnavailableError):
            log.error("replies-failed", exc_info=error)


def _is_near(at_us: int | None, first_us: int | None) -> bool:
    return at_us is None or first_us is None or at_us - first_us < SLICE_US
