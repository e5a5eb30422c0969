"""The arithmetic of the consent ledger."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.audience.ledger import SALT_BYTES, Word, commitments

TEXTS = st.text(max_size=20) | st.sampled_from(['"', "\\", "\n", "é", "%d %b"])
WORDS = st.builds(
    Word,
    st.integers(1, 2**62),
    st.integers(1, 2**62),
    TEXTS,
    st.sampled_from(["*", "sms"]),
    st.sampled_from([True, False, 1, 0]),
    TEXTS,
    TEXTS,
    TEXTS,
    TEXTS,
    st.none() | st.integers(1, 2**62),
    st.integers(0, 2**52),
)


def as_it_always_was(word: Word, salt: bytes) -> bytes:
    """What ledgers out there hold."""
    said = json.dumps([*word[:4], bool(word.granted), *word[5:]], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(b"dispatcher consent event 1\n" + salt + said.encode()).digest()


@given(st.lists(st.tuples(WORDS, st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES), st.integers(1, 3)), max_size=6))
def test_a_commitment_fits_whatever_stands_around_it(said: list[tuple[Word, bytes, int]]) -> None:
    """Runs of words that say the same of many people share their text."""
    words = [word._replace(id=word.id + i, contact_id=word.contact_id + 2 * i) for word, _, n in said for i in range(n)]
    salts = [salt for _, salt, n in said for _ in range(n)]
    assert commitments(words, salts) == [as_it_always_was(*pair) for pair in zip(words, salts, strict=True)]
