"""What becomes of one person in one step: held out, skipped for a reason, or a message. Plan and expansion ask here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from dispatcher.audience.caps import Room
from dispatcher.audience.consent import has_refused, may_message
from dispatcher.audience.holdout import is_held_out, share_of
from dispatcher.audience.minors import may_reach
from dispatcher.audience.recipient import Point, Recipient
from dispatcher.campaign.model import Campaign, Hop, Session, Step
from dispatcher.campaign.senders import SenderFacts
from dispatcher.core.status import Reason
from dispatcher.plan.wording import Wording, Written
from dispatcher.render.personal import LinkTerms
from dispatcher.render.problem import TemplateProblem
from dispatcher.render.sandbox import Templates


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Left out by chance."""


@dataclass(frozen=True, slots=True)
class Skip:
    reason: Reason


class Draft(NamedTuple):
    """A message to be: which hop, through which sender, to which number, saying what."""

    hop: int
    sender: SenderFacts
    point: Point
    written: Written


Decision = HeldOut | Skip | Draft

#: Of several hops that cannot be used, the reason that tells most about the person.
_TELLING: dict[Reason, int] = {
    Reason.OPTED_OUT: 0,
    Reason.NO_CONSENT: 1,
    Reason.CAPPED: 2,
    Reason.UNRENDERABLE: 3,
    Reason.INELIGIBLE: 4,
    Reason.NO_ADDRESS: 5,
}


class Decider:
    """Decides for one step on one occasion. Pure: the same person, the same decision. `on`: the day it is due."""

    def __init__(
        self,
        campaign: Campaign,
        step: Step,
        session: Session | None,
        senders: Mapping[str, SenderFacts],
        templates: Templates,
        on: date,
        links: LinkTerms | None = None,
    ) -> None:
        self._campaign = campaign
        self._on = on
        self._step = step
        self._routes = [_Hop(index, hop, senders) for index, hop in enumerate(step.route)]
        self._wording = Wording(campaign, step, session, templates, links)

    def decide(self, recipient: Recipient, first_hop: int = 0, room: Room | None = None) -> Decision:
        """`room`: what the caps leave; None for whoever holds their place already, and where there are no caps."""
        if is_held_out(self._campaign.campaign, self._campaign.holdout, recipient.id):
            return HeldOut()
        if not may_reach(recipient.adult_on, self._campaign.minors, self._on):
            return Skip(Reason.MINOR)
        reasons: list[Reason] = []
        for route in self._routes[first_hop:]:
            found = self._try(route, recipient, room)
            if isinstance(found, Draft):
                return found
            reasons.append(found)
        return Skip(min(reasons, key=_TELLING.__getitem__, default=Reason.NO_ADDRESS))

    def _try(self, route: _Hop, recipient: Recipient, room: Room | None) -> Draft | Reason:
        chosen = self._reach(route, recipient)
        if isinstance(chosen, Reason):
            return chosen
        point, senders = chosen
        if room is not None and room.is_full(recipient, point):
            return Reason.CAPPED
        try:
            written = self._wording.write(recipient, route.hop, point.media)
        except TemplateProblem:
            return Reason.UNRENDERABLE
        return Draft(route.index, self._pick_sender(route, senders, recipient), point, written)

    def _reach(self, route: _Hop, recipient: Recipient) -> tuple[Point, Sequence[SenderFacts]] | Reason:
        """The first number of the person that consent, refusals and a sender's countries allow."""
        reasons = []
        points = recipient.points
        for point in points if len(points) < 2 else sorted(points, key=lambda p: p.rank):
            allowed = route.allowed(point)
            if allowed is None:
                continue
            if has_refused(recipient, point, self._campaign.purpose):
                reasons.append(Reason.OPTED_OUT)
                continue
            if not may_message(recipient.consents, self._campaign.purpose, point.media, self._campaign.consent):
                reasons.append(Reason.NO_CONSENT)
                continue
            if allowed:
                return point, allowed
            reasons.append(Reason.INELIGIBLE)
        return min(reasons, key=_TELLING.__getitem__, default=Reason.NO_ADDRESS)

    def _pick_sender(self, route: _Hop, allowed: Sequence[SenderFacts], recipient: Recipient) -> SenderFacts:
        """By weight, and the same one for a person every time."""
        if len(allowed) == 1:
            return allowed[0]
        weights = [route.hop.senders[sender.name] for sender in allowed]
        left = share_of(f"sender:{self._step.name}", recipient.id) * sum(weights)
        for sender, weight in zip(allowed, weights, strict=True):
            left -= weight
            if left < 0:
                return sender
        return allowed[-1]


class _Hop:
    """A hop with the facts of its senders."""

    def __init__(self, index: int, hop: Hop, senders: Mapping[str, SenderFacts]) -> None:
        self.index = index
        self.hop = hop
        self._senders = [senders[name] for name in hop.senders if name in senders]
        self._allowed: dict[tuple[str, str], Sequence[SenderFacts] | None] = {}

    def allowed(self, point: Point) -> Sequence[SenderFacts] | None:
        """The senders that serve the number's country; None where none serves its medium."""
        key = (point.media, point.country)
        if key not in self._allowed:
            serving = [s for s in self._senders if s.media == point.media]
            fitting = [s for s in serving if not s.countries or point.country in s.countries]
            self._allowed[key] = fitting if serving else None
        return self._allowed[key]
