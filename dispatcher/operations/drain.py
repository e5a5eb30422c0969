"""Send what one sender has waiting: claim, begin a slice, hand over, record (DESIGN 5).

A claim covers half a second of permits. Its rows are begun in slices, each committed before its first byte leaves;
the next slice is begun while the current one is handed over, also where it belongs to the next claim, which is made
before this one ends. A sender without a rate has no permits to wait for: each of its claims is one slice, and begun in
the claim's own commit. What was begun and not handed over never exceeds two slices of 50 ms of sending (invariant 3).
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dispatcher.core.clock import SECOND_US, boottime_ns
from dispatcher.core.errors import UnavailableError
from dispatcher.core.status import Reason
from dispatcher.delivery.pacing import HORIZON_US, LATE_US, capacity, permits
from dispatcher.delivery.schedule import throttle_delay_us
from dispatcher.operations.context import Context
from dispatcher.operations.ends import Ends
from dispatcher.operations.hand import CLAIM_VOID_NS, Hand, Pace, sleep_until
from dispatcher.operations.lanes import Lanes
from dispatcher.operations.outgoing import Outgoing
from dispatcher.operations.record import Ended, Withdrawn
from dispatcher.spi import Channel, Misconfigured, OutboundMessage, Rejected, Throttled
from dispatcher.spi.tap import Tap
from dispatcher.store import claims, recent
from dispatcher.store.claims import Claimed
from dispatcher.store.installation import new_token
from dispatcher.store.permits import lock_sender, move_tat, read_sender
from dispatcher.store.refused import without_refused
from dispatcher.store.sealed import SealBrokenError

BATCH = 400
CLAIM_US = 2_000_000
"""How long nobody else may claim a row; it could not be begun after 0.8 s anyway."""

LEASE_US = 15_000_000
_WAIT_PAUSED_US = 1_000_000
_UNTIL_RECORDED_US = 1_000_000
"""By then the sender's row itself says that it is slow, or paused."""

_RECORDED_S = 0.02
_CLAIM_TAKES_US = 50_000
_AGAIN_US = 1_000
"""After a claim of which nothing may go: others behind it may."""

Database = Callable[[Callable[[Connection], Any]], Any]


class _Going(NamedTuple):
    """One begun row on its way out."""

    hand: Hand
    row: Claimed
    attempt: int
    at_us: int | None


