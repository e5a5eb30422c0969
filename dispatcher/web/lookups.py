"""Between the event loop and the database: pages that are asked for while others are looked up share the next look.

One thread looks, another one writes, so that a page never waits for a commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, TypeVar

from dispatcher.operations.recipient_page import RecipientPages
from dispatcher.operations.recipient_view import Page, State

AT_ONCE: Final = 200

Ask = TypeVar("Ask")
Given = TypeVar("Given")


class Lookups:
    def __init__(self, pages: RecipientPages) -> None:
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="page-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="page-write")
        self._looking: _Together[str, Page | None] = _Together(self._reader, pages.look)
        self._seeing: _Together[tuple[str, bool], None] = _Together(self._writer, lambda seen: _see(pages, seen))

    async def look(self, token: str) -> Page | None:
        return await self._looking.ask(token)

    async def see(self, token: str, *, is_program: bool) -> None:
        """Returns after the commit."""
        await self._seeing.ask((token, is_program))

    async def act(self, act: Callable[[], State | None]) -> State | None:
        return await asyncio.get_running_loop().run_in_executor(self._writer, act)

    def close(self) -> None:
        self._reader.shutdown()
        self._writer.shutdown()


def _see(pages: RecipientPages, seen: list[tuple[str, bool]]) -> list[None]:
    pages.see([token for token, is_program in seen if not is_program], {token for token, program in seen if program})
    return [None] * len(seen)


class _Together(Generic[Ask, Given]):
    """`work` on all that was asked meanwhile, in a thread, one call after the other."""

    def __init__(self, thread: ThreadPoolExecutor, work: Callable[[list[Ask]], list[Given]]) -> None:
        self._thread = thread
        self._work = work
        self._waiting: list[tuple[Ask, asyncio.Future[Given]]] = []
        self._running: asyncio.Task[None] | None = None

    async def ask(self, what: Ask) -> Given:
        """Raises what the work raised."""
        given: asyncio.Future[Given] = asyncio.get_running_loop().create_future()
        self._waiting.append((what, given))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await given

    async def _run(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # whatever else has arrived by now comes along
                group, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._do(group)
        finally:
            self._running = None

    async def _do(self, group: list[tuple[Ask, asyncio.Future[Given]]]) -> None:
        asked = [what for what, _ in group]
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, self._work, asked)
        except Exception as error:
            for _, given in group:
                if not given.done():
                    given.set_exception(error)
            return
        for (_, given), one in zip(group, found, strict=True):
            if not given.done():
                given.set_result(one)
