"""Ways through a campaign that several rules take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dispatcher.campaign.context import LintContext, TextFacts
from dispatcher.campaign.model import Campaign, Hop, Rule, Step
from dispatcher.campaign.positions import Path
from dispatcher.campaign.senders import SenderFacts
from dispatcher.campaign.texts import hop_texts, route_path
from dispatcher.core.media import Media


def rules_of(campaign: Campaign) -> Iterator[tuple[Path, Rule]]:
    """Every block that selects people."""
    yield ("audience",), campaign.audience
    yield ("audience", "exclude"), campaign.audience.exclude
    for index, step in enumerate(campaign.steps):
        yield ("steps", index, "audience"), step.audience


@dataclass(frozen=True, slots=True)
class StepHop:
    """A hop as one step takes it; `path` is where it is written."""

    step: Step
    step_path: Path
    hop: Hop
    path: Path
    is_last: bool

    def text_paths(self) -> Iterator[tuple[str, Path]]:
        """Language and place of each text that people of this hop may get."""
        base = (*self.path, "text") if self.hop.text else (*self.step_path, "text")
        for language in hop_texts(self.step, self.hop):
            yield language, (*base, language) if language else base


def hops_of(campaign: Campaign) -> Iterator[StepHop]:
    for index, step in enumerate(campaign.steps):
        path = route_path(campaign, index)
        for place, hop in enumerate(step.route):
            yield StepHop(step, ("steps", index), hop, (*path, place), place == len(step.route) - 1)


def routes_as_written(campaign: Campaign) -> Iterator[tuple[Path, tuple[Hop, ...]]]:
    """Each route once, where it is written."""
    if campaign.route:
        yield ("route",), campaign.route
    for index, step in enumerate(campaign.steps):
        path = route_path(campaign, index)
        if path != ("route",):
            yield path, step.route


def sender_facts(context: LintContext, hop: Hop) -> list[SenderFacts]:
    """What is known of the senders of a hop: nothing where no settings are given."""
    known = context.known.senders or {}
    return [known[name] for name in hop.senders if name in known]


def media_of(context: LintContext, hop: Hop) -> set[Media]:
    return {facts.media for facts in sender_facts(context, hop)}


def hops_by_text(context: LintContext) -> dict[Path, list[StepHop]]:
    """Which hops send a text of our own."""
    found: dict[Path, list[StepHop]] = {}
    for step_hop in hops_of(context.campaign):
        for _, path in step_hop.text_paths():
            found.setdefault(path, []).append(step_hop)
    return found


def paths_by_step(context: LintContext) -> Iterator[tuple[Path, Step]]:
    """Where the texts of each step stand: each text of a hop, and the hop itself with all below it."""
    for step_hop in hops_of(context.campaign):
        yield step_hop.path, step_hop.step
        yield from ((path, step_hop.step) for _, path in step_hop.text_paths())


def prefixes(path: Path) -> Iterator[Path]:
    """The path and every block around it."""
    return (path[:length] for length in range(len(path), 0, -1))


def templates_of(context: LintContext) -> Iterator[TextFacts]:
    """Texts that are rendered: all but those that the provider holds."""
    return (facts for facts in context.texts.values() if facts.text.kind != "body")
