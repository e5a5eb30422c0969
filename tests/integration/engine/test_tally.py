"""Counters that many workers add to at once (invariant 11)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event

from dispatcher.core.status import Status
from dispatcher.operations.record import Ended, Withdrawn, record_ends
from dispatcher.spi import Accepted
from dispatcher.store import tally
from dispatcher.store.tables import steps
from tests.integration.engine.stage import Stage, is_anyone_blocked


@pytest.fixture
def on_postgres(postgres_url: str, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(postgres_url, tmp_path)
    yield stage
    stage.close()


def _counted(statements: list[str]) -> list[int]:
    return [at for at, statement in enumerate(statements) if "INTO tallies" in statement]


def test_a_transaction_counts_in_one_statement_and_as_the_last_thing(stage: Stage) -> None:
    """Some accepted and some withdrawn, in one commit: in two statements the rows would be taken out of order."""
    stage.people(4)
    stage.start()
    rows = stage.claim()
    begun = stage.begin(rows)
    ends = [Ended(row.id, begun[row.id], Accepted(("x",)) if at % 2 else Withdrawn(7)) for at, row in enumerate(rows)]
    statements: list[str] = []
    database = stage.context.database
    event.listen(database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    database.run(lambda connection: record_ends(stage.context, connection, ends))
    assert _counted(statements) == [len(statements) - 1]
    assert stage.statuses() == {"accepted": 2, "queued": 2}
    stage.check()


def test_what_a_transaction_has_counted_is_read_in_it(stage: Stage) -> None:
    step_id = stage.start()
    key = tally.people_key(step_id, Status.QUEUED)
    with stage.context.database.begin() as connection:
        before = tally.read(connection, [step_id])[key]
        tally.add(connection, {key: 3})
        assert tally.read(connection, [step_id])[key] == before + 3
        tally.add(connection, {key: -3})
    with stage.context.database.read() as connection:
        assert tally.read(connection, [step_id])[key] == before


def test_what_is_rolled_back_is_not_counted(stage: Stage) -> None:
    step_id = stage.start()
    key = tally.people_key(step_id, Status.QUEUED)
    with pytest.raises(ZeroDivisionError), stage.context.database.begin() as connection:
        tally.add(connection, {key: 3})
        raise ZeroDivisionError
    with stage.context.database.begin() as connection:  # the same connection of the pool
        connection.execute(steps.update().values(name=steps.c.name))
    with stage.context.database.read() as connection:
        assert tally.read(connection, [step_id])[key] == 0


def test_two_workers_in_one_slot_never_wait_for_each_other_in_a_circle(
    on_postgres: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One counts `sending` and then `queued`, as an end that is withdrawn beside one that is not; the other both."""
    monkeypatch.setattr(tally, "_SLOTS", 1)
    step_id, database = on_postgres.start(), on_postgres.context.database
    sending, queued = (tally.people_key(step_id, status) for status in (Status.SENDING, Status.QUEUED))
    with database.begin() as connection:
        tally.add(connection, {sending: 1, queued: 1})
    done = threading.Event()

    def other() -> None:
        with database.begin() as connection:
            tally.add(connection, {queued: 1, sending: 1})
        done.set()

    with ThreadPoolExecutor(1) as pool:
        with database.begin() as connection:
            tally.add(connection, {sending: 1})
            waiting = pool.submit(other)
            while not done.is_set() and not is_anyone_blocked(connection):
                pass
            tally.add(connection, {queued: 1})
        waiting.result()
    with database.read() as connection:
        assert tally.read(connection, [step_id]) == {sending: 3, queued: 3}
