"""The calculator against a reference that walks character by character."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.segments import (
    BASIC,
    EXTENSION,
    Segments,
    gsm_octets,
    gsm_text,
    measure,
    replacements,
    split,
)

GSM_TEXT = st.text(alphabet=BASIC + EXTENSION * 3, max_size=700)
ANY_TEXT = st.text(alphabet=st.one_of(st.sampled_from(BASIC + "😀👍🏽é漢^€"), st.characters()), max_size=400)


def reference_parts(text: str) -> list[str]:
    """Greedy: each character joins the part it fits in, whole."""
    gsm = all(char in BASIC + EXTENSION for char in text)
    widths = [(2 if char in EXTENSION else 1) if gsm else (2 if ord(char) > 0xFFFF else 1) for char in text]
    alone, limit = (160, 153) if gsm else (70, 67)
    if sum(widths) <= alone:
        return [text] if text else []
    parts, room = [""], limit
    for char, width in zip(text, widths, strict=True):
        if width > room:
            parts.append("")
            room = limit
        parts[-1] += char
        room -= width
    return parts


@pytest.mark.parametrize("alphabet", [BASIC, BASIC + EXTENSION * 9, "aé漢", "ab漢😀👍🏽"])
def test_long_texts_equal_the_reference(alphabet: str) -> None:
    draw = random.Random(len(alphabet))
    for length in range(0, 700, 3):
        text = "".join(draw.choices(alphabet, k=length))
        assert split(text) == reference_parts(text)
        assert measure(text).segments == len(reference_parts(text))


@given(st.one_of(GSM_TEXT, ANY_TEXT))
def test_equals_the_reference(text: str) -> None:
    parts = split(text)
    assert parts == reference_parts(text)
    assert "".join(parts) == text
    found = measure(text)
    assert found.segments == len(parts)
    limit = {"gsm7": 153, "ucs2": 67}[found.encoding]
    assert len(parts) <= 1 or all(_units(part, found.encoding) <= limit for part in parts)
    assert found.units == _units(text, found.encoding)


def _units(text: str, encoding: str) -> int:
    if encoding == "gsm7":
        return sum(2 if char in EXTENSION else 1 for char in text)
    return sum(2 if ord(char) > 0xFFFF else 1 for char in text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("gsm7", 0, 0)),
        ("a" * 160, Segments("gsm7", 160, 1)),
        ("a" * 161, Segments("gsm7", 161, 2)),
        ("a" * 306, Segments("gsm7", 306, 2)),
        ("a" * 307, Segments("gsm7", 307, 3)),
        ("a" * 158 + "€", Segments("gsm7", 160, 1)),
        ("a" * 152 + "{" + "a" * 152, Segments("gsm7", 306, 3)),  # the escape may not end a part
        ("é" * 70, Segments("gsm7", 70, 1)),
        ("ê" * 70, Segments("ucs2", 70, 1, (("ê", 0),))),
        ("ê" * 71, Segments("ucs2", 71, 2, (("ê", 0),))),
        ("a" * 66 + "😀" + "a" * 66, Segments("ucs2", 134, 3, (("😀", 66),))),
        ("Hai “Ani” “", Segments("ucs2", 11, 1, (("“", 4), ("”", 8)))),
        ("a\tb`", Segments("ucs2", 4, 1, (("\t", 1), ("`", 3)))),
        ("\x1b", Segments("ucs2", 1, 1, (("\x1b", 0),))),
    ],
)
def test_edges(text: str, expected: Segments) -> None:
    assert measure(text) == expected


def test_the_alphabet_is_whole() -> None:
    assert len(set(BASIC)) == 127  # 128 positions less the escape
    assert len(set(EXTENSION)) == 10
    assert measure(BASIC).encoding == "gsm7"


def test_replacements_offer_the_gsm_spelling() -> None:
    assert replacements("“Pilih” – ‘suara’…\u00a0e\u0301\u200b`x`") == "\"Pilih\" - 'suara'... é'x'"
    assert replacements("a\tb") == "a b"
    assert replacements("Halo 😀") == "Halo 😀"


@given(ANY_TEXT)
def test_replacements_never_cost_a_gsm_text_anything(text: str) -> None:
    once = replacements(text)
    assert replacements(once) == once
    if measure(text).encoding == "gsm7":
        assert once == text


@given(st.text(alphabet=BASIC + EXTENSION))
def test_octets_of_the_gsm_alphabet_read_back_as_the_text(text: str) -> None:
    octets = gsm_octets(text)
    assert len(octets) == measure(text).units
    assert max(octets, default=0) < 0x80
    assert gsm_text(octets) == text


def test_octets_are_those_of_the_standard() -> None:
    assert gsm_octets("@A€[ü") == b"\x00\x41\x1b\x65\x1b\x3c\x7e"
    assert gsm_octets("Æ¿ à") == b"\x1c\x60\x20\x7f"


def test_octets_outside_the_alphabet_are_marked() -> None:
    assert gsm_octets("a字b") == b"a?b"
    assert gsm_text(b"a\x1b\x01b\x80c\x1b") == "a b\ufffdc "
