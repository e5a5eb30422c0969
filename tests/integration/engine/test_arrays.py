"""Arrays go to the database in their text form: what comes out is what went in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from dispatcher.store.bulk import any_of, any_param, array_of, insert, numbers, words
from dispatcher.store.engine import Database
from dispatcher.store.keys import HASH_BYTES
from dispatcher.store.tables import messages, suppressions

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20), max_size=8)
NUMBERS = st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=8)
HASHES = [bytes([n]) * HASH_BYTES for n in (0, 1, 0x22, 0x27, 0x5C, 0x7B, 0xFF)]
many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Connection]:
    database = Database(postgres_url)
    with database.begin() as connection:
        yield connection
    database.close()


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    database = Database(database_url)
    with database.begin() as connection:
        yield connection
    database.close()


@many
@given(TEXTS)
@example([])
@example([""])
@example(["NULL", "null", "{}", '"', "\\", '\\"', ",", " a ", "\n", "😀", "a\\\\"])
def test_words(postgres: Connection, values: list[str]) -> None:
    assert postgres.exec_driver_sql("SELECT %s::text[]", (words(values),)).scalar_one() == values


@many
@given(NUMBERS)
@example([])
def test_numbers(postgres: Connection, values: list[int]) -> None:
    assert postgres.exec_driver_sql("SELECT %s::bigint[]", (numbers(values),)).scalar_one() == values


@pytest.mark.parametrize("wanted", [[], HASHES[:1], HASHES[1:5], HASHES])
def test_hashes(connection: Connection, wanted: list[bytes]) -> None:
    about = {"purpose": "*", "reason": "opted_out", "via": "officer", "at_us": 1}
    insert(connection, suppressions, [{"address_hash": value, **about} for value in HASHES])
    s = suppressions.c.address_hash
    is_postgres = connection.dialect.name == "postgresql"
    once = select(s).where(any_param(s, "hashes", is_postgres=is_postgres)).order_by(s)
    found = connection.execute(once, {"hashes": array_of(connection, s, wanted)}).scalars()
    assert [bytes(value) for value in found] == wanted
    found = connection.execute(select(s).where(any_of(connection, s, wanted)).order_by(s)).scalars()
    assert [bytes(value) for value in found] == wanted


def test_no_ids(connection: Connection) -> None:
    m, is_postgres = messages.c.id, connection.dialect.name == "postgresql"
    query = select(m).where(any_param(m, "ids", is_postgres=is_postgres))
    assert connection.execute(query, {"ids": array_of(connection, m, [])}).all() == []
    assert connection.execute(select(m).where(any_of(connection, m, []))).all() == []
