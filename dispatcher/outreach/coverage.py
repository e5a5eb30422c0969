"""Whom a campaign reached: unique people by group and region, and the households they stand for. Pure sums of cells.

A person counts in each of their groups, so groups add up to more than the people; regions add up exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from dispatcher.audience.groups import GROUPS, Group
from dispatcher.core import region
from dispatcher.core.status import GOOD, Status

#: How far down regions are told, with how many parts a region's key then has.
LEVELS: Final[Mapping[str, int]] = {"city": 2, "kecamatan": 3, "kelurahan": 4, "rw": 5, "rt": 6}
UNKNOWN: Final = ""
_LEFT_OUT: Final = frozenset({"held_out", "skipped"})
_UNCONFIRMED: Final = frozenset({Status.ACCEPTED.value, Status.SENT.value})


class Placed(Protocol):
    """People of one place."""

    @property
    def region(self) -> str: ...
    @property
    def rw(self) -> int | None: ...
    @property
    def rt(self) -> int | None: ...


class Cell(Placed, Protocol):
    """People who are alike; `word`: the best that became of them."""

    @property
    def role(self) -> str: ...
    @property
    def groups(self) -> tuple[str, ...]: ...
    @property
    def word(self) -> str: ...
    @property
    def people(self) -> int: ...


@dataclass(slots=True)
class Coverage:
    """Unique people. `reached`: delivered or read; `unconfirmed`: handed over, and no receipt says more."""

    people: int = 0
    messaged: int = 0
    reached: int = 0
    read: int = 0
    unconfirmed: int = 0
    failed: int = 0
    households: int = 0

    def add(self, cell: Cell, households_each: int) -> None:
        n, word = cell.people, cell.word
        self.people += n
        if word in _LEFT_OUT:
            return
        self.messaged += n
        self.unconfirmed += n * (word in _UNCONFIRMED)
        self.failed += n * (word == Status.FAILED)
        if word in GOOD:
            self.reached += n
            self.read += n * (word == Status.READ)
            self.households += n * households_each

    def as_dict(self) -> dict[str, int]:
        names = ("people", "messaged", "reached", "read", "unconfirmed", "failed")
        return {**{name: getattr(self, name) for name in names}, "households_estimate": self.households}


@dataclass(frozen=True, slots=True)
class Multipliers:
    """How many households a person stands for, by group and role: estimates (see groups.py for their sources).

    `per_role`: numbers of the settings by "role", "group" or "role-group", the last winning; they replace a default,
    and never make a multiplier where there was none. `per_member`: of groups that the settings declare.
    """

    per_role: Mapping[str, int] = field(default_factory=dict)
    per_member: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=lambda: GROUPS)

    def of(self, groups: Iterable[str], role: str) -> int:
        """The most that any of the groups gives."""
        return max((self._of_one(slug, role) for slug in groups), default=0)

    def _of_one(self, slug: str, role: str) -> int:
        if slug in self.per_member:
            return self.per_member[slug]
        group = self.groups.get(slug)
        default = group.households.get(role, 0) if group else 0
        if not default:
            return 0
        named = (self.per_role.get(key) for key in (f"{role}-{slug}", slug, role))
        return next((number for number in named if number is not None), default)


def overall(cells: Iterable[Cell], multipliers: Multipliers) -> Coverage:
    found = Coverage()
    for cell in cells:
        found.add(cell, multipliers.of(cell.groups, cell.role))
    return found


def by_group(cells: Iterable[Cell], multipliers: Multipliers) -> dict[str, Coverage]:
    """Group → coverage, in the order of groups.py, then declared ones; "" holds people of no group.

    The households of a person count in the group that gives them only.
    """
    found: dict[str, Coverage] = {}
    for cell in cells:
        for slug in cell.groups or (UNKNOWN,):
            found.setdefault(slug, Coverage()).add(cell, multipliers.of((slug,), cell.role))
    order = {slug: index for index, slug in enumerate(multipliers.groups)}
    return dict(sorted(found.items(), key=lambda item: (item[0] == UNKNOWN, order.get(item[0], len(order)), item[0])))


@dataclass(frozen=True, slots=True)
class Area:
    """`code`: dotted, with RW and RT behind it ("31.74.05.1003.007.003"); "" where no region is known."""

    code: str
    name: str
    level: str
    coverage: Coverage

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "name": self.name, "level": self.level, **self.coverage.as_dict()}


def by_region(cells: Iterable[Cell], level: str, multipliers: Multipliers) -> list[Area]:
    """Every region from the city down to `level` that has people, each before the regions it contains."""
    found: dict[tuple[str, ...], Coverage] = {}
    for cell in cells:
        households = multipliers.of(cell.groups, cell.role)
        path = path_of(cell)[: LEVELS[level]]
        for depth in range(LEVELS["city"], len(path) + 1) if path else (0,):
            found.setdefault(path[:depth], Coverage()).add(cell, households)
    return [_area(path, coverage) for path, coverage in sorted(found.items(), key=lambda item: item[0] or ("~",))]


def path_of(cell: Placed) -> tuple[str, ...]:
    """Parts of the code, then RW and RT as three digits. An RT without an RW tells nothing, nor does a province."""
    parts = tuple(cell.region.split("."))
    if len(parts) < LEVELS["city"]:
        return ()
    if len(parts) < LEVELS["kelurahan"] or cell.rw is None:
        return parts
    rt = (f"{cell.rt:03}",) if cell.rt is not None else ()
    return (*parts, f"{cell.rw:03}", *rt)


def _area(path: Sequence[str], coverage: Coverage) -> Area:
    level = next((name for name, depth in LEVELS.items() if depth == len(path)), UNKNOWN)
    return Area(".".join(path), area_name(path), level, coverage)


def area_name(path: Sequence[str]) -> str:
    if not path:
        return UNKNOWN
    if len(path) == LEVELS["rw"]:
        return f"RW {path[-1]}"
    if len(path) == LEVELS["rt"]:
        return f"RT {path[-1]} / RW {path[-2]}"
    try:
        return region.name(".".join(path))
    except KeyError:
        return ".".join(path)
