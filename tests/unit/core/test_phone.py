from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lokal.phone import parse_phone as lokal_parse

from dispatcher.core.phone import PROBLEMS, PhoneNumber, PhoneProblem, mask, parse_phone, parse_phones

MOBILE = "+6281234567890"


@pytest.mark.parametrize(
    "raw",
    [
        "081234567890",
        "81234567890",
        "6281234567890",
        "+6281234567890",
        "+62 (0)812-3456-7890",
        "0812 3456 7890",
        "0812.3456.7890",
        "(0812) 3456–7890",
        "'081234567890",
        '="081234567890"',
        "81234567890.0",
        "6281234567890.00",
        " 0812\u00a03456\u00a07890 ",
        "\u202a+62 812-3456-7890\u202c",
        "006281234567890",
        "wa.me/6281234567890",
        "HP: 0812 3456 7890",
        "0812 3456 7890 (WA)",
    ],
)
def test_an_indonesian_mobile_in_its_spellings(raw: str) -> None:
    assert parse_phone(raw) == PhoneNumber(MOBILE, "ID", "mobile")


def test_the_trap_of_libphonenumber() -> None:
    assert parse_phone("62812345678") == PhoneNumber("+62812345678", "ID", "mobile")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("(021) 555-1234", PhoneNumber("+62215551234", "ID", "landline")),
        ("021-5551234 ext. 12", PhoneNumber("+62215551234", "ID", "landline")),
        ("0800123456", PhoneNumber("+62800123456", "ID", "unknown")),
        ("+60 12-345 6789", PhoneNumber("+60123456789", "MY", "mobile")),
        ("0060123456789", PhoneNumber("+60123456789", "MY", "mobile")),
        ("+65 6234 5678", PhoneNumber("+6562345678", "SG", "landline")),
        ("+1 415-555-0123", PhoneNumber("+14155550123", "US", "unknown")),
    ],
)
def test_landlines_and_foreign_numbers(raw: str, expected: PhoneNumber) -> None:
    assert parse_phone(raw) == expected


def test_another_home_country() -> None:
    assert parse_phone("012-345 6789", "MY") == PhoneNumber("+60123456789", "MY", "mobile")
    assert parse_phone("+62 812 3456 7890", "MY").e164 == MOBILE


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "empty"),
        ("  ' ", "empty"),
        ("-", "empty"),
        ("6.28123E+11", "scientific"),
        ("6,28123E+11", "scientific"),
        ("8.12E10", "scientific"),
        ("tidak ada", "not_a_number"),
        ("0812abc4567", "not_a_number"),
        ("=HYPERLINK(1)", "not_a_number"),
        ("0812345", "too_short"),
        ("021555", "too_short"),
        ("08123456789012345", "too_long"),
        ("3174051505900001", "too_long"),
        ("1500123", "invalid"),
        ("+1 415", "too_short"),
        ("+60123456789012345", "too_long"),
        ("+999123456789", "invalid"),
    ],
)
def test_what_is_wrong(raw: str, code: str) -> None:
    with pytest.raises(PhoneProblem) as caught:
        parse_phone(raw)
    assert caught.value.code == code
    assert (caught.value.message, caught.value.hint) == PROBLEMS[code]


def test_several_numbers_in_one_cell_keep_their_order() -> None:
    for raw in ("081234567890 / 0813-9876-5432", "081234567890; 081398765432", "081234567890 081398765432"):
        numbers, problems = parse_phones(raw)
        assert [n.e164 for n in numbers] == [MOBILE, "+6281398765432"]
        assert not problems


def test_one_good_and_one_bad_number() -> None:
    numbers, problems = parse_phones("081234567890/91, 0812 3456 7890")
    assert [n.e164 for n in numbers] == [MOBILE]
    assert [p.code for p in problems] == ["too_short"]


def test_no_number_at_all() -> None:
    numbers, problems = parse_phones("n/a")
    assert not numbers
    assert {p.code for p in problems} == {"not_a_number"}


def test_a_decimal_comma_separates_no_numbers() -> None:
    assert [p.code for p in parse_phones("6,28123E+11")[1]] == ["scientific"]


def test_mask() -> None:
    assert mask("+6281234567789") == "+62812****789"
    assert mask("+6221555") == "+62****55"


written = st.lists(st.sampled_from([*"0123456789", "62", "+62", "08", "8", " ", "-", "(0)"]), max_size=18)


@given(written.map("".join).filter(lambda raw: not raw.lstrip(" -()").startswith("00")))
def test_indonesian_numbers_are_those_of_lokal(raw: str) -> None:
    theirs = lokal_parse(raw).e164
    try:
        ours = parse_phone(raw)
    except PhoneProblem:
        assert theirs is None
    else:
        assert ours.e164 == theirs or ours.country != "ID"


@given(st.from_regex(r"(\+?62|0|)8[1-9][0-9]{6,12}", fullmatch=True))
def test_plain_mobiles_are_those_of_lokal(raw: str) -> None:
    theirs = lokal_parse(raw)
    if theirs.e164 is None:
        with pytest.raises(PhoneProblem):
            parse_phone(raw)
    else:
        assert parse_phone(raw) == PhoneNumber(theirs.e164, "ID", "mobile")


@given(st.text(max_size=40))
def test_any_text_gives_a_number_or_a_problem(raw: str) -> None:
    numbers, problems = parse_phones(raw)
    assert numbers or problems
    for problem in problems:
        assert not any(c.isdigit() for c in problem.message)


def test_plain_numbers_load_no_heavy_library() -> None:
    code = (
        "import sys; from dispatcher.core.phone import parse_phone; parse_phone('081234567890');"
        "assert not {'lokal', 'phonenumbers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
