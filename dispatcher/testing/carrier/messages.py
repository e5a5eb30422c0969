"""What the carrier remembers of the messages it accepted: a ring of the newest, whatever face took them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

#: A message's status only climbs; a callback that comes too late changes nothing.
RANK: Final = {"accepted": 0, "queued": 0, "sent": 1, "undelivered": 2, "failed": 2, "delivered": 3, "read": 4}


class Message:
    """`form`: the request as it came, decoded only when asked for. `number`: from 0, ascending. Instants in µs."""

    __slots__ = ("created_us", "error", "form", "number", "previous", "sender", "sent_us", "status", "to", "updated_us")

    def __init__(self, number: int, previous: int, to: str, sender: str, form: bytes, status: str, now_us: int) -> None:
        self.number = number
        self.previous = previous
        self.to = to
        self.sender = sender
        self.form = form
        self.status = status
        self.error = ""
        self.created_us = now_us
        self.updated_us = now_us
        self.sent_us = 0

    def become(self, status: str, error: str, now_us: int) -> bool:
        """Whether that is news."""
        if RANK[status] <= RANK[self.status]:
            return False
        self.status, self.error, self.updated_us = status, error, now_us
        self.sent_us = self.sent_us or now_us
        return True


class Messages:
    """The newest `capacity` messages, found by number or by recipient, newest first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._ring: list[Message] = []
        self._newest: dict[str, int] = {}
        self._tries: dict[str, int] = {}
        self._first = 0
        self.count = 0

    def next_try(self, to: str) -> int:
        """How often `to` was tried before, refused tries included. Forgotten when very many others were tried."""
        n = self._tries.get(to, 0)
        if n == 0 and len(self._tries) >= 2 * self._capacity:
            self._tries.clear()
        self._tries[to] = n + 1
        return n

    def forget(self) -> None:
        """Start anew, but never with a number that was used."""
        self._newest.clear()
        self._tries.clear()
        self._first = self.count

    def add(self, to: str, sender: str, form: bytes, status: str, now_us: int) -> Message:
        number = self.count
        message = Message(number, self._newest.get(to, -1), to, sender, form, status, now_us)
        if number < self._capacity:
            self._ring.append(message)
        else:
            oldest = self._ring[number % self._capacity]
            if self._newest.get(oldest.to) == oldest.number:
                del self._newest[oldest.to]
            self._ring[number % self._capacity] = message
        self._newest[to] = number
        self.count = number + 1
        return message

    def get(self, number: int) -> Message | None:
        if not max(self._first, self.count - self._capacity) <= number < self.count:
            return None
        return self._ring[number % self._capacity]

    def newest_first(self, to: str = "", before: int | None = None) -> Iterator[Message]:
        """All, or those to one recipient; only those older than number `before`."""
        number = self._newest.get(to, -1) if to else self.count - 1
        while (message := self.get(number)) is not None:
            if before is None or number < before:
                yield message
            number = message.previous if to else number - 1
