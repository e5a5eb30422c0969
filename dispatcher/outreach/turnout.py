"""Who came to a session: by group, region and step. Pure sums of cells, apart from the funnel (invariant 11).

A person counts in each of their groups, so groups add up to more than the people; regions add up exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dispatcher.audience.groups import GROUPS, Group
from dispatcher.outreach.coverage import LEVELS, UNKNOWN, area_name, path_of


class TurnoutCell(NamedTuple):
    """People who are alike. `is_invited`: by this campaign; `rsvp`: yes, waiting, no or "" (or a word of the file)."""

    region: str
    rw: int | None
    rt: int | None
    role: str
    groups: tuple[str, ...]
    is_invited: bool
    rsvp: str
    came: bool
    people: int


@dataclass(slots=True)
class Turnout:
    """`came`: of those invited; `uninvited`: others on record who came; `guests`: counted only."""

    invited: int = 0
    said_yes: int = 0
    waiting: int = 0
    declined: int = 0
    came: int = 0
    uninvited: int = 0
    guests: int = 0
    _absent: int = 0
    _has_begun: bool = True

    def add(self, cell: TurnoutCell) -> None:
        n = cell.people
        self.invited += n * cell.is_invited
        self.said_yes += n * (cell.rsvp == "yes")
        self.waiting += n * (cell.rsvp == "waiting")
        self.declined += n * (cell.rsvp == "no")
        self.came += n * (cell.came and cell.is_invited)
        self.uninvited += n * (cell.came and not cell.is_invited)
        self._absent += n * (cell.rsvp == "yes" and not cell.came)

    @property
    def present(self) -> int:
        return self.came + self.uninvited + self.guests

    @property
    def no_show(self) -> int | None:
        """Said yes and did not come; None before the session begins."""
        return self._absent if self._has_begun else None

    def as_dict(self) -> dict[str, int | None]:
        names = ("invited", "said_yes", "waiting", "declined", "came", "uninvited", "guests", "present", "no_show")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Turnouts:
    """One session's. `guests`: by group, "" where that is not known."""

    cells: Sequence[TurnoutCell]
    guests: Mapping[str, int]
    has_begun: bool
    groups: Mapping[str, Group] = field(default_factory=lambda: GROUPS)

    def _new(self) -> Turnout:
        return Turnout(_has_begun=self.has_begun)

    def overall(self) -> Turnout:
        found = self._new()
        for cell in self.cells:
            found.add(cell)
        found.guests = sum(self.guests.values())
        return found

    def by_group(self) -> dict[str, Turnout]:
        """In the order of groups.py, then declared ones; "" holds people of no group."""
        found: dict[str, Turnout] = {}
        for cell in self.cells:
            for slug in cell.groups or (UNKNOWN,):
                found.setdefault(slug, self._new()).add(cell)
        for slug, people in self.guests.items():
            found.setdefault(slug, self._new()).guests += people
        order = {slug: index for index, slug in enumerate(self.groups)}
        return dict(
            sorted(found.items(), key=lambda item: (item[0] == UNKNOWN, order.get(item[0], len(order)), item[0]))
        )

    def by_region(self, level: str) -> list[dict[str, Any]]:
        """Every region from the city down to `level`, each before those it contains; guests are of no region."""
        found: dict[tuple[str, ...], Turnout] = {}
        for cell in self.cells:
            for path in _paths(path_of(cell)[: LEVELS[level]]):
                found.setdefault(path, self._new()).add(cell)
        if self.guests:
            found.setdefault((), self._new()).guests += sum(self.guests.values())
        return [_area(path, turnout) for path, turnout in sorted(found.items(), key=lambda item: item[0] or ("~",))]


def _paths(path: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    return (path[:depth] for depth in range(LEVELS["city"], len(path) + 1)) if path else ((),)


def _area(path: tuple[str, ...], turnout: Turnout) -> dict[str, Any]:
    level = next((name for name, depth in LEVELS.items() if depth == len(path)), UNKNOWN)
    return {"code": ".".join(path), "name": area_name(path), "level": level, **turnout.as_dict()}
