"""YAML as strangers write it: every fault has a place and plain words, and none of them costs time or memory."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.campaign.document import MAX_DEPTH, MAX_VALUES, DocumentError, read_document
from dispatcher.core.diagnostics import Diagnostic


def refused(text: str) -> Diagnostic:
    with pytest.raises(DocumentError) as caught:
        read_document(text, "c.yaml")
    return caught.value.diagnostic


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "says"),
    [
        ("a:\n\tb: 1", "yaml-tab", 2, 1, "tab"),
        ("a: b: c", "yaml-syntax", 1, 5, '":"'),
        ("a: 'x\nb: 1", "yaml-syntax", 2, 5, "quotation mark"),
        ("a: [1, 2\nb: 1", "yaml-syntax", 2, 2, "closed"),
        ("a: @x", "yaml-syntax", 1, 4, "begin"),
        ("a: %x", "yaml-syntax", 1, 4, "begin"),
        ("a: 1\n b: 2", "yaml-syntax", 2, 3, '":"'),
        ("- a\nb: 1", "yaml-syntax", 2, 1, "indentation"),
        ('a: "\\q"', "yaml-syntax", 1, 6, "backslash"),
        ("a: {{ contact.name }} b", "yaml-key", 1, 5, "key"),
        ("a: 'x' y", "yaml-syntax", 1, 8, "ended"),
        ("a: 1\nb\nc: 2", "yaml-syntax", 3, 1, 'without ":"'),
        ("a: \x07", "yaml-character", 0, 0, "U+0007"),
        ("a: &x 1\nb: *x", "yaml-anchor", 1, 4, "anchors"),
        ("b: *x", "yaml-anchor", 1, 4, "aliases"),
        ("<<: *x", "yaml-anchor", 1, 5, "aliases"),
        ("a: !!python/object/apply:os.system [ls]", "yaml-tag", 1, 4, "tags"),
        ("a: !secret x", "yaml-tag", 1, 4, "tags"),
        ("%YAML 1.1\n---\na: 1", "yaml-directive", 2, 1, "1.2"),
        ("%TAG ! tag:x,2000:\n---\na: 1", "yaml-directive", 2, 1, "directives"),
        ("a: 1\n---\nb: 2", "yaml-documents", 2, 1, "more than one"),
        ("? [a]\n: 1", "yaml-key", 1, 3, "key"),
    ],
)
def test_faults(text: str, code: str, line: int, column: int, says: str) -> None:
    found = refused(text)
    assert (found.code, found.line, found.severity) == (code, line, "error")
    assert found.column == column
    assert says in found.message


def test_every_repeated_key_is_reported() -> None:
    document = read_document("a: 1\nb: {c: 1, c: 2}\na: 3\n", "c.yaml")
    assert [(d.code, d.line, d.column) for d in document.diagnostics] == [
        ("yaml-duplicate", 2, 11),
        ("yaml-duplicate", 3, 1),
    ]
    assert "line 1" in document.diagnostics[1].message


def test_an_alias_bomb_is_harmless() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    started = time.perf_counter()
    assert refused("\n".join(lines)).code == "yaml-anchor"
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_before_it_hurts(opening: str) -> None:
    assert refused("k: " + opening * 100_000 if opening in "[{a: " else opening * 100_000).code in (
        "yaml-depth",
        "yaml-key",
    )


def test_depth_is_counted_from_the_outside() -> None:
    assert read_document("[" * MAX_DEPTH + "]" * MAX_DEPTH, "c.yaml").data
    assert refused("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).code == "yaml-depth"


def test_too_many_values() -> None:
    assert refused("[" + "a," * (MAX_VALUES + 1)).code == "yaml-size"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("21:00", "21:00"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("0x1F", 31),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("1_000", "1_000"),
        ("2027-02-10", "2027-02-10"),
        ("'12'", "12"),
        ("9" * 5000, "9" * 5000),
        (".inf", ".inf"),
    ],
)
def test_plain_values_follow_yaml_1_2(raw: str, value: object) -> None:
    read = read_document(f"a: {raw}\n", "c.yaml").data["a"]
    assert (type(read), read) == (type(value), value)


def test_places_inside_texts() -> None:
    text = "a: |\n\n    one\n      two\nb: 'three'\nc: >\n  four\n  five\n"
    positions = read_document(text, "c.yaml").positions
    assert positions.inside(("a",), 2) == (3, 5)
    assert positions.inside(("a",), 3, 3) == (4, 7)
    assert positions.inside(("b",), 1, 1) == (5, 5)
    assert positions.inside(("c",), 2, 3) == (6, 4)
    assert positions.position_of(("a", "gone", 3)) == (1, 1)
    assert positions.position_of_key(("b",)) == (5, 1)


@given(st.text(alphabet=st.sampled_from("ab:-[]{}'\"|>&*!#%@, \n\t?0~"), max_size=60))
def test_any_text_is_read_or_refused_with_a_place_within_it(text: str) -> None:
    try:
        document = read_document(text, "c.yaml")
    except DocumentError as error:
        assert 0 <= error.diagnostic.line <= text.count("\n") + 2
        assert error.diagnostic.message
    else:
        assert all(place.line <= text.count("\n") + 2 for place in document.positions.values.values())
