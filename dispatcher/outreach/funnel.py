"""The funnel: everyone selected, each once, by what became of them (invariant 11). Pure sums of counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dispatcher.core.status import Status

#: As people move through it; used wherever a funnel is printed.
ORDER: Final = (
    Status.QUEUED,
    Status.SENDING,
    Status.UNKNOWN,
    Status.ACCEPTED,
    Status.SENT,
    Status.DELIVERED,
    Status.READ,
    Status.FAILED,
    Status.EXPIRED,
    Status.CANCELLED,
)
#: Stages of a drawn funnel, each with the statuses it includes: who was delivered to was also handed over.
_HANDED_OVER: Final = (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ)


@dataclass(frozen=True, slots=True)
class HopCount:
    """Messages of one hop through one sender. `failed`: by reason."""

    hop: int
    sender: str
    messages: Mapping[str, int]
    failed: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {"hop": self.hop, "sender": self.sender, "messages": dict(self.messages), "failed": dict(self.failed)}


@dataclass(frozen=True, slots=True)
class Funnel:
    """People of one step; or of several, then somebody who is in two steps counts twice."""

    selected: int = 0
    held_out: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    pending: int = 0
    people: Mapping[str, int] = field(default_factory=dict)
    hops: tuple[HopCount, ...] = ()

    @property
    def accounted_for(self) -> int:
        return self.held_out + sum(self.skipped.values()) + self.pending + sum(self.people.values())

    @property
    def conserves(self) -> bool:
        counts = (self.held_out, self.pending, *self.skipped.values(), *self.people.values())
        return self.selected == self.accounted_for and all(n >= 0 for n in counts)

    def stages(self) -> tuple[tuple[str, int], ...]:
        """What is drawn, each a part of the one before it: selected, messaged, handed over, delivered, read."""
        of = self.people.get
        return (
            ("selected", self.selected),
            ("messaged", sum(self.people.values())),
            ("accepted", sum(of(status, 0) for status in _HANDED_OVER)),
            ("delivered", of(Status.DELIVERED, 0) + of(Status.READ, 0)),
            ("read", of(Status.READ, 0)),
        )

    def as_dict(self) -> dict[str, Any]:
        """The keys of the contract; `messages` are people by status."""
        return {
            "selected": self.selected,
            "held_out": self.held_out,
            "skipped": dict(sorted(self.skipped.items())),
            "pending": self.pending,
            "messages": {status.value: self.people[status] for status in ORDER if self.people.get(status)},
            "hops": [hop.as_dict() for hop in self.hops],
        }


def total(funnels: Iterable[Funnel]) -> Funnel:
    """Of several steps; conserves where each of them does."""
    parts = list(funnels)
    skipped: Counter[str] = Counter()
    people: Counter[str] = Counter()
    for part in parts:
        skipped.update(part.skipped)
        people.update(part.people)
    return Funnel(
        selected=sum(part.selected for part in parts),
        held_out=sum(part.held_out for part in parts),
        skipped=dict(skipped),
        pending=sum(part.pending for part in parts),
        people=dict(people),
        hops=merge_hops(hop for part in parts for hop in part.hops),
    )


@dataclass(frozen=True, slots=True)
class Overlap:
    """How somebody can be in a campaign more than once, by its counters: in several steps; in several hops of one; with
    several failures alike, of one sender for one reason."""

    steps: bool
    hops: bool
    failures: bool


def overlap(funnels: Iterable[Funnel]) -> Overlap:
    used = [funnel for funnel in funnels if funnel.hops or funnel.held_out or funnel.skipped]
    failed = Counter((hop.sender, reason) for funnel in used for hop in funnel.hops for reason in hop.failed)
    return Overlap(
        steps=len(used) > 1,
        hops=any(len({hop.hop for hop in funnel.hops}) > 1 for funnel in used),
        failures=any(places > 1 for places in failed.values()),
    )


def merge_hops(hops: Iterable[HopCount]) -> tuple[HopCount, ...]:
    """One entry per hop and sender."""
    messages: dict[tuple[int, str], Counter[str]] = {}
    failed: dict[tuple[int, str], Counter[str]] = {}
    for hop in hops:
        messages.setdefault((hop.hop, hop.sender), Counter()).update(hop.messages)
        failed.setdefault((hop.hop, hop.sender), Counter()).update(hop.failed)
    return tuple(
        HopCount(index, sender, dict(messages[index, sender]), dict(failed[index, sender]))
        for index, sender in sorted(messages)
    )
