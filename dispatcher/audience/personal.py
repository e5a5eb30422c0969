"""Cells about a person that come in a few spellings each: language, salutation, gender, time zone."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from dispatcher.audience.groups import words
from dispatcher.audience.values import parse_date

Gender = Literal["male", "female"]

_LANGUAGES: Final = {
    "id": ("id", "ind", "in", "indonesia", "bahasa indonesia", "indonesian", "bahasa"),
    "en": ("en", "eng", "inggris", "bahasa inggris", "english"),
}
_LANGUAGE_BY_WORD: Final = {word: code for code, spellings in _LANGUAGES.items() for word in spellings}
_SALUTATIONS: Final = {
    "Bapak": ("bapak", "bpk", "pak", "bp", "tuan", "tn", "mr", "sir"),
    "Ibu": ("ibu", "bu", "nyonya", "ny", "mrs", "madam"),
    "Saudara": ("saudara", "sdr"),
    "Saudari": ("saudari", "sdri", "nona", "nn", "ms", "miss"),
    "Kakak": ("kakak", "kak"),
}
_SALUTATION_BY_WORD: Final = {word: form for form, spellings in _SALUTATIONS.items() for word in spellings}
_GENDERS: Final[dict[Gender, frozenset[str]]] = {
    "male": frozenset({"l", "lk", "laki laki", "laki", "pria", "m", "male", "man"}),
    "female": frozenset({"p", "pr", "perempuan", "wanita", "f", "female", "woman"}),
}
_ZONES: Final = {"wib": "Asia/Jakarta", "wita": "Asia/Makassar", "wit": "Asia/Jayapura"}
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")
_OLDEST: Final = 120
#: Groups whose members are addressed as young people.
_YOUNG: Final = frozenset({"pelajar", "mahasiswa", "pemilih-pemula"})


@lru_cache(maxsize=1024)
def read_language(text: str) -> str:
    """An ISO 639 code, or ""."""
    plain = words(text)
    head = plain.partition(" ")[0]
    return _LANGUAGE_BY_WORD.get(plain) or (head if _LANGUAGE_CODE.fullmatch(head) else "")


@lru_cache(maxsize=1024)
def read_salutation(text: str) -> str:
    """ "Bpk." → "Bapak"; others as they are written, capitalised."""
    return _SALUTATION_BY_WORD.get(words(text)) or text.strip(" .").title()[:20]


@lru_cache(maxsize=1024)
def read_gender(text: str) -> Gender | None:
    plain = words(text)
    return next((gender for gender, spellings in _GENDERS.items() if plain in spellings), None)


def salutation_for(gender: Gender, groups: tuple[str, ...], age: int | None) -> str:
    young = not _YOUNG.isdisjoint(groups) if age is None else age < 25
    if gender == "male":
        return "Saudara" if young else "Bapak"
    return "Saudari" if young else "Ibu"


@lru_cache(maxsize=1024)
def read_zone(text: str) -> str | None:
    """WIB, WITA, WIT or the name of a zone, such as Asia/Jakarta."""
    name = _ZONES.get(text.strip().lower(), text.strip())
    try:
        return ZoneInfo(name).key if "/" in name else None
    except (KeyError, ValueError, OSError):
        return None


@lru_cache(maxsize=65536)
def read_birth_date(text: str, today: date) -> date | None:
    """ "10-02-2005" or "Jakarta, 10 Februari 2005"; None for a date that no living person has."""
    found = parse_date(text.rpartition(",")[2], today)
    return found if found and found <= today and today.year - found.year <= _OLDEST else None


def age_on(today: date, born: date) -> int:
    """Whole years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
