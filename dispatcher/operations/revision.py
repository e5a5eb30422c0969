"""One revision of a campaign, ready for its steps to run: read from a file, or from the plan that was approved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from dispatcher.audience.selection import AttributeType
from dispatcher.campaign.fingerprint import fingerprint, sender_names
from dispatcher.campaign.model import Campaign, Session, Step
from dispatcher.campaign.moments import Due, due
from dispatcher.campaign.senders import SenderFacts
from dispatcher.core.clock import from_us
from dispatcher.core.window import Window
from dispatcher.plan.decide import Decider
from dispatcher.render.personal import LinkTerms
from dispatcher.render.sandbox import Templates
from dispatcher.store.selection import Scope

_DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}


@dataclass(frozen=True)
class Revision:
    """A campaign with its sessions as they stood, the template files it includes, and the facts of its senders.

    `provider_templates`: template id → hash of what the provider held. `links`: None where no text has one.
    """

    campaign: Campaign
    sources: Mapping[str, str]
    senders: Mapping[str, SenderFacts]
    provider_templates: Mapping[str, str] = field(default_factory=dict)
    links: LinkTerms | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Revision:
        """As stored in `plans.document`."""
        senders = {name: _facts(values) for name, values in document["senders"].items()}
        held = document.get("provider_templates", {})
        links = LinkTerms.from_document(document.get("links"))
        return cls(Campaign.model_validate(document["campaign"]), document["sources"], senders, held, links)

    def as_document(self) -> dict[str, Any]:
        used = sender_names(self.campaign)
        return {
            "campaign": self.campaign.model_dump(mode="json"),
            "sources": dict(self.sources),
            "senders": {name: asdict(self.senders[name]) for name in used if name in self.senders},
            "provider_templates": dict(self.provider_templates),
            "links": self._links,
        }

    @property
    def _links(self) -> dict[str, Any] | None:
        return self.links.as_document() if self.links else None

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.campaign, self.sources, self.senders, self.provider_templates, self._links)

    def with_campaign(self, campaign: Campaign) -> Revision:
        return replace(self, campaign=campaign)

    def with_session(self, code: str, session: Session) -> Revision:
        return self.with_campaign(
            self.campaign.model_copy(update={"sessions": {**self.campaign.sessions, code: session}})
        )

    @cached_property
    def templates(self) -> Templates:
        return Templates(self.sources)

    def dues(self) -> Iterator[tuple[Step, Due]]:
        """Every step on every occasion, in the order of the file."""
        return ((step, one) for step in self.campaign.steps for one in due(self.campaign, step))

    def due(self, step_name: str, occasion: str) -> Due:
        """KeyError where the revision has no such step or occasion."""
        for step, one in self.dues():
            if step.name == step_name and one.session == occasion:
                return one
        raise KeyError(step_name)

    def decider(self, step: Step, occasion: str) -> Decider:
        """One for each step and occasion: its texts are made ready once."""
        key = (step.name, occasion)
        if key not in self._deciders:
            session = self.campaign.sessions.get(occasion)
            on = self.day(self.due(step.name, occasion).due_us)
            self._deciders[key] = Decider(self.campaign, step, session, self.senders, self.templates, on, self.links)
        return self._deciders[key]

    @cached_property
    def _deciders(self) -> dict[tuple[str, str], Decider]:
        return {}

    def window(self, zone: str = "") -> Window:
        """The campaign's hours, in its own zone or in a contact's."""
        hours = self.campaign.window
        days = frozenset(_DAYS[day] for day in hours.days)
        return Window(zone or self.campaign.zone, days, hours.open, hours.close, frozenset(hours.blackouts))

    def scope(
        self, due_us: int, attributes: Mapping[str, AttributeType], *, is_sqlite: bool, session: str = ""
    ) -> Scope:
        return Scope(is_sqlite, self.day(due_us), attributes, session)

    def day(self, instant_us: int) -> date:
        return from_us(instant_us, self.campaign.zone).date()


def _facts(values: Mapping[str, Any]) -> SenderFacts:
    return SenderFacts(**{**values, "countries": tuple(values.get("countries", ()))})
