"""Between a channel and the client: remembers what each send said and heard, until its end is known.

What is under way is found by its task, so that sends never mix, however many there are. What a channel asks from a task
of its own belongs to no send and is not remembered. Nothing is copied or read here: of a plain acceptance the engine
drops it again, and that must cost next to nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from dispatcher.spi.http import AmbiguousError, HttpClient, HttpResponse, NotSentError

MOST_EXCHANGES = 8
"""Of one send."""


@dataclass(slots=True)  # frozen costs four times as much to make
class Exchange:
    """One request and what came back; `answer` None: nothing that could be read, and `failure` says why.

    `form`, `json`, `body`: as given to the client. `began_s`, `ended_s`: of the monotonic clock.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json: object = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    answer: HttpResponse | None = None
    heard: Mapping[str, Any] | None = field(default=None, repr=False)
    """In place of `answer`, where the channel does not speak HTTP."""

    failure: str = ""
    began_s: float = 0.0
    ended_s: float | None = None


class Tap:
    """`HttpClient` over another one. `begin` and `end` enclose a send, in its task."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._sends: dict[asyncio.Task[Any] | None, list[Exchange]] = {}

    def begin(self, task: asyncio.Task[Any]) -> None:
        self._sends[task] = []

    def end(self, task: asyncio.Task[Any]) -> list[Exchange]:
        return self._sends.pop(task, [])

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: object = None,
        body: bytes | None = None,
    ) -> HttpResponse:
        said = self._sends.get(asyncio.current_task())
        if said is None or len(said) >= MOST_EXCHANGES:
            return await self._http.request(method, url, headers=headers, form=form, json=json, body=body)
        exchange = Exchange(method, url, headers, form, json, body, began_s=monotonic())
        said.append(exchange)
        try:
            exchange.answer = await self._http.request(method, url, headers=headers, form=form, json=json, body=body)
            return exchange.answer
        except (NotSentError, AmbiguousError) as error:
            exchange.failure = str(error)
            raise
        finally:
            exchange.ended_s = monotonic()

    def note(self, name: str, said: Mapping[str, Any], heard: Mapping[str, Any]) -> None:
        """An exchange that was not HTTP, when it is over. Does nothing outside a send."""
        sends = self._sends.get(asyncio.current_task())
        if sends is not None and len(sends) < MOST_EXCHANGES:
            now_s = monotonic()
            sends.append(Exchange(name, "", json=said, heard=heard, began_s=now_s, ended_s=now_s))
