"""Which numbers a plan has met already, however many it has met."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from dispatcher.store.seen import SeenNumbers
from tests.integration.engine.stage import Stage

_PAGE = 2_000


def _page(number: int) -> list[bytes]:
    return [at.to_bytes(16, "big") for at in range(number * _PAGE, (number + 1) * _PAGE)]


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Any:
    stage = Stage(database_url, tmp_path)
    yield stage
    stage.close()


def test_a_number_is_met_for_the_first_time_once(stage: Stage) -> None:
    with stage.context.database.begin() as connection:
        seen = SeenNumbers(connection)
        assert seen.first_of([b"a" * 16, b"a" * 16, b"b" * 16]) == [True, False, True]
        assert seen.first_of([b"c" * 16, b"b" * 16, b"a" * 16]) == [True, False, False]
        assert seen.first_of([]) == []


def test_a_page_is_looked_up_and_not_all_that_came_before_it(stage: Stage) -> None:
    """Else a plan takes four times as long for twice as many people."""
    asked: list[tuple[str, Any]] = []
    with stage.context.database.begin() as connection:
        seen = SeenNumbers(connection)
        for number in range(8):
            assert all(seen.first_of(_page(number)))
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append(call[2:4]))
        assert not any(seen.first_of(_page(5)))
        (found,) = [one for one in asked if one[0].startswith("SELECT")]
        plan = _plan(connection, *found)
    assert "SEARCH seen" in plan or "Index" in plan, plan
    assert "SCAN seen" not in plan, plan
    assert "Seq Scan" not in plan, plan


def _plan(connection: Connection, statement: str, parameters: Any) -> str:
    """On Postgres the one that it keeps for any values, which is the one it uses after some pages."""
    if connection.dialect.name == "sqlite":
        return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    connection.exec_driver_sql(f"PREPARE asked AS {statement.replace('%(param_1)s', '$1')}")
    return str(connection.exec_driver_sql("EXPLAIN EXECUTE asked ('{}')").all())
