"""A plan: frozen data that says who would get what, when, through whom and for how much. Nobody is messaged."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatcher.core.clock import iso
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.money import Money

CEILING_MARGIN = 1.05


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step on one occasion. `messages`: first messages, one a person; `following`: at most so many by later hops.

    `starts_us` and `ends_us`: first and last hand-over under rates and windows, None where nobody is messaged.
    `late`: messages whose turn comes after they expired.
    """

    name: str
    occasion: str
    due_us: int
    expires_us: int
    selected: int
    held_out: int
    skipped: Mapping[str, int]
    messages: int
    following: int
    segments: int
    following_segments: int
    cost: Money
    following_cost: Money
    starts_us: int | None
    ends_us: int | None
    late: int
    senders: Mapping[str, int]
    units: Mapping[str, int]

    def as_dict(self, zone: str) -> dict[str, Any]:
        return {
            "name": self.name,
            "occasion": self.occasion,
            "due": iso(self.due_us, zone),
            "expires": iso(self.expires_us, zone),
            "selected": self.selected,
            "held_out": self.held_out,
            "skipped": dict(self.skipped),
            "messages": self.messages,
            "following_messages": self.following,
            "segments": self.segments,
            "following_segments": self.following_segments,
            "cost": self.cost.as_json(),
            "following_cost": self.following_cost.as_json(),
            "starts": iso(self.starts_us, zone),
            "ends": iso(self.ends_us, zone),
            "late": self.late,
            "senders": dict(self.senders),
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """One message as a person would read it. The number is masked."""

    step: str
    sender: str
    to: str
    language: str
    segments: int
    text: str

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("step", "sender", "to", "language", "segments", "text")}


@dataclass(frozen=True, slots=True)
class Plan:
    campaign: str
    title: str
    zone: str
    fingerprint: str
    author: str
    created_us: int
    steps: tuple[StepPlan, ...]
    samples: tuple[Sample, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    unpriced: tuple[str, ...] = ()
    """Senders without a dated price: their part of the cost is not known."""

    minors: int = 0
    """Messages to people under 18."""

    notes: tuple[str, ...] = field(default=())

    @property
    def selected(self) -> int:
        return sum(step.selected for step in self.steps)

    @property
    def held_out(self) -> int:
        return sum(step.held_out for step in self.steps)

    @property
    def skipped(self) -> dict[str, int]:
        total: Counter[str] = Counter()
        for step in self.steps:
            total.update(step.skipped)
        return dict(sorted(total.items()))

    @property
    def messages(self) -> int:
        return sum(step.messages for step in self.steps)

    @property
    def cost(self) -> Money:
        """Of the first messages."""
        return sum((step.cost for step in self.steps), Money({}))

    @property
    def ceilings(self) -> dict[str, Any]:
        """What the approval allows: the plan plus 5 %, every later hop included (invariant 10)."""
        segments = sum(step.segments + step.following_segments for step in self.steps)
        cost = sum((step.cost + step.following_cost for step in self.steps), Money({}))
        return {
            "people": raised(self.messages),
            "segments": raised(segments),
            "cost": Money({c: a * 105 / 100 for c, a in cost.amounts.items()}).as_json(),
        }

    def as_dict(self) -> dict[str, Any]:
        return {
            "campaign": self.campaign,
            "title": self.title,
            "fingerprint": self.fingerprint,
            "author": self.author,
            "created": iso(self.created_us, self.zone),
            "selected": self.selected,
            "held_out": self.held_out,
            "skipped": self.skipped,
            "messages": self.messages,
            "minors": self.minors,
            "cost": self.cost.as_json(),
            "unpriced": list(self.unpriced),
            "ceilings": self.ceilings,
            "steps": [step.as_dict(self.zone) for step in self.steps],
            "samples": [sample.as_dict() for sample in self.samples],
            "diagnostics": [d.as_dict() for d in self.diagnostics],
            "notes": list(self.notes),
        }


def raised(count: int) -> int:
    """Plus 5 %, rounded up."""
    return math.ceil(count * CEILING_MARGIN)
