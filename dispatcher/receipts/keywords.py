"""What a short reply means: stop, start, help, or one of the campaign's own answers.

A whole message counts, not a word in a sentence: "jangan berhenti" stops nothing. STOP is recognised a little more
widely (a keyword with polite words around it), because not hearing a refusal is worse than hearing one too many.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final, Literal

Word = Literal["stop", "start", "help"]

_KEYWORDS: Final[dict[Word, frozenset[str]]] = {
    "stop": frozenset({
        "stop", "stop all", "stopall", "stop sms", "stop wa", "stop whatsapp", "stop pesan", "opt out", "optout",
        "unsub", "unsubscribe", "unreg", "cancel", "quit", "end",
        "berhenti", "berenti", "brenti", "henti", "hentikan", "berhenti langganan", "berhenti berlangganan",
        "batal langganan", "batal berlangganan", "batalkan langganan",
        "jangan kirim lagi", "jangan sms lagi", "jangan wa lagi", "jangan hubungi lagi", "jangan hubungi saya lagi",
    }),
    "start": frozenset({
        "start", "unstop", "subscribe", "mulai", "mulai lagi", "mulai langganan", "langganan", "langganan lagi",
        "berlangganan", "berlangganan lagi", "lanjut",
    }),
    "help": frozenset({"help", "bantuan", "bantu", "tolong", "info"}),
}  # fmt: skip
#: Stop words that a polite sentence may surround. "end" and "cancel" say other things in a sentence.
_PLAIN_STOPS: Final = frozenset({
    "stop", "unsub", "unsubscribe", "unreg", "berhenti", "berenti", "brenti", "hentikan",
})  # fmt: skip
#: Words that may stand around a keyword without changing what it means.
_POLITE: Final = frozenset({
    "tolong", "mohon", "please", "pls", "ya", "yaa", "dong", "deh", "aja", "saja", "pak", "bu", "bapak", "ibu", "mas",
    "mbak", "kak", "min", "admin", "terima", "kasih", "terimakasih", "makasih", "trims", "thanks", "thank", "you",
    "sms", "wa", "pesan", "pesannya", "kirim", "saya", "mau", "ingin", "minta",
})  # fmt: skip
_LONGEST = 160
_NOT_WORDS: Final = re.compile(r"[^\w\s]|_")
_RUN: Final = re.compile(r"(.)\1+")


def normalise(text: str) -> str:
    """Lower case, without punctuation, symbols and doubled spaces; full-width and other fancy letters as plain ones.

    "" for a text that is too long to be a keyword.
    """
    if len(text) > _LONGEST:
        return ""
    plain = unicodedata.normalize("NFKC", text).casefold()
    visible = "".join(c for c in plain if c.isspace() or unicodedata.category(c)[0] not in "CM")
    words = _NOT_WORDS.sub(" ", visible).split()
    is_spelled_out = len(words) > 2 and all(len(word) == 1 for word in words)
    return ("" if is_spelled_out else " ").join(words)


def universal_word(text: str) -> Word | None:
    """STOP, MULAI, BANTUAN and their kin, in both languages; None for anything else."""
    said = normalise(text)
    for word, spellings in _KEYWORDS.items():
        if said in spellings or _RUN.sub(r"\1", said) in spellings:
            return word
    return "stop" if "?" not in text and _is_polite_stop(said) else None


def _is_polite_stop(said: str) -> bool:
    """ "tolong stop ya pak": one stop word, and nothing but politeness around it."""
    words = said.split()
    others = [word for word in words if word not in _PLAIN_STOPS]
    return len(words) <= 6 and len(words) - len(others) == 1 and _POLITE.issuperset(others)


def campaign_answer(text: str, answers: Mapping[str, Iterable[str]]) -> str | None:
    """The meaning of a campaign's own keyword. `answers`: meaning → keywords. One slip of the keyboard is forgiven."""
    said = normalise(text)
    wanted = {normalise(keyword): meaning for meaning, keywords in answers.items() for keyword in keywords}
    trimmed = " ".join(word for word in said.split() if word not in _POLITE)
    for spelling in filter(None, (said, trimmed)):
        if spelling in wanted:
            return wanted[spelling]
    close = {meaning for keyword, meaning in wanted.items() if _is_one_slip(trimmed, keyword)}
    return close.pop() if len(close) == 1 else None


def _is_one_slip(said: str, keyword: str) -> bool:
    """One letter wrong, missing, too many or swapped, in a word long enough for that to be no other word.

    Never where there are digits: KELAS1 and KELAS2 are two sessions.
    """
    if len(keyword) < 5 or abs(len(said) - len(keyword)) > 1 or not (said.isalpha() and keyword.isalpha()):
        return False
    if len(said) == len(keyword):
        differing = [i for i in range(len(said)) if said[i] != keyword[i]]
        swapped = len(differing) == 2 and differing[1] == differing[0] + 1
        return len(differing) == 1 or (
            swapped and said[differing[0]] == keyword[differing[1]] and said[differing[1]] == keyword[differing[0]]
        )
    longer, shorter = (said, keyword) if len(said) > len(keyword) else (keyword, said)
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))
