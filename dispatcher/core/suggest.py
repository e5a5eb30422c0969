"""Hints for a word that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

#: Comparing takes long; a file with more names than this was not written by hand.
_COMPARED: Final = 200


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    close = difflib.get_close_matches(word, sorted(known)[:_COMPARED], 1, 0.6)
    return f"did you mean `{close[0]}`?" if close else otherwise


def listed(known: Iterable[str], limit: int = 20) -> str:
    words = sorted(known)
    return ", ".join(words[:limit]) + (", …" if len(words) > limit else "") if words else "none"
