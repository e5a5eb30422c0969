"""What a report reads in several statements belongs together, whatever is committed meanwhile (invariant 11)."""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import func, insert, select

from dispatcher.store.engine import Database
from dispatcher.store.tables import tallies

COUNT = select(func.coalesce(func.sum(tallies.c.n), 0))
ONE = {"step_id": 1, "hop": 0, "sender_id": 1, "status": "queued", "reason": "", "slot": 0, "n": 1}


def test_a_read_sees_nothing_that_came_after_its_first_look(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        with database.read() as reading:
            assert reading.execute(COUNT).scalar_one() == 0
            with database.begin() as writing:
                writing.execute(insert(tallies).values(**ONE))
            assert reading.execute(COUNT).scalar_one() == 0
        with database.read() as reading:
            assert reading.execute(COUNT).scalar_one() == 1
