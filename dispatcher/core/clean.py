"""Names and other short texts from contact files, made safe to write into a message.

What is taken out could forge a link, hide or turn around text, or break a line; a template delimiter would never be
rendered again, but has no place in a name either.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from dispatcher.core.urls import URL

CODES: Final = ("control", "line_break", "bidi", "url", "template", "too_long")

_LONGEST_READ = 20  # times the limit: what stands behind would be cut off anyhow
_HARMLESS = re.compile(r"[A-Za-z0-9]+(?:[ '-][A-Za-z0-9]+)*")
_LINE_BREAK = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_DELIMITER = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def clean_value(text: str, limit: int = 80) -> tuple[str, tuple[str, ...]]:
    """The cleaned text, at most `limit` characters, and the CODES of what was removed; cleaning again changes nothing.

    Zero-width and other invisible characters count as `control`. Tabs and runs of spaces become one space, silently.
    """
    if len(text) <= limit and _HARMLESS.fullmatch(text):
        return text, ()
    found: set[str] = set()
    if len(text) > _LONGEST_READ * limit:
        found.add("too_long")
        text = text[: _LONGEST_READ * limit]
    previous = None
    while text != previous:  # taking one thing out may join the halves of another
        previous = text
        text = _capped(_stripped(text, found), limit, found)
    return text, tuple(code for code in CODES if code in found)


def _stripped(text: str, found: set[str]) -> str:
    text = _without(_LINE_BREAK, " ", text, "line_break", found).replace("\t", " ")
    text = _without(_BIDI, "", text, "bidi", found)
    text = unicodedata.normalize("NFC", _visible(text, found))
    text = _without(_DELIMITER, " ", text, "template", found)
    text = _without(URL, " ", text, "url", found)
    return " ".join(text.split())


def _without(pattern: re.Pattern[str], instead: str, text: str, code: str, found: set[str]) -> str:
    cleaned, count = pattern.subn(instead, text)
    if count:
        found.add(code)
    return cleaned


def _visible(text: str, found: set[str]) -> str:
    if text.isprintable() and text.isascii():
        return text
    kept = "".join(char for char in text if unicodedata.category(char) not in _INVISIBLE_CATEGORIES)
    if kept != text:
        found.add("control")
    return kept


def _capped(text: str, limit: int, found: set[str]) -> str:
    if len(text) <= limit:
        return text
    found.add("too_long")
    end = limit
    while end > 0 and _continues(text, end):
        end -= 1
    return text[:end].rstrip()


def _continues(text: str, index: int) -> bool:
    """Whether the character at `index` belongs to the one before it: a mark, a skin tone, the second half of a flag."""
    char = text[index]
    if unicodedata.category(char)[0] == "M" or "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    flags = 0
    while flags < index and _is_flag_half(text[index - 1 - flags]):
        flags += 1
    return _is_flag_half(char) and flags % 2 == 1


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
