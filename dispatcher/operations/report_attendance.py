"""The attendance part of a report: each session of the campaign, in all, by step, by group and by region."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from dispatcher.audience.groups import Group
from dispatcher.core.clock import iso
from dispatcher.operations.status import CampaignStatus
from dispatcher.outreach.turnout import Turnouts
from dispatcher.store import reports, turnout, visits

_NEIGHBOURHOODS = ("rw", "rt")


@dataclass(frozen=True, slots=True)
class Attendance:
    """`label`: a group's, in the language of the report; `groups`: in their order."""

    connection: Connection
    status: CampaignStatus
    level: str
    label: Callable[[str], str]
    groups: Mapping[str, Group]

    def as_list(self) -> list[dict[str, Any]]:
        occasions = sorted({step.occasion for step in self.status.steps if step.occasion})
        counted = reports.attendance(self.connection, occasions)
        ways = visits.rsvp_by_way(self.connection, occasions)
        return [
            {**self._session(row, counted), "rsvp_by_way": ways.get(row.slug, {})}
            for row in reports.sessions_of(self.connection, occasions)
        ]

    def _session(self, row: Any, counted: Sequence[tuple[str, str, int, int]]) -> dict[str, Any]:
        mine = [line for line in counted if line[0] == row.slug]
        steps = [step for step in self.status.steps if step.occasion == row.slug]
        found = self._turnouts(row, [step.id for step in steps])
        return {
            "session": row.slug,
            "title": row.title,
            "place": row.place,
            "starts": iso(row.starts_us, row.zone),
            "capacity": row.capacity,
            "rsvp": {rsvp: people for _, rsvp, people, _ in mine if rsvp},
            "checked_in": sum(checked_in for _, _, _, checked_in in mine),
            **found.overall().as_dict(),
            "steps": self._steps(row.slug, steps),
            "groups": [
                {"group": slug, "label": self.label(slug), **one.as_dict()} for slug, one in found.by_group().items()
            ],
            "regions": found.by_region(self.level),
        }

    def _turnouts(self, row: Any, step_ids: Sequence[int]) -> Turnouts:
        deep = self.level in _NEIGHBOURHOODS
        cells = [
            *turnout.invited(self.connection, row.slug, step_ids, neighbourhoods=deep),
            *turnout.uninvited(self.connection, row.slug, step_ids, neighbourhoods=deep),
        ]
        guests = turnout.guests_by_group(self.connection, row.slug)
        return Turnouts(cells, guests, self.status.now_us >= row.starts_us, self.groups)

    def _steps(self, session: str, steps: Sequence[Any]) -> list[dict[str, Any]]:
        """Of the people whom each step messaged; who is in two steps counts in both."""
        counts = turnout.by_step(self.connection, session, [step.id for step in steps])
        nobody = (0, 0, 0)
        return [
            {"step": step.name, **dict(zip(("invited", "said_yes", "came"), counts.get(step.id, nobody), strict=True))}
            for step in steps
        ]
