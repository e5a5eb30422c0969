"""A page of values in one parameter finds the very rows that a list of them does, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from dispatcher.store.among import among
from dispatcher.store.bulk import any_of
from dispatcher.store.tables import messages
from tests.integration.engine.stage import Stage

m = messages.c


@pytest.fixture
def rows(stage: Stage) -> list[tuple[int, bytes]]:
    stage.people(12)
    stage.start()
    return [(row.contact_id, bytes(row.address_hash)) for row in stage.rows()]


def test_numbers_and_bytes_are_found(stage: Stage, rows: list[tuple[int, bytes]]) -> None:
    wanted = rows[2:7]
    for column, values in ((m.contact_id, [i for i, _ in wanted]), (m.address_hash, [h for _, h in wanted])):
        assert len(values) == len(set(values)) == 5
        # what nobody has, nothing at all, and bytes of other lengths
        for asked in (values, [*values, *values], [], [*values, b"\x00'short"] if column is m.address_hash else [0]):
            with stage.context.database.read() as connection:
                found = connection.execute(select(m.id).where(among(connection, column, asked)).order_by(m.id))
                same = connection.execute(select(m.id).where(any_of(connection, column, asked)).order_by(m.id))
                assert found.scalars().all() == (ids := same.scalars().all())
            assert len(ids) == len(set(asked) & set(values))
