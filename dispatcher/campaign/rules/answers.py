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
    "answer-rsvp": "People are invited to sessions, and no answer says `rsvp:`, so that nobody's place is kept.",
    "code-taken": "The code of a session reads as a keyword, as stop, start or help, or as another session's code.",
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
    yield from _rsvp(context)
    yield from _codes(context)


def _rsvp(context: LintContext) -> Iterator[Diagnostic]:
    campaign = context.campaign
    invites = any(step.sessions for step in campaign.steps)
    if campaign.answers and invites and not any(answer.rsvp for answer in campaign.answers):
        message = "no answer says whether people come: places are not counted, and nobody is put on a waiting list"
        yield context.at(("answers",), "answer-rsvp", "info", message, hint="add `rsvp: yes` and `rsvp: no`", key=True)


def _codes(context: LintContext) -> Iterator[Diagnostic]:
    taken = {normalise(keyword) for answer in context.campaign.answers for keyword in answer.keywords}
    for slug, session in context.campaign.sessions.items():
        said = normalise(session.code or slug)
        if universal_keyword(said) or any(said == other or _is_close(said, other) for other in taken):
            path: Path = ("sessions", slug, "code") if session.code else ("sessions", slug)
            message = f"{said.upper()} does not name this session alone"
            yield context.at(path, "code-taken", "warning", message, hint="give it a `code:` of its own")
        taken.add(said)


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
