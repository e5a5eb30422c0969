"""The carrier's own doors: `/_control`, `/_ledger/…` and `/healthz`. No sign-in, so loopback only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from itertools import islice
from typing import TypeVar
from urllib.parse import parse_qsl

from dispatcher.core.errors import UsageError
from dispatcher.testing.carrier.behaviour import Behaviour
from dispatcher.testing.carrier.carrier import Carrier
from dispatcher.testing.carrier.http1 import Request
from dispatcher.testing.carrier.ledger import Ledger

_MOST_LISTED = 10_000
_T = TypeVar("_T")
_Answer = Coroutine[None, None, object]


class Control:
    """Reads the ledger as anyone could, from its file, in a thread, so that creates go on meanwhile."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._ledger: Ledger | None = None
        self._reading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, request: Request) -> None:
        path, _, query = request.target.decode("latin-1").partition("?")
        match (request.method, path):
            case (b"GET", "/healthz"):
                request.answer(200, b'{"ok": true}')
            case (b"GET", "/_control"):
                request.answer_json(200, asdict(self._carrier.behaviour))
            case (b"POST", "/_control"):
                self._change(request, self._carrier.behaviour)
            case (b"PUT", "/_control"):
                self._change(request, Behaviour())
            case (b"POST", "/_control/hasten"):
                self._carrier.timeline.hasten()
                request.answer(200, b"{}")
            case (b"POST", "/_ledger/reset"):
                self._carrier.forget()
                request.answer(200, b"{}")
            case (b"POST", "/_ledger/sync"):
                self._carrier.ledger.sync()
                request.answer_json(200, {"path": str(self._carrier.ledger.path)})
            case (b"GET", "/_ledger/summary"):
                self._answer_later(request, self._summary())
            case (b"GET", "/_ledger/messages"):
                self._answer_later(request, self._messages(dict(parse_qsl(query))))
            case _:
                request.answer_json(404, {"error": f"there is no {path} here"})

    def _change(self, request: Request, old: Behaviour) -> None:
        try:
            changes = json.loads(request.body)
            if not isinstance(changes, dict):
                raise UsageError("carrier-behaviour", "a JSON object is needed")
            self._carrier.behaviour = old.merged(changes)
        except UsageError as error:
            request.answer_json(400, {"error": error.as_dict()})
        except ValueError:
            request.answer_json(400, {"error": {"code": "carrier-behaviour", "message": "this is no JSON"}})
        else:
            request.answer_json(200, asdict(self._carrier.behaviour))

    def _answer_later(self, request: Request, answer: _Answer) -> None:
        async def run() -> None:
            request.answer_json(200, await answer)

        task = asyncio.ensure_future(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _summary(self) -> dict[str, object]:
        callbacks = self._carrier.callbacks
        summary = await self._read(lambda ledger: ledger.summary())
        return summary | {
            "callbacks": {
                "delivered": callbacks.delivered,
                "refused": callbacks.refused,
                "failed": callbacks.failed,
                "redelivered": callbacks.redelivered,
                "pending": callbacks.pending,
            },
            "still_to_happen": len(self._carrier.timeline),
        }

    async def _messages(self, query: dict[str, str]) -> dict[str, object]:
        to, ref = query.get("to", ""), query.get("ref", "")
        most = min(int(query.get("limit", "1000")), _MOST_LISTED) if query.get("limit", "1").isdigit() else 0
        return {"messages": await self._read(lambda ledger: list(islice(ledger.messages(to=to, ref=ref), most)))}

    async def _read(self, question: Callable[[Ledger], _T]) -> _T:
        self._carrier.ledger.sync()
        async with self._reading:
            return await asyncio.to_thread(self._ask, question)

    def _ask(self, question: Callable[[Ledger], _T]) -> _T:
        if self._ledger is None:
            self._ledger = Ledger(self._carrier.ledger.path)
        self._ledger.refresh()
        return question(self._ledger)
