"""Names of people as one writes them in Indonesia: titles before, degrees behind, `bin` and `binti` within."""

from __future__ import annotations

import re
from functools import lru_cache

#: Before the name; not part of how one greets a person. Keys are in lower case without dots.
HONORIFICS = {
    "h": "H", "hj": "Hj", "kh": "KH", "dr": "Dr", "drs": "Drs", "dra": "Dra", "drg": "drg", "drh": "drh", "ir": "Ir",
    "prof": "Prof", "st": "St", "r": "R", "rr": "Rr", "rm": "RM", "tn": "Tn", "ny": "Ny", "nn": "Nn", "sdr": "Sdr",
    "sdri": "Sdri", "bpk": "Bpk", "ust": "Ust", "pdt": "Pdt",
}  # fmt: skip

_DEGREES = (
    "S.H", "S.E", "S.T", "S.S", "S.Si", "S.Sos", "S.Pd", "S.Pd.I", "S.Ag", "S.Kom", "S.Ked", "S.Kep", "S.Ak", "S.IP",
    "S.I.Kom", "S.AP", "S.Th.I", "S.H.I", "S.E.I", "S.Psi", "S.KM", "S.Tr", "S.Sn", "S.Hum", "S.P", "S.Pt", "S.Farm",
    "M.H", "M.M", "M.E", "M.T", "M.A", "M.Si", "M.Pd", "M.Pd.I", "M.Ag", "M.Kom", "M.Kes", "M.AP", "M.IP", "M.Hum",
    "M.Kn", "M.I.Kom", "M.Sc", "M.Ak", "M.Psi", "M.P", "M.Sn", "A.Md", "A.Md.Keb", "A.Md.Kep", "Ph.D", "Sp.A", "Sp.PD",
    "Sp.OG", "Sp.B", "Lc", "MBA", "MPA", "SH", "SE", "ST", "SKM", "MM", "MH", "Ns", "Apt",
)  # fmt: skip
_AS_WRITTEN = {degree.lower(): degree for degree in _DEGREES} | {
    "drg": "drg", "bin": "bin", "binti": "binti", "alias": "alias", "kh": "KH",
}  # fmt: skip
_ROMAN = frozenset({"ii", "iii", "iv", "vi", "vii", "viii", "ix"})
_COMPOUND = frozenset({"abdul", "abd", "abdur", "abdus", "nur"})  # half a name: "Abdul Rahman", "Nur Aini"
_BIRTH_ORDER_ARTICLES = frozenset({"i", "ni"})  # Balinese "I Made", "Ni Luh"
_PART = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def proper(name: str) -> str:
    """Spaces collapsed and capitals set; a word in mixed case stays as its owner writes it."""
    shouted = name.isupper() or name.islower()
    return " ".join([_proper_word(word, shouted) for word in name.split()])


def given(name: str) -> str:
    """The name to greet with: without titles, degrees and initials. The whole name where nothing else is left."""
    words = proper(name).split(",")[0].split()
    while len(words) > 1 and _is_prefix(words[0]):
        words.pop(0)
    if not words:
        return ""
    if len(words) > 1 and words[0].lower() in _COMPOUND:
        return " ".join(words[:2])
    return words[0]


@lru_cache(maxsize=32768)
def _is_prefix(word: str) -> bool:
    bare = word.rstrip(".").lower()
    if bare in HONORIFICS and (word.endswith(".") or bare not in {"st", "r"}):
        return True
    initials = len(bare) == 1 or "." in bare
    return initials or bare in _BIRTH_ORDER_ARTICLES or (word.endswith(".") and bare in {"moh", "muh", "mohd", "muhd"})


@lru_cache(maxsize=32768)  # files hold the same few thousand words again and again
def _proper_word(word: str, shouted: bool) -> str:
    bare = word.strip(".,").lower()
    tail = word[len(word.rstrip(".,")) :]
    if bare == "dr" and word.startswith("dr") and not shouted:
        return word  # a physician; "Dr." is a doctor of anything
    if bare in _AS_WRITTEN and (shouted or "." in word or bare in {"bin", "binti"}):
        return _AS_WRITTEN[bare] + tail
    if bare in HONORIFICS and ("." in word or (shouted and bare in {"hj", "drs", "dra"})):
        return HONORIFICS[bare] + tail
    if bare in _ROMAN:
        return word.upper()
    if "." in bare and all(len(part) == 1 for part in bare.split(".")):
        return word.upper()
    return _PART.sub(lambda match: _capital(match[0], shouted), word)


def _capital(part: str, shouted: bool) -> str:
    if not shouted and not part.isupper() and not part.islower():
        return part
    if len(part) > 2 and part[1] in "'’":
        return part[0].upper() + part[1] + part[2:].capitalize()
    return part.capitalize() if shouted or part.islower() or len(part) > 3 else part
