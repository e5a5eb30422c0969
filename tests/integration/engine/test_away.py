"""The database goes away in the middle: nothing lost, nothing doubled (invariants 3, 4, 16)."""

from __future__ import annotations

import asyncio
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from dispatcher.core.errors import UnavailableError
from dispatcher.operations.deliver import Deliverer
from dispatcher.operations.drain import Drain
from dispatcher.operations.ends import Ends
from dispatcher.operations.outages import Outages
from dispatcher.operations.record import Ended, Withdrawn
from dispatcher.operations.spool import ROOM_BYTES, begin_spool, read_spools, write_spool
from dispatcher.spi import Accepted, Outcome, Throttled
from dispatcher.store.engine import Database
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Stage
from tests.servers import PostgresServer

PEOPLE = 120


@pytest.fixture
def stage(own_postgres_url: str, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(own_postgres_url, tmp_path, {"sms": Provider()}, {"sms": "100 msg/s"})
    stage.people(PEOPLE)
    stage.start()
    yield stage
    stage.close()


def _is_over(stage: Stage) -> Callable[[], bool]:
    def asks() -> bool:
        try:
            return stage.nothing_waits()
        except UnavailableError:
            return False

    return asks


def _kill_for_a_moment(server: PostgresServer) -> None:
    server.kill()
    threading.Timer(0.7, server.start).start()


def _assert_each_got_one(stage: Stage) -> None:
    provider = stage.providers["sms"]
    assert len(provider.numbers) == len(set(provider.numbers)) == PEOPLE
    assert stage.statuses() == {"accepted": PEOPLE}
    stage.check()


def test_away_while_ends_are_to_be_recorded(stage: Stage, postgres_server: PostgresServer) -> None:
    provider = stage.providers["sms"]

    def answer(message: Any) -> Outcome:
        if len(provider.refs) == 40:
            _kill_for_a_moment(postgres_server)
        return Accepted(("x",))

    provider.answer = answer
    stage.drain(_is_over(stage))
    _assert_each_got_one(stage)


def test_away_between_the_begin_and_its_commit(
    stage: Stage, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_in, calls = Drain._begin_in, list[int]()

    def dies(self: Drain, connection: Connection, token: int, rows: Any) -> dict[int, int]:
        begun = begin_in(self, connection, token, rows)
        calls.append(len(begun))
        if len(calls) == 4:
            _kill_for_a_moment(postgres_server)
        return begun

    monkeypatch.setattr(Drain, "_begin_in", dies)
    stage.drain(_is_over(stage))
    _assert_each_got_one(stage)


def test_a_commit_whose_answer_was_lost_is_not_taken_for_one_that_failed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are begun, nobody sends them: they go back, and go out once."""
    run, begin = stage.context.database.run, Drain._begin_in
    begun: list[bool] = []

    def loses_the_answer(work: Callable[[Connection], Any]) -> Any:
        mine = threading.get_ident()
        marks.pop(mine, None)
        result = run(work)
        if marks.pop(mine, False):
            begun.append(True)
            if len(begun) == 3:
                raise UnavailableError("database-away", "the database does not answer")
        return result

    def marked(self: Drain, *args: Any) -> dict[int, int]:
        marks[threading.get_ident()] = True
        return begin(self, *args)

    marks: dict[int, bool] = {}
    monkeypatch.setattr(Drain, "_begin_in", marked)
    monkeypatch.setattr(stage.context.database, "run", loses_the_answer)
    stage.drain(_is_over(stage))
    assert len(begun) > 3
    _assert_each_got_one(stage)
    assert max(row.attempt for row in stage.rows()) >= 2


def test_ends_that_could_not_be_recorded_wait_in_a_file_for_the_next_process(
    stage: Stage, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ends.run, "__defaults__", (0.3,))
    provider = stage.providers["sms"]

    def answer(message: Any) -> Outcome:
        if len(provider.refs) == 30:
            postgres_server.kill()
        return Accepted(("x",))

    provider.answer = answer

    async def run_and_stop() -> None:
        deliverer = Deliverer(stage.context)
        work = asyncio.create_task(deliverer.run())
        deadline = time.monotonic() + 20
        while postgres_server.running and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        deliverer.stop()
        await work
        await deliverer.close()

    asyncio.run(run_and_stop())
    (spool,) = (stage.folder / "state" / "spool").iterdir()
    assert stat.S_IMODE(spool.stat().st_mode) == 0o600
    text = spool.read_text()
    assert "62812" not in text
    assert "Warga" not in text
    left = len(provider.refs)

    postgres_server.start()
    assert stage.statuses()["sending"] > 0
    assert read_spools(stage.context) == len(text.splitlines())
    assert read_spools(stage.context) == 0
    assert stage.statuses() == {"accepted": left, "queued": PEOPLE - left}
    stage.check()
    assert not list(spool.parent.iterdir())
    provider.answer = lambda message: Accepted(("x",))
    stage.drain(_is_over(stage))
    _assert_each_got_one(stage)


def test_a_run_that_ends_does_not_wait_for_a_row_that_came_back(
    own_postgres_url: str, tmp_path: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only after its drains have ended does its recorder give up on a database that is away."""
    monkeypatch.setattr(Ends.run, "__defaults__", (0.3,))
    claim, claimed = Drain._claim, asyncio.Event()

    async def noted(self: Drain) -> Any:
        is_first = self._turn == 0
        hand = await claim(self)
        if not is_first:
            claimed.set()
        return hand

    async def throttled(message: Any) -> Outcome:
        """When nothing else is left to claim: the other begun row will not leave, and nobody can record that."""
        await claimed.wait()
        postgres_server.kill()
        deliverer.stop()
        return Throttled(600.0)

    monkeypatch.setattr(Drain, "_claim", noted)
    stage = Stage(own_postgres_url, tmp_path, {"sms": Provider(throttled, concurrency=1)})
    stage.people(2)
    stage.start()
    deliverer = Deliverer(stage.context)

    async def run() -> None:
        async with asyncio.timeout(60):
            await deliverer.run()
        await deliverer.close()

    asyncio.run(run())
    postgres_server.start()
    assert stage.statuses() == {"sending": 2}
    assert read_spools(stage.context) == 2
    assert stage.statuses() == {"queued": 2}
    stage.check()
    stage.close()


def test_a_spool_keeps_a_withdrawal_with_its_token(stage: Stage) -> None:
    (row, *_) = rows = stage.claim(3, token=5)
    begun = stage.begin(rows, token=5)
    state = stage.folder / "state"
    write_spool(state, [Ended(row.id, begun[row.id], Withdrawn(5)), Ended(rows[1].id, 1, Withdrawn(6))])
    assert read_spools(stage.context) == 2
    assert stage.statuses() == {"queued": PEOPLE - 2, "sending": 2}


def test_a_damaged_spool_is_set_aside_and_stops_nobody(stage: Stage) -> None:
    folder = stage.folder / "state" / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "1-aa.jsonl").write_text('{"message": 1, "attempt"')
    assert read_spools(stage.context) == 0
    assert [path.name for path in folder.iterdir()] == ["1-aa.damaged"]


def test_a_spool_takes_the_room_that_was_kept_for_it(stage: Stage) -> None:
    """It need not find any on a disk that is full."""
    state = stage.folder / "state"
    (row, *_) = rows = stage.claim(1, token=5)
    begin_spool(stage.context)
    (room,) = (state / "spool").iterdir()
    kept = room.stat()
    assert kept.st_size == ROOM_BYTES
    path = write_spool(state, [Ended(row.id, stage.begin(rows, token=5)[row.id], Withdrawn(5))])
    assert path.stat().st_ino == kept.st_ino
    assert len(path.read_text().splitlines()) == 1
    begin_spool(stage.context)
    assert stage.statuses() == {"queued": PEOPLE}
    assert [left.name for left in (state / "spool").iterdir()] == [room.name]


def test_a_disk_that_is_full_is_named_once_a_minute(sqlite_url: str) -> None:
    database, outages = Database(sqlite_url), Outages()
    told: list[UnavailableError] = []
    outages.tell = told.append
    database.on_away = outages.saw
    for _ in range(2):
        with pytest.raises(UnavailableError, match="is full") as full, database.begin() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")  # it cannot grow
            connection.exec_driver_sql("CREATE TABLE many AS SELECT zeroblob(1000000)")
        assert full.value.code == "disk-full"
    assert [error.code for error in told] == ["disk-full"]
    database.close()
