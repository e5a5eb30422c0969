"""How long a database works: of each statement, from its execution to its last row."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine, event
from sqlalchemy.engine.cursor import BufferedRowCursorFetchStrategy, CursorFetchStrategy

_FETCHES = ("fetchone", "fetchmany", "fetchall")


@contextmanager
def sql_time(engine: Engine) -> Iterator[Counter[str]]:
    """Statement → seconds, of what runs on the engine in this context. One thread."""
    spent: Counter[str] = Counter()
    begun: list[float] = []

    def before(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        begun.append(time.perf_counter())

    def after(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        spent[statement] += time.perf_counter() - begun.pop()

    def timed(fetch: Any) -> Any:
        def measured(strategy: Any, result: Any, *arguments: Any) -> Any:
            started = time.perf_counter()
            try:
                return fetch(strategy, result, *arguments)
            finally:
                spent[result.context.statement] += time.perf_counter() - started

        return measured

    strategies = (CursorFetchStrategy, BufferedRowCursorFetchStrategy)
    fetches = [(one, name) for one in strategies for name in _FETCHES if name in vars(one)]
    patches = [patch.object(one, name, timed(getattr(one, name))) for one, name in fetches]
    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    for one in patches:
        one.start()
    try:
        yield spent
    finally:
        for one in patches:
            one.stop()
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)
