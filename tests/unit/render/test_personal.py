"""Tokens and stand-ins of personal links."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.segments import measure
from dispatcher.render.personal import (
    SHARED_STAND_IN,
    STAND_IN,
    TOKEN_LENGTH,
    LinkTerms,
    derived_token,
    new_token,
)


def test_tokens_are_long_enough_and_differ() -> None:
    """At least 58 random bits: 11 of 62 signs are 65."""
    tokens = {new_token() for _ in range(10_000)}
    assert len(tokens) == 10_000
    assert {len(token) for token in tokens} == {TOKEN_LENGTH}
    assert 62**TOKEN_LENGTH > 2**58
    for place in range(TOKEN_LENGTH):
        assert len({token[place] for token in tokens}) == 62


def test_stand_ins_are_as_long_as_tokens_and_cost_no_unicode() -> None:
    assert len(STAND_IN) == len(SHARED_STAND_IN) == TOKEN_LENGTH
    assert measure(LinkTerms("https://kspl.id").values(passes_on=True)["link"]).encoding == "gsm7"


@given(st.binary(min_size=16, max_size=16))
def test_a_derived_token_is_always_the_same(digest: bytes) -> None:
    assert derived_token(digest) == derived_token(digest)
    assert len(derived_token(digest)) == TOKEN_LENGTH


def test_who_passes_the_word_on() -> None:
    terms = LinkTerms("https://kspl.id", ("warga-jaga",))
    assert terms.passes_on(("rt",), "ketua")
    assert terms.passes_on(("dasawisma", "pkk"), "kader")
    assert terms.passes_on(("warga-jaga",), "")
    assert not terms.passes_on(("pkk",), "ketua")
    assert not terms.passes_on((), "ketua")
    assert terms.values(passes_on=False)["share_link"] == ""
