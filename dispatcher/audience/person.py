"""What targeting can know about a person: no name, no number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of one campaign for a person."""

    answer: str | None = None
    """The meaning of their answer."""

    delivered: bool = False
    """A message of it was delivered or read."""


@dataclass(frozen=True, slots=True)
class Person:
    """Empty text and None where something is not known. `campaigns` by slug; none for one that never met them."""

    language: str = ""
    role: str = ""
    salutation: str = ""
    region: str = ""
    rw: int | None = None
    rt: int | None = None
    birth_year: int | None = None
    groups: frozenset[str] = frozenset()
    attributes: Mapping[str, object] = field(default_factory=dict)
    campaigns: Mapping[str, Standing] = field(default_factory=dict)
    rsvps: Mapping[str, str] = field(default_factory=dict)
    """Session → yes, no or waiting."""
