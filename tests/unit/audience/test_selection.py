"""What expressions mean."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given

from dispatcher.audience.person import Person
from dispatcher.audience.selection import AttributeType, evaluate, parse
from dispatcher.audience.selection_nodes import Expression, Not
from tests.selections import ATTRIBUTES, expressions, people, written

ON = date(2027, 2, 10)
DECLARED: dict[str, AttributeType] = {
    "anak": "integer",
    "jarak": "number",
    "sekolah": "text",
    "pengurus": "boolean",
    "sejak": "date",
}


def holds(text: str, **known: Any) -> bool:
    attributes = {name: known.pop(name) for name in list(known) if name in DECLARED}
    return evaluate(parse(text, DECLARED), Person(**known, attributes=attributes), on=ON)


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("umur >= 17", {"birth_year": 2010}, True),
        ("umur >= 17", {"birth_year": 2011}, False),
        ("age == 17", {"birth_year": 2010}, True),
        ("17 <= umur", {"birth_year": 2010}, True),
        ("17 < umur", {"birth_year": 2010}, False),
        ("tahun_lahir in [2009, 2010]", {"birth_year": 2010}, True),
        ("pengurus", {"pengurus": True}, True),
        ("not pengurus", {"pengurus": True}, False),
        ("pengurus == false", {"pengurus": False}, True),
        ("sapaan == 'Ibu'", {"salutation": "Ibu"}, True),
        ("bahasa == 'en'", {"language": "en"}, True),
        ('jabatan not in ["ketua", "sekretaris"]', {"role": "anggota"}, True),
        ("kelompok in ['rt', 'pkk']", {"groups": frozenset({"pkk"})}, True),
        ("kelompok == 'rt'", {"groups": frozenset({"pkk"})}, False),
        ("kelompok != 'rt'", {"groups": frozenset({"pkk"})}, True),
        ("rw == 7 and rt in [1, 2, 3]", {"rw": 7, "rt": 3}, True),
        ('sejak >= "2020-01-01"', {"sejak": "2019-12-31"}, False),
        ('sejak < "2020-01-01"', {"sejak": "2019-12-31"}, True),
        ("jarak == 0.1", {"jarak": 0.1}, True),
        ("jarak > -1.5", {"jarak": -1}, True),
        ("anak == rw", {"anak": 3, "rw": 3}, True),
        ('sekolah == "SMA \\"Harapan\\""', {"sekolah": 'SMA "Harapan"'}, True),
        ("sekolah < 'b'", {"sekolah": "Z"}, True),
        ("sekolah == 'Cafe\u0301'", {"sekolah": "Caf\u00e9"}, True),
    ],
)
def test_meaning(text: str, known: dict[str, Any], expected: bool) -> None:
    assert holds(text, **known) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("anak == 1", False),
        ("anak != 1", True),
        ("not anak == 1", True),
        ("anak < 1", False),
        ("not anak < 1", True),
        ("anak in [1, 2]", False),
        ("anak not in [1, 2]", True),
        ("pengurus", False),
        ("not pengurus", True),
        ("anak == anak", False),
        ("kelompok != 'rt'", True),
        ("umur >= 0", False),
    ],
)
def test_what_a_person_lacks(text: str, expected: bool) -> None:
    assert holds(text) is expected


@pytest.mark.parametrize("stored", ["3", True, None, [3], {"a": 3}])
def test_a_value_of_another_type_counts_as_lacking(stored: object) -> None:
    assert not holds("anak == 3", anak=stored)
    assert holds("anak != 3", anak=stored)


def test_a_date_without_the_shape_of_one_counts_as_lacking() -> None:
    assert not holds('sejak < "2020-01-01"', sejak="1/1/2019")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("pengurus or anak == 1 and umur > 2", "pengurus or (anak == 1 and umur > 2)"),
        ("not pengurus and anak == 1", "(not pengurus) and anak == 1"),
        ("not (pengurus or anak == 1)", "not(pengurus or anak==1)"),
        ("anak != 1", "not anak == 1"),
        ("anak not in [1]", "not anak in [1,]"),
        ("umur >= 17", "age>=17"),
        ("umur\n  >= 17\n", "17 <= umur"),
        ("anak in [1, 1, 2]", "anak in [1, 2]"),
    ],
)
def test_reading(text: str, same: str) -> None:
    assert parse(text, DECLARED) == parse(same, DECLARED)


@given(expressions())
def test_what_is_written_is_read_again(expression: Expression) -> None:
    assert parse(written(expression), ATTRIBUTES) == expression


@given(expressions(), people())
def test_not_is_the_opposite(expression: Expression, person: Person) -> None:
    assert evaluate(Not(expression), person, on=ON) is not evaluate(expression, person, on=ON)
