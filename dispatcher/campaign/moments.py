"""When the steps of a campaign are due: one instant for each step and occasion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dispatcher.campaign.model import Campaign, Moment, Session, Step
from dispatcher.core.clock import SECOND_US

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Due:
    """`session` is a slug, or empty where the step has no sessions."""

    step: str
    session: str
    due_us: int
    expires_us: int


def due(campaign: Campaign, step: Step) -> Iterator[Due]:
    """Each occasion of a step.

    Sessions that are not known, and a relative instant without sessions, yield nothing: lint reports them.
    """
    if not step.sessions and not isinstance(step.at, Moment):
        yield _due(step, "", campaign.instant_us(step.at))
    for slug in dict.fromkeys(step.sessions):
        if slug in campaign.sessions:
            yield _due(step, slug, _instant_us(campaign, step.at, campaign.sessions[slug]))


def _due(step: Step, session: str, due_us: int) -> Due:
    return Due(step.name, session, due_us, due_us + step.expires // _MICROSECOND)


def _instant_us(campaign: Campaign, at: datetime | Moment, session: Session) -> int:
    if not isinstance(at, Moment):
        return campaign.instant_us(at)
    if at.before is not None:
        anchor_us, distance = campaign.instant_us(session.starts), -at.before
    else:
        anchor_us, distance = campaign.instant_us(session.ends or session.starts), at.after or timedelta(0)
    if at.at is None:
        return anchor_us + distance // _MICROSECOND
    zone = ZoneInfo(campaign.zone)
    day = datetime.fromtimestamp(anchor_us / SECOND_US, zone).date() + distance
    return campaign.instant_us(datetime.combine(day, at.at, zone))
