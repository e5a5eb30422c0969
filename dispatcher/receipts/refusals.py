"""Sentences that plainly refuse, by a closed vocabulary: one word beyond it, and a person reads the text.

"jangan kirim sms lagi" refuses; "jangan berhenti" and "tidak berhenti" ask for the opposite; "berhenti merokok" speaks
of something else. Not hearing a refusal is bad, silencing someone who asked a question is too.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final

from dispatcher.core.words import LONGEST, normalise, unrepeated

#: May stand around a keyword without changing what it means.
POLITE: Final = frozenset({
    "tolong", "mohon", "please", "pls", "ya", "yaa", "dong", "deh", "aja", "saja", "pak", "bu", "bapak", "ibu", "mas",
    "mbak", "kak", "min", "admin", "terima", "kasih", "terimakasih", "makasih", "trims", "thanks", "thank", "you",
    "maaf", "sorry", "halo", "hai", "sms", "wa", "pesan", "pesannya", "kirim", "saya", "mau", "ingin", "minta",
    "semua", "semuanya",
})  # fmt: skip
#: Stop words that other words may surround. "end" and "cancel" say other things in a sentence.
_STOPS: Final = frozenset({
    "stop", "setop", "unsub", "unsubscribe", "unreg", "berhenti", "berenti", "brenti", "hentikan",
})  # fmt: skip
#: May stand around a phrase that refuses.
_AROUND: Final = POLITE | _STOPS | frozenset({
    "aku", "gue", "gw", "kami", "sy", "anda", "kalian", "nomor", "nomer", "no", "hp", "ini", "itu", "ke", "dari",
    "kepada", "untuk", "lagi", "terus", "sekarang", "sudah", "udah", "cukup", "whatsapp", "info", "informasi",
    "iklan", "promosi", "promo", "spam", "undangan", "pengumuman", "broadcast", "apa", "apapun", "pun", "daftar",
    "seperti", "kayak", "begini", "i", "me", "my", "number", "to", "the", "this", "these", "your", "any", "more",
    "anymore", "again", "texts", "message", "messages", "list", "from", "phone", "all",
    # why someone refuses
    "salah", "sambung", "pindah", "terganggu", "mengganggu", "bosan", "capek", "risih", "karena", "soalnya", "sangat",
    "banget", "sekali", "sering", "mulu", "wrong", "enough",
})  # fmt: skip
_STOP: Final = f"(?:{'|'.join(sorted(_STOPS))})"
_NO: Final = "(?:tidak|tdk|tak|ga|gak|nggak|ngga|enggak|gk)"
_SEND: Final = (
    "(?:(?:me|ng|di)?kirimi?(?:kan|in)?|(?:me)?ngirim(?:i|in|kan)?|sms|wa|whatsapp|chat|hubungi|menghubungi|ganggu|spam"
    "|send(?:ing)?|text(?:ing)?|messag(?:e|ing)|contact(?:ing)?)"
)
#: Refuse wherever they stand, if nothing beyond `_AROUND` stands beside them.
_PHRASES: Final = tuple(
    re.compile(rf"\b{phrase}\b")
    for phrase in (
        rf"(?:jangan|jgn|{_NO} usah|gausah|{_NO} perlu) (?:pernah )?(?:{_SEND}|kontak|telepon) .*?"
        "(?:lagi|saya|aku|kami|ini|sms|wa|pesan|spam)",
        rf"{_STOP} {_SEND}",
        rf"{_NO} (?:mau|ingin|bersedia|perlu|butuh) (?:lagi )?(?:terima|menerima|nerima|dapat|dikirimi?|dihubungi)",
        "(?:hapus|hilangkan|keluarkan) (?:nomor|nomer|no)(?: hp)? (?:saya|aku|kami|ini)",
        "(?:batal|batalkan|berhenti|stop|akhiri) (?:ber)?langganan",
        f"(?:do not|dont|don t|never) {_SEND} me",
        "(?:do not|dont|don t) want (?:to )?(?:receive|get)(?: any| these| more| your)* (?:sms|texts?|messages?)",
        "(?:remove|unsubscribe) (?:me|my number|this number)|take me off|opt me out|no more (?:sms|texts?|messages?)",
    )
)
_DENIED: Final = re.compile(
    rf"\b(?:{_NO}|jangan|jgn|bukan|belum|blm|tanpa|no|not|never|dont|don t|cannot|can t)"
    rf" (?:(?:pernah|akan|mau|ingin|usah|perlu|bisa|boleh|sampai|dulu|to|want) )*{_STOP}\b"
)


#: Words of the phrases themselves.
_INSIDE: Final = frozenset({
    "usah", "perlu", "pernah", "kirim", "kirimi", "kirimkan", "kirimin", "mengirim", "mengirimi", "hubungi",
    "menghubungi", "ganggu", "chat", "kontak", "telepon", "terima", "menerima", "nerima", "dapat", "dikirim",
    "dikirimi", "dihubungi", "want", "receive", "get", "send", "sending", "text", "texting", "messaging", "contact",
    "contacting", "off", "out",
})  # fmt: skip
#: "jangan hubungi bapak saya" may speak of a father.
_PEOPLE: Final = frozenset({"pak", "bu", "bapak", "ibu", "mas", "mbak", "kak", "admin"})


def is_plain_refusal(text: str, keywords: Set[str] = frozenset()) -> bool:
    """Whether a text refuses all further messages. `keywords`: of the campaign, normalised; beside them a stop wins."""
    if "?" in text or len(text) > LONGEST:
        return False
    said = normalise(text)
    if _DENIED.search(said):
        return False
    return _is_stop_among(said.split(), POLITE | keywords) or any(_refuses(said, phrase) for phrase in _PHRASES)


def _is_stop_among(words: list[str], others: Set[str]) -> bool:
    """ "tolong stop ya pak": one stop word, and nothing beside it but politeness and keywords."""
    rest = [word for word in words if word not in _STOPS and unrepeated(word) not in _STOPS]
    return len(words) - len(rest) == 1 and others >= set(rest)


def _refuses(said: str, phrase: re.Pattern[str]) -> bool:
    found = phrase.search(said)
    if found is None:
        return False
    beside = [*said[: found.start()].split(), *said[found.end() :].split()]
    within = found[0].split()[2:]
    return set(beside) <= _AROUND and set(within) <= (_AROUND - _PEOPLE) | _INSIDE
