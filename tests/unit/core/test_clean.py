from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.clean import CODES, clean_value
from dispatcher.core.urls import URL


@pytest.mark.parametrize(
    ("text", "cleaned", "codes"),
    [
        ("Siti Aminah", "Siti Aminah", ()),
        ("  Drs. H. Ahmad, M.Si  ", "Drs. H. Ahmad, M.Si", ()),
        ("Nur'aini\tBinti", "Nur'aini Binti", ()),
        ("Jose\u0301", "José", ()),
        ("RT.001/RW.002 A.Md S.Ag", "RT.001/RW.002 A.Md S.Ag", ()),
        ("Ani\r\nBudi\u2028Cici", "Ani Budi Cici", ("line_break",)),
        ("An\x00i\x1b", "Ani", ("control",)),
        ("An\u200bi\ufeff\u00ad", "Ani", ("control",)),
        ("\u202einA\u2069", "inA", ("bidi",)),
        ("Ani http://x.y/z", "Ani", ("url",)),
        ("Ani www.x.y Budi", "Ani Budi", ("url",)),
        ("bit\u200b.ly/x Ani", "Ani", ("control", "url")),
        ("s.id/abc", "", ("url",)),
        ("{{ 7*7 }} {% x %}{# y #}", "7*7 x y", ("template",)),
        ("{{{{x}}}}", "x", ("template",)),
        ("{\u200b{x}\u200b}", "x", ("control", "template")),
        ("x" * 81, "x" * 80, ("too_long",)),
        ("x" * 79 + "e\u0323\u0300", "x" * 79, ("too_long",)),
        ("x" * 79 + "👍🏽", "x" * 79, ("too_long",)),
        ("x" * 79 + "🇮🇩", "x" * 79, ("too_long",)),
        ("🇮🇩" * 41, "🇮🇩" * 40, ("too_long",)),
        ("a" * 71 + " evil.community", "a" * 71, ("url", "too_long")),
    ],
)
def test_clean_value(text: str, cleaned: str, codes: tuple[str, ...]) -> None:
    assert clean_value(text) == (cleaned, codes)


HOSTILE = st.text(
    alphabet=st.one_of(st.sampled_from("{}%#.:/-wcomhttpbit.ly\n\r\t\u200b\u202e\u0301🇮👍🏽 "), st.characters()),
    max_size=150,
)


@given(HOSTILE, st.integers(1, 90))
def test_what_comes_out_is_safe_and_stays_as_it_is(text: str, limit: int) -> None:
    cleaned, codes = clean_value(text, limit)
    assert len(cleaned) <= limit
    assert set(codes) <= set(CODES)
    assert URL.search(cleaned) is None
    assert not any(delimiter in cleaned for delimiter in ("{{", "}}", "{%", "%}", "{#", "#}"))
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in cleaned)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert clean_value(cleaned, limit) == (cleaned, ())


def test_a_huge_cell_is_cleaned_at_once() -> None:
    started = time.process_time()
    assert len(clean_value("a-." * 1_000_000)[0]) <= 80
    assert time.process_time() - started < 1
