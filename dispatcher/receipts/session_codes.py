"""Which session a reply names: `HADIR PUSAT`, `PUSAT HADIR`, or the code alone, with the tolerance of keywords."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from dispatcher.core.words import normalise
from dispatcher.receipts.keywords import Answers, campaign_answer

_MOST_WORDS: Final = 8


class Named(NamedTuple):
    """`meaning` "": the code stands alone."""

    session: str
    meaning: str


def code_of(slug: str, code: str) -> str:
    """As people are told it: the session's own, else its name."""
    return code or slug.upper()


def named_session(text: str, answers: Answers, codes: Mapping[str, str]) -> Named | None:
    """`codes`: session → code, of those that the person was invited to. None where none, or more than one, is named."""
    words = normalise(text).split()
    if not codes or len(words) > _MOST_WORDS:
        return None
    choices = {session: (code,) for session, code in codes.items()}
    for keyword, code in _splits(words):
        session = campaign_answer(code, choices)
        meaning = campaign_answer(keyword, answers) if keyword else ""
        if session is not None and meaning is not None:
            return Named(session, meaning)
    return None


def _splits(words: list[str]) -> Iterator[tuple[str, str]]:
    """(keyword, code): the code alone first, then a code behind a keyword, then one before it."""
    yield "", " ".join(words)
    for index in range(1, len(words)):
        yield " ".join(words[:index]), " ".join(words[index:])
    for index in range(1, len(words)):
        yield " ".join(words[index:]), " ".join(words[:index])
