"""One bound session: requests and their answers by sequence number, at most a window of them unanswered.

smpp34's own client answers `deliver_sm` before we have seen it, so the session is ours and the library encodes and
decodes (docs/decisions/0016).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, cast

from dispatcher_channels.smpp import pdu
from dispatcher_channels.smpp.pdu import BrokenStreamError, Pdu, Stream

UNBIND_S: Final = 2.0
"""How long an SMS centre may take to answer `unbind`: some never do."""

MOST_UNHEARD: Final = 500
"""Of the SMS centre's messages that wait for their commit; then nothing more is read."""

_LAST_SEQUENCE = 0x7FFFFFFF

Heard = Callable[[Pdu], Awaitable[int]]


class GoneError(Exception):
    """The session is over, and the request did not leave."""


class LostError(Exception):
    """The request left, and the session ended before its answer."""


class _Asked(NamedTuple):
    answer: asyncio.Future[Pdu]
    at_s: float
    counts: bool


class Session(asyncio.Protocol):
    """`heard(deliver_sm)` returns the status to answer with. Uses one event loop."""

    def __init__(self, window: int, enquire_link_s: float, heard: Heard) -> None:
        self._loop = asyncio.get_running_loop()
        self._window = asyncio.Semaphore(window)
        self._enquire_link_s = enquire_link_s
        self._heard = heard
        self._stream = Stream()
        self._asked: dict[int, _Asked] = {}
        self._sequence = 0
        self._hearing: set[asyncio.Task[None]] = set()
        self._watch: asyncio.TimerHandle | None = None
        self._silent = 0
        self._open = False
        self.was_of_use = False
        """It answered something that was submitted: when it is lost, the next may follow at once."""

        self._transport: asyncio.Transport
        self.ended: asyncio.Future[None] = self._loop.create_future()

    @property
    def is_open(self) -> bool:
        return self._open

    async def bind(self, system_id: str, password: str, system_type: str) -> Pdu:
        """LostError where the SMS centre hangs up."""
        answer = await self._ask(
            lambda number: pdu.bind_transceiver(number, system_id, password, system_type), counts=False
        )
        self._watch = self._loop.call_later(self._enquire_link_s, self._look)
        return answer

    async def submit(self, encode: Callable[[int], bytes]) -> Pdu:
        """GoneError: it did not leave; LostError: it did. Cancelled, its place stays taken until it is answered."""
        await self._window.acquire()
        return await self._ask(encode, counts=True)

    async def unbind(self) -> None:
        """Say good-bye, wait a little for what was heard to be kept and for the answer, and hang up."""
        if self._open:
            goodbye = self._ask(lambda number: pdu.pdu(pdu.UNBIND, pdu.OK, number), counts=False)
            polite = asyncio.gather(goodbye, *self._hearing, return_exceptions=True)
            await asyncio.wait([polite], timeout=UNBIND_S)
            polite.cancel()
        self.hang_up()
        await self.ended
        for task in self._hearing:
            task.cancel()
        await asyncio.gather(*self._hearing, return_exceptions=True)

    def hang_up(self) -> None:
        self._open = False
        self._transport.abort()

    # Asking

    def _ask(self, encode: Callable[[int], bytes], *, counts: bool) -> asyncio.Future[Pdu]:
        """Written in this call: whoever is cancelled later has been sent."""
        if not self._open or self._transport.is_closing():
            if counts:
                self._window.release()
            raise GoneError
        self._sequence = number = 1 if self._sequence >= _LAST_SEQUENCE else self._sequence + 1
        answer: asyncio.Future[Pdu] = self._loop.create_future()
        self._asked[number] = _Asked(answer, self._loop.time(), counts)
        self._transport.write(encode(number))
        return answer

    def _answered(self, answer: Pdu) -> None:
        asked = self._asked.pop(answer.sequence, None)
        if asked is None:
            return  # an answer to nothing we asked
        if asked.counts:
            self._window.release()
            self.was_of_use = True
        if not asked.answer.done():
            asked.answer.set_result(answer)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self._open = True

    def data_received(self, data: bytes) -> None:
        self._silent = 0
        try:
            for one in self._stream.feed(data):
                self._take(one)
        except BrokenStreamError:
            self.hang_up()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open = False
        if self._watch is not None:
            self._watch.cancel()
        for asked in self._asked.values():
            if asked.counts:
                self._window.release()
            if not asked.answer.done():
                asked.answer.set_exception(LostError())
                asked.answer.exception()  # nobody may be waiting for it any more
        self._asked.clear()
        if not self.ended.done():
            self.ended.set_result(None)

    # Being asked

    def _take(self, one: Pdu) -> None:
        if one.command & pdu.RESPONSE:
            self._answered(one)
        elif one.command == pdu.DELIVER_SM:
            self._hear(one)
        elif one.command == pdu.ENQUIRE_LINK:
            self._answer(one, pdu.OK)
        elif one.command == pdu.UNBIND:
            self._answer(one, pdu.OK)
            self._open = False
            self._transport.close()
        else:
            self._write(pdu.pdu(pdu.GENERIC_NACK, pdu.INVALID_COMMAND, one.sequence))

    def _hear(self, one: Pdu) -> None:
        task = self._loop.create_task(self._keep(one))
        self._hearing.add(task)
        task.add_done_callback(self._kept)
        if len(self._hearing) >= MOST_UNHEARD:
            self._transport.pause_reading()

    async def _keep(self, one: Pdu) -> None:
        status = await self._heard(one)
        self._answer(one, status, b"\0")

    def _kept(self, task: asyncio.Task[None]) -> None:
        self._hearing.discard(task)
        if len(self._hearing) == MOST_UNHEARD - 1:
            self._transport.resume_reading()

    def _answer(self, one: Pdu, status: int, body: bytes = b"") -> None:
        self._write(pdu.pdu(one.command | pdu.RESPONSE, status, one.sequence, body))

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    # Keep-alive

    def _look(self) -> None:
        """Any octet is a sign of life; two silent periods, or an answer that is four periods late, are none."""
        self._watch = self._loop.call_later(self._enquire_link_s, self._look)
        oldest = next(iter(self._asked.values()), None)
        late_s = self._loop.time() - oldest.at_s if oldest else 0.0
        if self._silent >= 2 or late_s > 4 * self._enquire_link_s:
            self.hang_up()
            return
        self._silent += 1
        if self._open:
            self._ask(lambda number: pdu.pdu(pdu.ENQUIRE_LINK, pdu.OK, number), counts=False)
