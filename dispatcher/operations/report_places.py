"""The groups and regions of a report: who was reached there, who opened their page, what they answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatcher.outreach.coverage import Coverage, Multipliers, by_group, by_region
from dispatcher.store.placed import PeopleCell

_Count = Callable[[Sequence[PeopleCell]], Mapping[str, Coverage]]


@dataclass(frozen=True, slots=True)
class Places:
    """`answered`: people by what they answered, which is the word of their cells. `label`: a group's."""

    cells: Sequence[PeopleCell]
    visited: Sequence[PeopleCell]
    answered: Sequence[PeopleCell]
    level: str
    multipliers: Multipliers
    label: Callable[[str], str]

    def groups(self) -> list[dict[str, Any]]:
        told = self._told(lambda cells: by_group(cells, self.multipliers))
        return [
            {"group": slug, "label": self.label(slug), **coverage.as_dict(), **told(slug)}
            for slug, coverage in by_group(self.cells, self.multipliers).items()
        ]

    def regions(self) -> list[dict[str, Any]]:
        told = self._told(self._areas)
        areas = by_region(self.cells, self.level, self.multipliers)
        return [{**area.as_dict(), **told(area.code)} for area in areas]

    def _areas(self, cells: Sequence[PeopleCell]) -> Mapping[str, Coverage]:
        return {area.code: area.coverage for area in by_region(cells, self.level, self.multipliers)}

    def _told(self, count: _Count) -> Callable[[str], dict[str, Any]]:
        """What is known of a place beside its messages."""
        visited = count(self.visited)
        answered = {meaning: count([c for c in self.answered if c.word == meaning]) for meaning in self._meanings()}

        def told(place: str) -> dict[str, Any]:
            answers = {meaning: _people(found, place) for meaning, found in answered.items() if place in found}
            return {"visited": _people(visited, place), "answers": answers}

        return told

    def _meanings(self) -> Iterable[str]:
        return sorted({cell.word for cell in self.answered})


def _people(found: Mapping[str, Coverage], place: str) -> int:
    return found[place].people if place in found else 0
