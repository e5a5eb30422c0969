"""Keywords that people reply with can be told apart, and never mean stop, start or help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dispatcher.campaign.context import LintContext
from dispatcher.campaign.positions import Path
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.universal import Word, universal_keyword
from dispatcher.core.words import is_one_slip, normalise, unrepeated

CODES: Final = {
    "answer-stop": "A keyword of `answers:` already means stop, start or help, or is one slip away from it.",
    "answer-twice": "Two answers share a keyword.",
    "answer-close": "Keywords of two answers are one slip apart, so that no slip in them is forgiven.",
    "answer-empty": "A keyword has no letters or digits, so that nothing matches it.",
}
_SAYS: Final[dict[Word, str]] = {"stop": "stop", "start": "start again", "help": "help"}


def check(context: LintContext) -> Iterator[Diagnostic]:
    seen: dict[str, str] = {}
    for index, answer in enumerate(context.campaign.answers):
        for place, keyword in enumerate(answer.keywords):
            path = ("answers", index, "keywords", place)
            yield from _keyword(context, path, keyword, answer.meaning, seen)
            seen.setdefault(normalise(keyword), answer.meaning)


def _keyword(
    context: LintContext, path: Path, keyword: str, meaning: str, seen: dict[str, str]
) -> Iterator[Diagnostic]:
    said, shown = normalise(keyword), keyword.strip().upper()
    word = universal_keyword(said)
    if not said:
        message = f"{shown or 'this'} has no letters or digits: no reply can match it"
        yield context.at(path, "answer-empty", "error", message, hint="write a word")
    elif word:
        message = f"{shown} always reads as “{_SAYS[word]}”, whatever an answer says"
        yield context.at(path, "answer-stop", "error", message, hint="choose another word")
    elif said in seen:
        yield context.at(path, "answer-twice", "error", f"{shown} already means something else")
    elif close := next((other for other in seen if seen[other] != meaning and _is_close(said, other)), None):
        message = f"{shown} and {close.upper()} are a slip of the keyboard apart"
        hint = "choose words that differ more; until then no slip in these two is forgiven"
        yield context.at(path, "answer-close", "warning", message, hint=hint)


def _is_close(one: str, other: str) -> bool:
    return is_one_slip(one, other) or unrepeated(one) == unrepeated(other)
