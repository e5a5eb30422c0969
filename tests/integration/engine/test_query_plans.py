"""What runs every second or for every slice never reads all messages: neither table nor index from end to end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from dispatcher.core.status import Reason
from dispatcher.operations.control import cancel_campaign
from dispatcher.spi import Accepted, Ambiguous, Rejected
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Stage

WHOLE = re.compile(r"SCAN (messages|m)\b(?!.*USING (COVERING )?INDEX ix_messages_(waiting|sending|unknown|hop))")
"""The partial indexes hold few rows; any other scan grows with the table."""


@contextmanager
def _statements(stage: Stage) -> Iterator[set[tuple[str, Any]]]:
    """Those about messages, with parameters to ask for their plan."""
    seen: set[tuple[str, Any]] = set()

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if "messages" in statement:
            values = parameters[0] if many else parameters
            seen.add((statement, tuple(bytes(v) if isinstance(v, bytearray) else v for v in values)))

    event.listen(stage.context.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(stage.context.database.engine, "before_cursor_execute", note)


def _scans(stage: Stage, statements: set[tuple[str, Any]]) -> list[tuple[str, str]]:
    with stage.context.database.read() as connection:
        return sorted(
            (row[-1], " ".join(statement.split())[:200])
            for statement, parameters in statements
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            if WHOLE.search(row[-1])
        )


def _mixed(stage: Stage) -> None:
    """Some wait, some are under way, some are unknown, some failed, some were accepted."""
    stage.people(60)
    stage.start()
    stage.send(Accepted(("a",)), 20)
    stage.send(Ambiguous(), 5)
    stage.send(Rejected(Reason.PROVIDER, "1"), 5)
    stage.begin(stage.claim(5))


@pytest.fixture
def embedded(tmp_path: Path, sqlite_url: str) -> Iterator[Stage]:
    stage = Stage(sqlite_url, tmp_path, {"sms": Provider()})
    _mixed(stage)
    yield stage
    stage.close()


def test_a_tick_on_sqlite_reads_no_table_of_messages_to_its_end(embedded: Stage) -> None:
    with _statements(embedded) as statements:
        embedded.ticker.tick()
    assert statements
    assert _scans(embedded, statements) == []


def test_nor_does_sending(embedded: Stage) -> None:
    with _statements(embedded) as statements:
        embedded.drain(lambda: "queued" not in embedded.statuses())
    statements = {one for one in statements if "WHERE" in one[0]}  # the stage itself looks at all rows
    assert any("UPDATE messages" in statement for statement, _ in statements)
    assert _scans(embedded, statements) == []


def test_nor_a_cancel(embedded: Stage) -> None:
    with _statements(embedded) as statements:
        cancel_campaign(embedded.context, "ajakan", "Ani")
    assert embedded.statuses()["cancelled"] == 25
    assert _scans(embedded, statements) == []


def test_nor_an_expansion_under_caps(tmp_path: Path, sqlite_url: str) -> None:
    stage = Stage(sqlite_url, tmp_path, {"sms": Provider()}, caps={"per_day": 9})
    _mixed(stage)
    step_id = stage.apply("dua")
    with _statements(stage) as statements:
        stage.expander.expand(step_id)
    assert any("UNION" in statement for statement, _ in statements)
    assert _scans(stage, statements) == []
    stage.close()
