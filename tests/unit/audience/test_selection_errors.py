"""What is said about expressions that cannot be used: where, what, and what to write instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.audience.selection import AttributeType, SelectionProblem, parse

DECLARED: dict[str, AttributeType] = {
    "anak": "integer",
    "jarak": "number",
    "sekolah": "text",
    "pengurus": "boolean",
    "sejak": "date",
}


def problem(text: str) -> SelectionProblem:
    with pytest.raises(SelectionProblem) as caught:
        parse(text, DECLARED, groups={"rt", "rw", "pkk"})
    return caught.value


@pytest.mark.parametrize(
    ("text", "place", "code", "hint"),
    [
        ("umur = 17", (1, 6), "syntax", '"=="'),
        ("umur => 17", (1, 6), "syntax", '">="'),
        ("umur =< 17", (1, 6), "syntax", '"<="'),
        ("umur <> 17", (1, 6), "syntax", '"!="'),
        ("umur ≥ 17", (1, 6), "syntax", '">="'),
        ("pengurus && umur > 1", (1, 10), "syntax", '"and"'),
        ("pengurus || umur > 1", (1, 10), "syntax", '"or"'),
        ("!pengurus", (1, 1), "syntax", '"not"'),
        ("pengurus AND umur > 1", (1, 10), "syntax", '"and"'),
        ("pengurus dan umur > 1", (1, 10), "syntax", '"and"'),
        ("pengurus atau umur > 1", (1, 10), "syntax", '"or"'),
        ("tidak pengurus", (1, 1), "unknown", '"not"'),
        ("pengurus == ya", (1, 13), "unknown", '"true"'),
        ("sekolah == “SMA”", (1, 12), "syntax", "straight quotes"),
        ("sekolah == 'SMA", (1, 12), "syntax", "close it"),
        ("sekolah == 'a\nb'", (1, 12), "syntax", "close it"),
        (r"sekolah == 'a\nb'", (1, 12), "syntax", "backslash"),
        ("sekolah == 'a\u200e\x07'", (1, 12), "syntax", "pasting"),
        ("umur >= 17,5", (1, 11), "syntax", "join comparisons"),
        ("umur >= 17 umur < 20", (1, 12), "syntax", "join comparisons"),
        ("17 <= umur < 20", (1, 12), "syntax", '"and"'),
        ("umur >=", (1, 8), "syntax", "umur >= 17"),
        ("", (1, 1), "syntax", "umur >= 17"),
        ("umur >= 17 and", (1, 15), "syntax", "umur >= 17"),
        ("umur\n>= 17\n  and (pengurus", (3, 16), "syntax", '")"'),
        ("pengurus)", (1, 9), "syntax", "remove"),
        ("(umur) >= 17", (1, 2), "type", "compare it"),
        ("(pengurus) == true", (1, 12), "syntax", "whole"),
        ("anak in 1, 2", (1, 9), "syntax", "in ["),
        ("anak in []", (1, 10), "syntax", "quotes"),
        ("anak in [1 2]", (1, 12), "syntax", "commas"),
        ("kelompok in [rt]", (1, 14), "syntax", "quotes"),
        ("anak not 3", (1, 10), "syntax", "not in"),
        ("'rt' in kelompok", (1, 1), "syntax", "kelompok in ['rt']"),
        ("17", (1, 1), "syntax", "compare"),
        ("1 == 1", (1, 1), "syntax", "quotes"),
        ("umur >= 17abc", (1, 11), "syntax", "join"),
        ("umr >= 17", (1, 1), "unknown", '"umur"'),
        ("Sekolah == 'a'", (1, 1), "unknown", '"sekolah"'),
        ("zzz == 1", (1, 1), "unknown", "known: "),
        ("kelompok in ['rt', 'pk']", (1, 20), "unknown", '"pkk"'),
        ("kelompok == 'xyzzy'", (1, 13), "unknown", "known: pkk, rt, rw"),
        ("umur >= '17'", (1, 9), "type", "without quotes"),
        ("anak == 1.500", (1, 9), "type", "1500"),
        ("jarak == true", (1, 10), "type", "2.5"),
        ("sekolah == 3", (1, 12), "type", "quotes"),
        ("sejak > '10-02-2007'", (1, 9), "type", "2007-02-10"),
        ("sejak > '2007-02-30'", (1, 9), "type", "2007-02-10"),
        ("sejak > '20070210'", (1, 9), "type", "2007-02-10"),
        ("pengurus == 1", (1, 13), "type", "true or false"),
        ("pengurus < true", (1, 10), "type", '"=="'),
        ("kelompok < 'rt'", (1, 10), "type", '"=="'),
        ("kelompok == sekolah", (1, 10), "type", "group"),
        ("kelompok", (1, 1), "type", "compare"),
        ("anak == sekolah", (1, 6), "type", "same type"),
        ("umur and pengurus", (1, 1), "type", "compare it"),
        ("anak == 1234567890123456", (1, 9), "type", "quotes"),
    ],
)
def test_every_mistake_has_a_place_and_a_remedy(text: str, place: tuple[int, int], code: str, hint: str) -> None:
    found = problem(text)
    assert (found.line, found.column) == place, found.message
    assert found.code == f"selection-{code}", found.message
    assert hint in found.hint, found.hint


def test_size_is_limited() -> None:
    assert problem("(" * 31 + "pengurus" + ")" * 31).code == "selection-size"
    assert problem("not " * 31 + "pengurus").code == "selection-size"
    assert problem("pengurus or " * 200).code == "selection-size"
    parse("(" * 30 + "pengurus" + ")" * 30, DECLARED)


def test_any_group_may_be_named_where_none_are_known() -> None:
    parse("kelompok == 'karang-taruna'", {})


def test_built_in_names_win_over_attributes() -> None:
    assert parse("umur == 3", {"umur": "text"}) == parse("age == 3", {})


WORDS = [
    "umur",
    "anak",
    "kelompok",
    "not",
    "and",
    "or",
    "in",
    "1",
    "'rt'",
    "true",
    "(",
    ")",
    "[",
    "]",
    ",",
    "==",
    "<",
    "=",
]


@given(st.lists(st.sampled_from([*WORDS, "\n", "'"]), max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text, DECLARED)
    except SelectionProblem as found:
        assert found.line <= text.count("\n") + 1
        assert found.message
