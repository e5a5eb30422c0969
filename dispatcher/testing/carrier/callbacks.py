"""Calling back: posts to webhooks, a bounded number at once, those of one message in their order."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from dispatcher.testing.carrier.poster import CONNECT_TIMEOUT_S, SCHEME, TIMEOUT_S, Poster

if TYPE_CHECKING:
    from pyreqwest.client import Client

    from dispatcher.testing.carrier.timeline import Timeline

CONNECT_TIMEOUT = timedelta(seconds=CONNECT_TIMEOUT_S)
TIMEOUT = timedelta(seconds=TIMEOUT_S)
USER_AGENT: Final = "TwilioProxy/1.1"


class Post(NamedTuple):
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Callback:
    """One post. `subject`: posts of one subject never overlap. `answered` runs after the first try.

    `post` is made when it goes: a slow receiver may leave hundreds of thousands waiting. `age`: how often everything
    was forgotten before it was posted.
    """

    subject: str
    post: Callable[[], Post]
    answered: Callable[[], None] | None = None
    tries: int = 0
    age: int = 0


class Callbacks:
    """Tries again after a lost connection, a time-out or a 5xx, as often as `redelivery` says at that moment.

    `redelivery()`: (how many times more, after how many seconds; doubled each time).
    """

    def __init__(self, at_once: int, timeline: Timeline, redelivery: Callable[[], tuple[int, float]]) -> None:
        self._at_once = at_once
        self._timeline = timeline
        self._redelivery = redelivery
        self._waiting: deque[Callback] = deque()
        self._queued_behind: defaultdict[str, deque[Callback]] = defaultdict(deque)
        self._under_way: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._drains = 0
        self._age = 0
        self._client: Client | None = None
        self._poster = Poster(USER_AGENT)
        self._to_redeliver = 0
        self.delivered = 0
        self.refused = 0
        self.failed = 0
        self.redelivered = 0

    @property
    def pending(self) -> int:
        behind = sum(len(queue) for queue in self._queued_behind.values())
        return len(self._under_way) + behind + self._to_redeliver

    def post(self, callback: Callback) -> None:
        callback.age = self._age
        if callback.subject in self._under_way or callback.subject in self._queued_behind:
            self._queued_behind[callback.subject].append(callback)
            return
        self._under_way.add(callback.subject)
        self._waiting.append(callback)
        if self._drains < self._at_once:
            self._drains += 1
            task = asyncio.ensure_future(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def get(self, url: str) -> tuple[int, bytes] | None:
        """Status and body, None when no answer came."""
        from pyreqwest.exceptions import PyreqwestError

        try:
            response = await self._pool().get(url).build().send()
            return response.status, (await response.bytes()).to_bytes()
        except (PyreqwestError, ValueError):
            return None

    def forget(self) -> None:
        """Drop what waits, and the counts; what is under way ends on its own and counts no more."""
        self._age += 1
        self._under_way.difference_update(callback.subject for callback in self._waiting)
        self._waiting.clear()
        self._queued_behind.clear()
        self._to_redeliver = self.delivered = self.refused = self.failed = self.redelivered = 0

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._poster.close()
        if self._client is not None:
            await self._client.close()

    async def _drain(self) -> None:
        try:
            while self._waiting:
                callback = self._waiting.popleft()
                try:
                    await self._try(callback)
                finally:
                    self._next_of(callback.subject)
        finally:
            self._drains -= 1

    def _next_of(self, subject: str) -> None:
        behind = self._queued_behind.get(subject)
        if behind:
            self._waiting.append(behind.popleft())
        else:
            self._queued_behind.pop(subject, None)
            self._under_way.discard(subject)

    async def _try(self, callback: Callback) -> None:
        callback.tries += 1
        status = await self._status_of(callback)
        if callback.answered is not None:
            callback.answered()
            callback.answered = None
        if callback.age != self._age:
            return
        if status is not None and status < 500:
            self.delivered += status < 300
            self.refused += status >= 300
        else:
            self._again(callback)

    def _again(self, callback: Callback) -> None:
        more, after_s = self._redelivery()
        if callback.tries > more:
            self.failed += 1
            return
        self._to_redeliver += 1
        self._timeline.after(after_s * 2 ** (callback.tries - 1), lambda: self._redeliver(callback))

    def _redeliver(self, callback: Callback) -> None:
        self._to_redeliver -= 1
        self.redelivered += 1
        self.post(callback)

    async def _status_of(self, callback: Callback) -> int | None:
        """None when no answer came."""
        from pyreqwest.exceptions import PyreqwestError

        try:
            url, headers, body = callback.post()
            if url.startswith(SCHEME):
                return await self._poster.post(url, headers, body)
            request = self._pool().post(url).headers(headers).body_bytes(body).build()
            return (await request.send()).status
        except (PyreqwestError, ValueError):
            return None

    def _pool(self) -> Client:
        if self._client is None:
            from pyreqwest.client import ClientBuilder

            builder = ClientBuilder().follow_redirects(False).no_proxy().user_agent(USER_AGENT)
            self._client = builder.connect_timeout(CONNECT_TIMEOUT).timeout(TIMEOUT).build()
        return self._client
