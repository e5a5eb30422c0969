"""Short texts that people type, made comparable: case, punctuation, repeated letters, one slip of the keyboard."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 320
"""Characters; a longer text is no keyword, and no plain sentence."""

_SLIP_FROM: Final = 5
_NOT_WORDS: Final = re.compile(r"[^\w\s]|_")
_RUN: Final = re.compile(r"([^\W\d])\1+")


def normalise(text: str) -> str:
    """Lower case, without punctuation, symbols and doubled spaces; full-width and other fancy letters as plain ones.

    "" for a text that is longer than `LONGEST`.
    """
    if len(text) > LONGEST:
        return ""
    plain = unicodedata.normalize("NFKC", text).casefold()
    visible = "".join(c for c in plain if c.isspace() or unicodedata.category(c)[0] not in "CM")
    words = _NOT_WORDS.sub(" ", visible).split()
    is_spelled_out = len(words) > 2 and all(len(word) == 1 for word in words)
    return ("" if is_spelled_out else " ").join(words)


def unrepeated(said: str) -> str:
    """ "yaaa" as "ya". Digits stay: KELAS11 is not KELAS1."""
    return _RUN.sub(r"\1", said)


def is_one_slip(said: str, keyword: str) -> bool:
    """One letter wrong, missing, too many or swapped, in a word of five letters or more.

    Never where there are digits: KELAS1 and KELAS2 are two sessions.
    """
    if len(keyword) < _SLIP_FROM or abs(len(said) - len(keyword)) > 1 or not (said.isalpha() and keyword.isalpha()):
        return False
    if len(said) == len(keyword):
        differing = [i for i in range(len(said)) if said[i] != keyword[i]]
        swapped = len(differing) == 2 and differing[1] == differing[0] + 1
        return len(differing) == 1 or (
            swapped and said[differing[0]] == keyword[differing[1]] and said[differing[1]] == keyword[differing[0]]
        )
    longer, shorter = (said, keyword) if len(said) > len(keyword) else (keyword, said)
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))
