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
        "stop", "stop sms", "stop wa", "stop whatsapp", "stop pesan", "stopall", "stop all", "berhenti", "henti",
        "unsub", "unsubscribe", "unreg", "batal", "batal langganan", "berhenti langganan",
        "berhenti berlangganan", "batalkan",
        "jangan kirim lagi", "jangan hubungi lagi", "cancel", "quit", "end", "opt out", "optout",
    }),
    "start": frozenset({"start", "mulai", "unstop", "langganan", "lanjut"}),
    "help": frozenset({"help", "bantuan", "tolong", "info", "bantu"}),
}  # fmt: skip
#: Words that may stand around STOP without changing what it means.
_POLITE: Final = frozenset({
    "tolong", "mohon", "please", "pls", "ya", "yaa", "dong", "deh", "aja", "saja", "pak", "bu", "bapak", "ibu", "mas",
    "mbak", "kak", "min", "admin", "terima", "kasih", "makasih", "trims", "thanks", "thank", "you", "sms", "wa",
    "pesan", "pesannya", "kirim", "saya", "mau", "ingin", "minta",
})  # fmt: skip
_NOT_WORDS: Final = re.compile(r"[^\w\s]|_", re.UNICODE)


def normalise(text: str) -> str:
    """Lower case, without punctuation, symbols and doubled spaces; full-width letters as plain ones."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c for c in plain if unicodedata.category(c)[0] not in "CSM" or c.isspace())
    return " ".join(_NOT_WORDS.sub(" ", kept).split())


def universal_word(text: str) -> Word | None:
    """STOP, MULAI, BANTUAN and their kin, in both languages; None for anything else."""
    said = normalise(text)
    for word, spellings in _KEYWORDS.items():
        if said in spellings:
            return word
    return "stop" if _is_polite_stop(said) else None


def _is_polite_stop(said: str) -> bool:
    """ "tolong stop ya pak": one stop word, and nothing but politeness around it."""
    words = said.split()
    single = {s for s in _KEYWORDS["stop"] if " " not in s} - {"end", "cancel", "quit"}
    stops = [word for word in words if word in single]
    return 0 < len(words) <= 6 and len(stops) == 1 and all(w in _POLITE for w in words if w not in single)


def campaign_answer(text: str, answers: Mapping[str, Iterable[str]]) -> str | None:
    """The meaning of a campaign's own keyword. `answers`: meaning → keywords. One slip of the keyboard is forgiven."""
    said = normalise(text)
    wanted = {normalise(keyword): meaning for meaning, keywords in answers.items() for keyword in keywords}
    if said in wanted:
        return wanted[said]
    trimmed = " ".join(word for word in said.split() if word not in _POLITE)
    if trimmed in wanted:
        return wanted[trimmed]
    close = {meaning for keyword, meaning in wanted.items() if _is_one_slip(trimmed, keyword)}
    return close.pop() if len(close) == 1 else None


def _is_one_slip(said: str, keyword: str) -> bool:
    """One letter wrong, missing, doubled or swapped, in a word long enough for that to be no other word."""
    if len(keyword) < 5 or abs(len(said) - len(keyword)) > 1 or " " in said:
        return False
    if len(said) == len(keyword):
        differing = [i for i in range(len(said)) if said[i] != keyword[i]]
        swapped = len(differing) == 2 and differing[1] == differing[0] + 1
        return len(differing) == 1 or (
            swapped and said[differing[0]] == keyword[differing[1]] and said[differing[1]] == keyword[differing[0]]
        )
    longer, shorter = (said, keyword) if len(said) > len(keyword) else (keyword, said)
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))
