"""Where each value of a YAML file stands, so that a finding can point at it. Lines and columns count from 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Path = tuple[str | int, ...]
Style = Literal["plain", "quoted", "literal", "folded"]


@dataclass(frozen=True, slots=True)
class Place:
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as written. `indent` is the column at which the lines of a block scalar begin."""

    place: Place
    style: Style
    raw: str
    indent: int = 1


@dataclass(slots=True)
class Positions:
    """Places of keys and values by path, e.g. `("steps", 0, "text", "id")`."""

    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    scalars: dict[Path, Scalar] = field(default_factory=dict)

    def nearest(self, path: Path) -> Path:
        """The path itself, or its nearest ancestor that was written in the file."""
        while path and path not in self.values:
            path = path[:-1]
        return path

    def position_of(self, path: Path) -> tuple[int, int]:
        """Line and column of a value, or of its nearest ancestor; (0, 0) for an empty file."""
        near = self.nearest(path)
        place = self.values.get(near) if near == path else self.keys.get(near, self.values.get(near))
        return (place.line, place.column) if place else (0, 0)

    def position_of_key(self, path: Path) -> tuple[int, int]:
        place = self.keys.get(path)
        return (place.line, place.column) if place else self.position_of(path)

    def inside(self, path: Path, line: int, column: int = 1) -> tuple[int, int]:
        """The place in the file of a line and column of a text, counted from 1.

        Exact for literal blocks (`|`) and for the first line of others; the text's own place elsewhere.
        """
        scalar = self.scalars.get(path)
        if scalar is None:
            return self.position_of(path)
        if scalar.style == "literal":
            return scalar.place.line + line, scalar.indent + column - 1
        if line == 1 and scalar.style in ("plain", "quoted"):
            return scalar.place.line, scalar.place.column + column - 1 + (scalar.style == "quoted")
        return scalar.place.line, scalar.place.column

    def plain(self) -> Iterator[tuple[Path, Scalar]]:
        """Values written without quotes."""
        return ((path, scalar) for path, scalar in self.scalars.items() if scalar.style == "plain")
