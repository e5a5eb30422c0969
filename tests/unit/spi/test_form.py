"""Forms are quoted as the library quotes them, and the words that are kept for it stay few and short."""

from __future__ import annotations

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.spi import form_quoted, http

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    " +%&=\n\r\t\x0b\x00\u00a0\u2003~/😀", max_size=40
)


@given(ANY_TEXT)
def test_any_text_is_quoted_as_the_library_quotes_it(text: str) -> None:
    assert form_quoted(text) == quote_plus(text)
    assert form_quoted(text) == quote_plus(text), "the second time from memory"


@pytest.mark.parametrize("text", ["\ud800", "ya \udfff"])
def test_half_a_character_is_refused_as_the_library_refuses_it(text: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        quote_plus(text)
    with pytest.raises(UnicodeEncodeError):
        form_quoted(text)


def test_the_words_that_are_kept_are_few_and_short() -> None:
    for number in range(3 * http._MOST_WORDS):
        form_quoted(f"kata{number}")
        assert len(http._words) <= http._MOST_WORDS
    long = "選" * 4096
    assert form_quoted(long) == quote_plus(long)
    assert long not in http._words
    assert max(map(len, http._words)) <= http._LONGEST_WORD
