"""What a short reply means: stop, start, help, or one of the campaign's own answers.

A whole message counts, not a word in a sentence. A refusal is heard a little more widely (refusals.py), because not
hearing one is worse than hearing one too many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from dispatcher.core.universal import KEYWORDS, Word, universal_keyword
from dispatcher.core.words import is_one_slip, normalise, unrepeated
from dispatcher.receipts.refusals import POLITE, is_plain_refusal

#: Keywords that turn a stop word beside them into its opposite.
_TURNING: Final = frozenset({"tidak", "tdk", "tak", "gak", "ga", "nggak", "jangan", "bukan", "belum", "no", "not"})
_UNIVERSAL: Final = KEYWORDS["start"] | KEYWORDS["help"]

Answers = Mapping[str, Iterable[str]]
"""Meaning → keywords."""


def universal_word(text: str, answers: Iterable[Answers] = ()) -> Word | None:
    """STOP, MULAI, BANTUAN and their kin, in both languages; None for anything else.

    `answers`: of the campaigns that it may answer. Beside any of their keywords, a stop wins.
    """
    said = normalise(text)
    word = universal_keyword(said)
    if word:
        return word
    # "minta bantuan ya pak": both wait for a person
    asked = universal_keyword(_without_politeness(said))
    if asked in ("start", "help"):
        return asked
    keywords = {normalise(keyword) for each in answers for words in each.values() for keyword in words}
    return "stop" if is_plain_refusal(text, (keywords | _UNIVERSAL) - _TURNING) else None


def campaign_answer(text: str, answers: Answers) -> str | None:
    """The meaning of a campaign's own keyword; None where there is none, or where two answers are named."""
    said = normalise(text)
    wanted = {normalise(keyword): meaning for meaning, keywords in answers.items() for keyword in keywords}
    wanted.pop("", None)
    trimmed = _without_politeness(said, wanted)
    words = trimmed.split()
    for spelling in (said, trimmed):
        if spelling in wanted:
            return wanted[spelling]
    named = [wanted[word] for word in words if word in wanted]
    if len(named) > 1 and len(named) == len(words):
        return _only(named) or None
    return (
        _only(meaning for keyword, meaning in wanted.items() if _is_same(said, trimmed, keyword))
        or _only(meaning for keyword, meaning in _forgiving(wanted).items() if is_one_slip(trimmed, keyword))
        or None
    )


def _without_politeness(said: str, keywords: Iterable[str] = ()) -> str:
    """A polite word that is a keyword counts where it comes first: "ya pak" answers, "terima kasih ya" does not."""
    words = said.split()
    first = words[:1] if words and words[0] in keywords else []
    return " ".join([*first, *(word for word in words[len(first) :] if word not in POLITE)])


def _is_same(said: str, trimmed: str, keyword: str) -> bool:
    """But for repeated letters; or for the space in a session's code: "kelas 1"."""
    if unrepeated(keyword) in (unrepeated(said), unrepeated(trimmed)):
        return True
    has_digit = any(c.isdigit() for c in keyword)
    return has_digit and keyword.replace(" ", "") in (said.replace(" ", ""), trimmed.replace(" ", ""))


def _forgiving(wanted: Mapping[str, str]) -> dict[str, str]:
    """Without keywords that are a slip away from another answer: lint tells of them."""
    return {
        keyword: meaning
        for keyword, meaning in wanted.items()
        if not any(meaning != other and is_one_slip(keyword, word) for word, other in wanted.items())
    }


def _only(meanings: Iterable[str]) -> str:
    """ "" for none, and for more than one."""
    found = set(meanings)
    return found.pop() if len(found) == 1 else ""
