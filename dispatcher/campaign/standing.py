"""Sessions as a campaign states them, and as they stand in the installation's table (docs/decisions/0012)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dispatcher.core.clock import from_us

if TYPE_CHECKING:
    from dispatcher.campaign.model import Campaign, Session, Step

LIVE: Final = ("place", "address", "region", "starts", "ends", "capacity")
"""What may change of a session without a new approval, where the step says `live: [session]`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One row of the table. `zone`: in which its times are shown."""

    code: str
    title: str
    place: str
    address: str
    region: str
    zone: str
    starts_us: int
    ends_us: int | None
    capacity: int | None

    def as_session(self, zone: str = "") -> Session:
        """With aware instants in `zone`, else in its own."""
        from dispatcher.campaign.model import Session

        at = zone or self.zone
        return Session(
            title=self.title,
            place=self.place,
            address=self.address,
            region=self.region,
            starts=from_us(self.starts_us, at),
            ends=from_us(self.ends_us, at) if self.ends_us is not None else None,
            capacity=self.capacity,
        )


Table = Mapping[str, Standing]


def stated(campaign: Campaign, code: str, session: Session) -> Standing:
    """A session of a campaign as a row of the table."""
    return Standing(
        code,
        session.title,
        session.place,
        session.address,
        session.region,
        campaign.zone,
        campaign.instant_us(session.starts),
        campaign.instant_us(session.ends) if session.ends is not None else None,
        session.capacity,
    )


def changed(one: Standing, other: Standing) -> tuple[str, ...]:
    """The fields in which they differ, by the names that files use. In which zone a time is shown is no difference."""
    values = (
        (name, getattr(one, column), getattr(other, column))
        for name, column in (("title", "title"), *((name, _COLUMNS.get(name, name)) for name in LIVE))
    )
    return tuple(name for name, mine, theirs in values if mine != theirs)


_COLUMNS: Final = {"starts": "starts_us", "ends": "ends_us"}


def is_live(step: Step) -> bool:
    return "session" in step.live


def all_live(campaign: Campaign, code: str) -> bool:
    """Whether every step of this session goes by what stands in the table; not where no step names it."""
    using = [step for step in campaign.steps if code in step.sessions]
    return bool(using) and all(map(is_live, using))


def used_codes(campaign: Campaign) -> frozenset[str]:
    """Declared in the file, or named by a step."""
    return frozenset(campaign.sessions).union(*(step.sessions for step in campaign.steps))


def settled(campaign: Campaign, table: Table) -> Campaign:
    """With every session as it stands in the table; what the file alone knows stays as the file says.

    A session that stands as the file says keeps the file's form, so that the fingerprint is the file's too.
    """
    sessions = dict(campaign.sessions)
    for code in sorted(used_codes(campaign) & table.keys()):
        mine = sessions.get(code)
        if mine is None or changed(stated(campaign, code, mine), table[code]):
            standing = table[code].as_session(campaign.zone)
            sessions[code] = standing.model_copy(update={"code": mine.code if mine else ""})
    return campaign.model_copy(update={"sessions": sessions})
