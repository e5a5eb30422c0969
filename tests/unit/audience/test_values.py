from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.audience.values import AttributeType, infer_type, parse_boolean, parse_date, parse_value


@pytest.mark.parametrize(
    "text",
    [
        *("2005-02-10", "10/02/2005", "10-2-2005", "10.02.2005", "10 Februari 2005", "10 Feb 2005", "10-Feb-2005"),
        *("2005/2/10", "2005-02-10T00:00:00", "2005-02-10 00:00", " 10 Peb 2005 ", "10/02/05"),
    ],
)
def test_a_date_in_its_spellings(text: str) -> None:
    assert parse_date(text, date(2027, 1, 1)) == date(2005, 2, 10)


def test_month_first_only_where_it_must_be() -> None:
    assert parse_date("02/17/2005") == date(2005, 2, 17)
    assert parse_date("03/04/2005") == date(2005, 4, 3)


def test_two_digit_years_lie_in_the_past() -> None:
    assert parse_date("10/02/65", date(2027, 1, 1)) == date(1965, 2, 10)
    assert parse_date("10/02/27", date(2027, 1, 1)) == date(2027, 2, 10)


@pytest.mark.parametrize("text", ["", "31/02/2005", "2005-13-01", "10 Foo 2005", "kemarin", "20050210", "1/2"])
def test_no_date(text: str) -> None:
    assert parse_date(text) is None


def test_booleans() -> None:
    assert [parse_boolean(t) for t in ("Ya", "TIDAK", "yes", "setuju", "Tidak  Setuju", "mungkin", "1")] == [
        True, False, True, True, False, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "25", "-3"], ("integer", False)),
        (["1", "2.5", "0,5"], ("number", False)),
        (["1.250", "2.500"], ("text", False)),
        (["007", "012"], ("text", False)),
        (["ya", "tidak", "Y"], ("boolean", False)),
        (["10/02/2005", "2005-02-10"], ("date", False)),
        (["1", "banyak"], ("text", True)),
        (["1", "ya"], ("text", True)),
        (["SMA", "S1"], ("text", False)),
        ([], ("text", False)),
        (["1" * 16], ("text", False)),
    ],
)
def test_inference(values: list[str], expected: tuple[AttributeType, bool]) -> None:
    assert infer_type(values) == expected


@pytest.mark.parametrize(
    ("text", "wanted", "value"),
    [
        ("12", "integer", 12),
        ("12.0", "integer", 12),
        ("x", "integer", None),
        ("1,5", "number", 1.5),
        ("ya", "boolean", True),
        ("10 Mei 2005", "date", "2005-05-10"),
        ("soon", "date", None),
        ("007", "text", "007"),
    ],
)
def test_values(text: str, wanted: AttributeType, value: object) -> None:
    assert parse_value(text, wanted) == value


@given(st.lists(st.text(max_size=12) | st.integers().map(str) | st.floats(0, 10**6).map(str), min_size=1))
def test_every_value_has_the_type_inferred_from_all(values: list[str]) -> None:
    kind, _ = infer_type(values)
    assert all(parse_value(value, kind) is not None for value in values)
