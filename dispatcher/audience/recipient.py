"""A person as deciding and writing need them: everything opened, for one batch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from dispatcher.core.media import Media

ANY = "*"
_BOTH: Final[tuple[Media, ...]] = ("sms", "whatsapp")
_MEDIA: Final[dict[str, tuple[Media, ...]]] = {"any": _BOTH, "sms": _BOTH[:1], "whatsapp": _BOTH[1:]}


def media_of(kept: str) -> tuple[Media, ...]:
    """The media that a number serves; most serve both and are kept once, as "any"."""
    return _MEDIA[kept]


class Point(NamedTuple):
    """A number on a medium, still sealed: only the one that is used gets opened. Lower `rank` first."""

    id: int
    media: Media
    rank: int
    address_hash: bytes
    address_sealed: bytes
    country: str


@dataclass(slots=True)
class Recipient:
    """`consents`: (purpose or *, medium or *) → granted. `refused`: number's hash → purposes (or *)."""

    id: int
    name: str = ""
    salutation: str = ""
    language: str = ""
    region: str = ""
    rw: int | None = None
    rt: int | None = None
    role: str = ""
    zone: str = ""
    synthetic: bool = False
    attributes: Mapping[str, object] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    consents: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    refused: Mapping[bytes, frozenset[str]] = field(default_factory=dict)
    adult_on: date | None = None
    """Of people imported as minors (audience/minors.py)."""
