"""Words that mean the same in every campaign, in both languages: stop, start, help."""

from __future__ import annotations

from typing import Final, Literal

from dispatcher.core.words import is_one_slip, unrepeated

Word = Literal["stop", "start", "help"]

KEYWORDS: Final[dict[Word, frozenset[str]]] = {
    "stop": frozenset({
        "stop", "setop", "stop all", "stopall", "stop sms", "stop wa", "stop whatsapp", "stop pesan", "opt out",
        "optout", "unsub", "unsubscribe", "unreg", "cancel", "quit", "end",
        "berhenti", "berenti", "brenti", "henti", "hentikan", "berhenti langganan", "berhenti berlangganan",
        "batal langganan", "batal berlangganan", "batalkan langganan",
    }),
    "start": frozenset({
        "start", "unstop", "subscribe", "mulai", "mulai lagi", "mulai langganan", "langganan", "langganan lagi",
        "berlangganan", "berlangganan lagi", "lanjut",
    }),
    "help": frozenset({"help", "help me", "bantuan", "bantu", "tolong", "info"}),
}  # fmt: skip
#: In which one slip is forgiven. Not "henti" (Heni is a name) and not "cancel" (cancer).
_FORGIVING: Final[dict[Word, tuple[str, ...]]] = {
    "stop": ("berhenti", "berenti", "hentikan", "unsubscribe", "unsub"),
    "start": ("mulai", "subscribe", "berlangganan"),
    "help": ("bantuan",),
}
#: Words of their own that are a slip away from a keyword.
_OTHER_WORDS: Final = frozenset({"unsur", "mulia", "mula", "mulas", "mulut", "malai", "hentakan", "gulai"})


def universal_keyword(said: str) -> Word | None:
    """What a normalised text means that is nothing but such a word, with a repeated letter or a slip at most."""
    for word, spellings in KEYWORDS.items():
        if said in spellings or unrepeated(said) in spellings:
            return word
    if said in _OTHER_WORDS:
        return None
    for word, forgiving in _FORGIVING.items():
        if any(is_one_slip(said, keyword) for keyword in forgiving):
            return word
    return None
