from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.door_code import read, spell
from dispatcher.store.door_codes import door_code
from dispatcher.store.keys import Keys

KEYS = Keys(b"s" * 32, b"k" * 32)


@given(st.integers(0, (1 << 40) - 1))
def test_what_is_spelled_is_read(number: int) -> None:
    code = spell(number)
    assert len(code) == 9
    assert read(code) == read(f"D:{code.replace('-', '')}") == number


@pytest.mark.parametrize("typed", ["7K3M-Q01D", " 7k3m q0ld ", "7k3mqoid", "d:7K3MQ01D", "7K3M–Q01D", "7K 3M.QO1D"])
def test_people_write_it_in_many_ways(typed: str) -> None:
    assert read(typed) == read("7K3MQ01D") is not None


@pytest.mark.parametrize(
    "typed", ["", "D:", "7K3M-Q01", "7K3M-Q01DX", "7K3M-Q0UD", "+6281234567890", "é" * 8, "7" * 5000]
)
def test_everything_else_is_no_code(typed: str) -> None:
    assert read(typed) is None


def test_a_code_belongs_to_one_person_at_one_session() -> None:
    codes = {door_code(KEYS, session, contact) for session in ("a", "b") for contact in range(1, 500)}
    assert len(codes) == 998
    assert door_code(KEYS, "a", 1) == door_code(KEYS, "a", 1)
    assert door_code(Keys(b"x" * 32, b"k" * 32), "a", 1) not in codes
