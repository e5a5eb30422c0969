"""Cuts a selection expression into words, values and signs, each with its position."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from dispatcher.audience.selection_nodes import Scalar, SelectionProblem

Kind = Literal["name", "keyword", "value", "sign", "end"]

KEYWORDS: Final = frozenset({"and", "or", "not", "in"})
MAX_CHARACTERS: Final = 2000
#: Decimals of up to 15 digits survive the way through a double and back, so every database agrees on them.
MAX_DIGITS: Final = 15

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?)
    | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    | (?P<sign>&&|\|\||<>|=<|=>|[=!<>]=|[=!<>()\[\],])
    """,
    re.VERBOSE,
)
_SIGNS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "(", ")", "[", "]", ","})
_INSTEAD: Final = {
    "=": "==", "<>": "!=", "=<": "<=", "=>": ">=", "&&": "and", "||": "or", "!": "not", "≠": "!=", "≤": "<=", "≥": ">=",
    "&": "and", "|": "or",
}  # fmt: skip
_CURLY: Final = "“”„‘’‚«»"


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is as written; `value` is what a value token stands for. Positions count from 1."""

    kind: Kind
    text: str
    line: int
    column: int
    value: Scalar | None = None

    def problem(self, message: str, hint: str = "", code: str = "selection-syntax") -> SelectionProblem:
        return SelectionProblem(code, message, self.line, self.column, hint)


def tokens(text: str) -> Iterator[Token]:
    """Ends with one token of kind `end`. Raises SelectionProblem."""
    if len(text) > MAX_CHARACTERS:
        message = f"the expression is longer than {MAX_CHARACTERS:,} characters"
        raise SelectionProblem("selection-size", message, 1, 1, "put the people into a group of their own instead")
    at, line, line_start = 0, 1, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        here = Token("sign", text[at], line, at - line_start + 1)
        if match is None:
            raise _unreadable(here)
        if match.lastgroup == "space":
            line += match[0].count("\n")
            line_start = match.start() + match[0].rfind("\n") + 1 if "\n" in match[0] else line_start
        else:
            yield _token(match, line, here.column)
        at = match.end()
    yield Token("end", "", line, at - line_start + 1)


def _token(match: re.Match[str], line: int, column: int) -> Token:
    text = match[0]
    here = Token("value", text, line, column)
    if match.lastgroup == "name":
        return _name(here)
    if match.lastgroup == "number":
        return Token("value", text, line, column, _number(here))
    if match.lastgroup == "text":
        return Token("value", text, line, column, _text(here))
    if text in _SIGNS:
        return Token("sign", text, line, column)
    raise here.problem(f'"{text}" has no meaning here', f'write "{_INSTEAD[text]}"')


def _name(here: Token) -> Token:
    if here.text in KEYWORDS:
        return Token("keyword", here.text, here.line, here.column)
    if here.text in {"true", "false"}:
        return Token("value", here.text, here.line, here.column, here.text == "true")
    if here.text.lower() in KEYWORDS | {"true", "false"}:
        raise here.problem(f'"{here.text}" has no meaning here', f'write "{here.text.lower()}", in small letters')
    return Token("name", here.text, here.line, here.column)


def _number(here: Token) -> int | float:
    if len(here.text.lstrip("-").replace(".", "").lstrip("0")) > MAX_DIGITS:
        message = f"{here.text} has more than {MAX_DIGITS} digits"
        raise here.problem(message, "put telephone, card and account numbers in quotes", "selection-type")
    return float(here.text) if "." in here.text else int(here.text)


def _text(here: Token) -> str:
    plain = re.sub(r"\\(.)", lambda escaped: _escaped(here, escaped[1]), here.text[1:-1])
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in plain):
        raise here.problem("a text holds a control character", "type it again instead of pasting it")
    return unicodedata.normalize("NFC", plain)  # as contact files are


def _escaped(here: Token, character: str) -> str:
    if character in "\"'\\":
        return character
    raise here.problem(f'"\\{character}" has no meaning in a text', 'a backslash itself is written "\\\\"')


def _unreadable(here: Token) -> SelectionProblem:
    if here.text in _CURLY:
        return here.problem(f"{here.text} is a typographic quote", 'use straight quotes: "…"')
    if here.text in "\"'":
        return here.problem("this text does not end", f"close it with {here.text} on the same line")
    instead = _INSTEAD.get(here.text)
    return here.problem(f'"{here.text}" has no meaning here', f'write "{instead}"' if instead else "")
