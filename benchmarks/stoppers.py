"""People who stop in the middle of a send, by every way there is, each with the instant of their commit."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from sqlalchemy import event, func, select

from dispatcher.core.status import Status
from dispatcher.operations.contacts import erase_contact, stop_contact
from dispatcher.operations.context import Context
from dispatcher.store.stops import stop_address
from dispatcher.store.tables import contact_points, messages, suppressions
from dispatcher.testing.carrier import CarrierProcess
from dispatcher.testing.carrier.faces.twilio_hooks import signature
from dispatcher_channels.simulator import AUTH_TOKEN

WAYS = ("reply", "officer", "erasure", "link")
_AHEAD_S = 1.0
"""Whose turn comes within so long stops: those stops are the hardest to keep."""
_open = build_opener(ProxyHandler({}))


class Waiting(NamedTuple):
    """Somebody whose message waits, and whose number nobody else has."""

    contact_id: int
    number: str


@dataclass(frozen=True, slots=True)
class Stop:
    """`committed_us`: not later than the commit; for a reply, when the webhook's transaction wrote it."""

    way: str
    number: str
    committed_us: int


def all_waiting(context: Context) -> list[Waiting]:
    """In the order in which they are sent to."""
    p, m = contact_points.c, messages.c
    alone = select(p.address_hash).group_by(p.address_hash).having(func.count() == 1)
    queued = select(m.id, m.contact_id, m.address_sealed).where(m.status == Status.QUEUED, m.address_hash.in_(alone))
    with context.database.read() as connection:
        rows = connection.execute(queued.order_by(m.id)).all()
    return [Waiting(r.contact_id, context.keys.sealer.open("messages.address", r.id, r.address_sealed)) for r in rows]


class Stoppers:
    """One thread for each way, until the block ends. `per_s`: stops a second of them all."""

    def __init__(self, context: Context, carrier: CarrierProcess, hook: str, rate: int, per_s: float) -> None:
        self._context, self._carrier, self._hook, self._ahead = context, carrier, hook, int(rate * _AHEAD_S)
        self._every_s = len(WAYS) / per_s
        self._people = all_waiting(context)
        self._draw = random.Random(7)
        self._lock, self._over = threading.Lock(), threading.Event()
        self._taken: set[int] = set()
        self._committed = threading.local()
        self._replied: list[str] = []
        self._stops: list[Stop] = []
        self.failures: list[BaseException] = []
        event.listen(context.database.engine, "commit", self._note_commit)
        self._threads = [threading.Thread(target=self._run, args=(way,)) for way in WAYS]

    def _note_commit(self, _connection: object) -> None:
        """Called when COMMIT is about to be said."""
        self._committed.us = time.time_ns() // 1000

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def stops(self) -> list[Stop]:
        """After the block."""
        return [*self._stops, *self._replies()]

    def _run(self, way: str) -> None:
        stop: Callable[[Waiting], None] = getattr(self, f"_by_{way}")
        try:
            while not self._over.wait(self._every_s):
                accepted = int(self._carrier.summary()["accepted"])
                if not accepted:
                    continue  # nobody sends yet
                victim = self._pick(accepted)
                if victim is None:
                    return
                stop(victim)
        except BaseException as error:
            self.failures.append(error)

    def _pick(self, accepted: int) -> Waiting | None:
        """Somebody whose turn comes soon; None where the send is nearly over."""
        with self._lock:
            position = accepted
            for index in sorted(self._taken):
                position += index < position  # who stopped was passed over
            near = [i for i in range(position, min(position + self._ahead, len(self._people))) if i not in self._taken]
            if not near:
                return None
            chosen = self._draw.choice(near)
            self._taken.add(chosen)
            return self._people[chosen]

    def _add(self, way: str, victim: Waiting) -> None:
        self._stops.append(Stop(way, victim.number, self._committed.us))

    def _by_officer(self, victim: Waiting) -> None:
        stop_contact(self._context, victim.number, by="bench")
        self._add("officer", victim)

    def _by_erasure(self, victim: Waiting) -> None:
        erase_contact(self._context, str(victim.contact_id), by="bench")
        self._add("erasure", victim)

    def _by_link(self, victim: Waiting) -> None:
        """What the page behind a link does."""
        address_hash, now_us = self._context.keys.hash_address(victim.number), self._context.now_us()
        with self._context.database.begin() as connection:
            stop_address(connection, address_hash, "*", "opted_out", "link", now_us)
        self._add("link", victim)

    def _by_reply(self, victim: Waiting) -> None:
        form = {"AccountSid": self._carrier.account_sid, "From": victim.number, "To": "+15005550006", "Body": "STOP",
                "MessageSid": f"SM{victim.contact_id:032x}", "NumMedia": "0", "SmsStatus": "received"}  # fmt: skip
        headers = {"X-Twilio-Signature": signature(AUTH_TOKEN.get_secret_value(), self._hook, form)}
        with _open.open(Request(self._hook, urlencode(form).encode(), headers), timeout=30):
            self._replied.append(victim.number)

    def _replies(self) -> Iterable[Stop]:
        """When each was written, by the database's clock, which here is this machine's."""
        hashes = {self._context.keys.hash_address(number): number for number in self._replied}
        with self._context.database.read() as connection:
            rows = connection.execute(select(suppressions.c.address_hash, suppressions.c.at_us)).all()
        at_us = {hashes[bytes(h)]: us for h, us in rows if bytes(h) in hashes}
        return [Stop("reply", number, at_us[number]) for number in self._replied]


def by_way(stops: Iterable[Stop]) -> str:
    counts = Counter(stop.way for stop in stops)
    return ", ".join(f"{counts[way]:,} by {way}" for way in WAYS)