@dataclass
class Drain:
    """One sender in one process."""

    context: Context
    sender_id: int
    name: str
    channel: Channel[Any]
    ends: Ends
    database: Any
    """`async def(work) -> result`: runs `work(connection)` in a transaction, on a thread."""

    should_end: Callable[[], bool]
    """Claim nothing more. What is claimed has its permits, which nobody else can use: it is sent."""

    should_stop: Callable[[], bool]
    """Nor begin what is claimed: it is given back."""

    tap: Tap | None = None
    """What the channel asks through, where a wire log is kept."""

    _turn: int = 0
    _pace: Pace = field(default_factory=Pace)
    _front: claims.Front = field(default_factory=claims.Front)
    _quiet_until_s: float = 0.0
    """The provider asked for a pause: until then nothing leaves that is in our hands already."""
    _came_back: bool = False
    """A row of ours did not leave and will wait again, once that is recorded."""

    _held: tuple[int, Sequence[Claimed]] = (0, ())
    """Token and rows of the transaction that holds and begins, until it is known to have happened."""

    def __post_init__(self) -> None:
        self._outgoing = Outgoing(self.context, self.name, self.channel, self.tap)
        self._lanes = Lanes(self.channel.capabilities.concurrency, self._send)
        self._keeps_ids = not self.channel.capabilities.echoes_ref

    async def run(self) -> None:
        """Until nothing waits, or a stop; what was begun is finished."""
        try:
            hand = await self._ready(self._claim())
            while hand.rows or hand.wait_us or await self._some_came_back():
                if hand.rows:
                    hand = await self._use(hand)
                    continue
                if self.should_end():
                    break
                await asyncio.sleep(min(hand.wait_us, _WAIT_PAUSED_US) / SECOND_US)
                hand = await self._ready(self._claim())
        finally:
            await self._lanes.ended()

    async def _some_came_back(self) -> bool:
        """Nothing waits: before leaving the sender, see to what waits again by our own doing."""
        if self._came_back:
            await self._lanes.ended()
            # a run that ends does not wait here: the recorder gives up on a database that is away only after it
            while not self.ends.are_recorded and not self.should_end():
                await asyncio.sleep(_RECORDED_S)
        came_back, self._came_back = self._came_back, False
        return came_back

    async def _use(self, hand: Hand) -> Hand:
        """Hand over all of a claim; returns the next one, made and begun meanwhile."""
        slices, begun = list(hand.slices()), hand.begun
        following = asyncio.create_task(self._claim_after(hand))
        for (start, end), after in itertools.pairwise(slices):
            ahead = asyncio.create_task(self._begin(hand, *after))
            await self._hand_over(hand, start, end, begun)
            begun = await ahead
        upcoming = asyncio.create_task(self._ready(following))
        await self._hand_over(hand, *slices[-1], begun)
        if hand.is_paced and not hand.was_late:
            self.context.lead.was_in_time()
        return await upcoming

    async def _ready(self, claiming: Awaitable[Hand]) -> Hand:
        """With its first slice begun."""
        hand = await claiming
        if hand.is_paced:
            hand.begun = await self._begin(hand, *next(hand.slices()))
        return hand

    async def _claim_after(self, hand: Hand) -> Hand:
        """In time for its first slice to be begun before the last permit of this one."""
        last_us = hand.at_us[-1]
        if last_us is not None:
            await sleep_until(self.context, last_us - self.context.lead.us - _CLAIM_TAKES_US)
        return await self._claim()

    async def _claim(self) -> Hand:
        if self.should_end():
            return Hand(0, (), (), 0)
        if (quiet_s := self._quiet_s()) > 0:
            return Hand(0, (), (), 0, int(quiet_s * SECOND_US) + _AGAIN_US)
        self._held = 0, ()
        try:
            return await self.database(self._claim_in)  # type: ignore[no-any-return]
        except UnavailableError:
            self._withdraw(*self._held)
            raise

    def _withdraw(self, token: int, rows: Sequence[Claimed]) -> None:
        """Their commit may have happened though its answer was lost: nothing has left, so say that (invariant 16)."""
        for row in rows:
            self.ends.add(Ended(row.id, row.attempt + 1, Withdrawn(token)))

    def _claim_in(self, connection: Connection) -> Hand:
        now_us, claimed_ns, token = self.context.now_us(), boottime_ns(), new_token()
        self.context.generation.require(connection)
        sender = read_sender(connection, self.sender_id)
        if sender.rate_per_s is not None or recent.has_rules(sender):
            # its permits stand on its row, or whom it messaged beside it: one writer at a time
            sender = lock_sender(connection, self.sender_id)
        if sender.paused or sender.removed:
            return Hand(token, (), (), claimed_ns)
        if sender.slow_until_us is not None and sender.slow_until_us > now_us:
            return Hand(token, (), (), claimed_ns, sender.slow_until_us - now_us)
        self._turn += 1
        if sender.rate_per_s is None:
            return self._take_slice(connection, sender, token, now_us, claimed_ns)
        return self._claim_permits(connection, sender, token, now_us, claimed_ns)

    def _take_slice(self, connection: Connection, sender: Any, token: int, now_us: int, claimed_ns: int) -> Hand:
        """Claimed and begun at once: nothing has to wait for its instant."""
        held = claims.hold(connection, self.sender_id, self._pace.slice, now_us, self._turn, self._front)
        willing = without_refused(connection, held, now_us)
        rows = recent.admitted(connection, sender, willing, now_us)
        if not rows:
            return Hand(token, (), (), claimed_ns, _AGAIN_US if willing else 0)
        last_us = now_us + CLAIM_VOID_NS // 1000
        recent.touch(connection, sender, rows, range(last_us, last_us + len(rows)))
        self._held = token, rows
        begun = claims.begin(connection, token, rows, self.sender_id, now_us, now_us + LEASE_US, held=True)
        return Hand(token, rows, [None] * len(rows), claimed_ns, begun=begun)

    def _claim_permits(self, connection: Connection, sender: Any, token: int, now_us: int, claimed_ns: int) -> Hand:
        """Half a second of them, to be begun slice by slice."""
        rate = sender.rate_per_s
        tat_us = max(sender.tat_us, now_us + self.context.lead.us)
        limit = min(BATCH, capacity(tat_us, now_us, rate))
        if limit == 0:
            return Hand(token, (), (), claimed_ns, tat_us - now_us - HORIZON_US + 1000)
        claimed = claims.claim(connection, self.sender_id, limit, token, now_us, now_us + CLAIM_US, self._turn)
        willing = without_refused(connection, claimed, now_us)
        rows = recent.admitted(connection, sender, willing, now_us)
        if not rows:
            return Hand(token, (), (), claimed_ns, _AGAIN_US if willing else 0)
        at_us, tat_us = permits(tat_us, now_us, rate, [row.units for row in rows])
        move_tat(connection, self.sender_id, tat_us)
        recent.touch(connection, sender, rows[: len(at_us)], at_us)
        claims.release(connection, token, [row.id for row in rows[len(at_us) :]])
        return Hand(token, rows[: len(at_us)], at_us, claimed_ns)

    async def _begin(self, hand: Hand, start: int, end: int) -> dict[int, int]:
        """message → attempt of those that are still ours; none where the claim is void by now."""
        first_us = hand.at_us[start]
        if first_us is not None:
            await sleep_until(self.context, first_us - self.context.lead.us)
        ids = [row.id for row in hand.rows[start:end]]
        if hand.is_void or self.should_stop() or self._quiet_s() > 0:
            await self.database(lambda connection: claims.release(connection, hand.token, ids))
            return {}
        try:
            begun: dict[int, int] = await self.database(
                lambda connection: self._begin_in(connection, hand.token, hand.rows[start:end])
            )
        except UnavailableError:
            self._withdraw(hand.token, hand.rows[start:end])
            return {}
        self._note_lead(hand, first_us)
        return begun

    def _begin_in(self, connection: Connection, token: int, rows: Sequence[Claimed]) -> dict[int, int]:
        now_us = self.context.now_us()
        return claims.begin(connection, token, rows, self.sender_id, now_us, now_us + LEASE_US)

    async def _hand_over(self, hand: Hand, start: int, end: int, begun: dict[int, int]) -> None:
        """Each at its permit. One that comes too late gets a new permit by going round again."""
        ours = [
            _Going(hand, row, begun[row.id], at_us)
            for row, at_us in zip(hand.rows[start:end], hand.at_us[start:end], strict=True)
            if row.id in begun
        ]
        if not hand.is_paced:
            started = time.monotonic()
            await self._lanes.take(ours)
            self._pace.saw(end - start - hand.withdrawn, time.monotonic() - started)
            return
        for going in ours:
            if going.at_us is not None:
                await sleep_until(self.context, going.at_us)
            await self._lanes.take((going,))

    async def _send(self, going: _Going) -> None:
        hand, row, attempt, at_us = going
        if self._is_late(at_us) or hand.is_void or self._quiet_s() > 0:
            hand.withdrawn += 1
            self._came_back = True
            self.ends.add(Ended(row.id, attempt, Withdrawn(hand.token)))
        elif row.synthetic and not self.channel.capabilities.synthetic_only:
            self.ends.add(Ended(row.id, attempt, Rejected(Reason.SYNTHETIC)))
        elif (message := self._opened(row, attempt)) is not None:
            outcome, wire = await self._outgoing.exchange(message)
            if isinstance(outcome, Throttled | Misconfigured):
                self._be_quiet(outcome)
            self.ends.add(Ended(row.id, attempt, outcome, self._keeps_ids, wire))

    def _be_quiet(self, outcome: Throttled | Misconfigured) -> None:
        """At once: the sender's row says so only when the end is recorded."""
        asked_us = throttle_delay_us(outcome.retry_after_s) if isinstance(outcome, Throttled) else _UNTIL_RECORDED_US
        pause_s = min(asked_us, _UNTIL_RECORDED_US) / SECOND_US
        self._quiet_until_s = max(self._quiet_until_s, time.monotonic() + pause_s)

    def _quiet_s(self) -> float:
        """How long still; not above 0: not at all."""
        return self._quiet_until_s - time.monotonic() if self._quiet_until_s else 0.0

    def _opened(self, row: Claimed, attempt: int) -> OutboundMessage | None:
        """None for a row that does not open: it fails alone, and the others go on."""
        try:
            return self._outgoing.message(row, attempt)
        except SealBrokenError:
            self.ends.add(Ended(row.id, attempt, Rejected(Reason.OTHER, "seal-broken")))
            return None

    def _note_lead(self, hand: Hand, first_us: int | None) -> None:
        """The next claims leave more time, once for each claim of which a slice was begun after its permit."""
        if not hand.was_late and self._is_late(first_us):
            hand.was_late = True
            self.context.lead.was_late()

    def _is_late(self, at_us: int | None) -> bool:
        return at_us is not None and self.context.database.clock.now_us() - at_us > LATE_US
