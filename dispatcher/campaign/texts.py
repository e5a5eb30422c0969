"""The texts of a campaign: where each stands in the file, and which one a person gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from dispatcher.campaign.model import Campaign, Hop, ProviderTemplate, Step
from dispatcher.campaign.positions import Path

T = TypeVar("T")
Kind = Literal["text", "parameter", "reply", "stop", "body"]


@dataclass(frozen=True, slots=True)
class Text:
    """One text as written. `language` is empty where it serves all. A `body` is the provider's, and no template."""

    path: Path
    source: str
    kind: Kind
    language: str = ""

    @property
    def name(self) -> str:
        """Names the text in messages of the renderer, e.g. `steps/0/text/id`."""
        return "/".join(str(part) for part in self.path)


def pick(by_language: Mapping[str, T], language: str, fallback: str) -> tuple[str, T] | None:
    """The version for a person's language: theirs, the one for all, the campaign's, the first written."""
    for key in (language, "", fallback):
        if key in by_language:
            return key, by_language[key]
    return next(iter(by_language.items()), None)


def texts_of(campaign: Campaign) -> Iterator[Text]:
    """All texts once, in the order of the file; a route handed down to steps is told at the campaign."""
    for medium, texts in campaign.stop.items():
        yield from _by_language(("stop", medium), texts, "stop")
    for index, answer in enumerate(campaign.answers):
        yield from _by_language(("answers", index, "reply"), answer.reply, "reply")
        yield from _by_language(("answers", index, "reply_waiting"), answer.reply_waiting, "reply")
    yield from _of_route(("route",), campaign.route)
    for index, step in enumerate(campaign.steps):
        yield from _by_language(("steps", index, "text"), step.text, "text")
        if not inherits_route(campaign, step):
            yield from _of_route(("steps", index, "route"), step.route)


def inherits_route(campaign: Campaign, step: Step) -> bool:
    return bool(campaign.route) and step.route == campaign.route


def route_path(campaign: Campaign, index: int) -> Path:
    """Where the route of a step is written."""
    return ("route",) if inherits_route(campaign, campaign.steps[index]) else ("steps", index, "route")


def hop_texts(step: Step, hop: Hop) -> Mapping[str, str]:
    """The hop's own text, else the step's."""
    return hop.text or step.text


def _by_language(path: Path, texts: Mapping[str, str], kind: Kind) -> Iterator[Text]:
    return (Text((*path, *_key(language)), source, kind, language) for language, source in texts.items())


def _of_route(path: Path, route: tuple[Hop, ...]) -> Iterator[Text]:
    for index, hop in enumerate(route):
        yield from _by_language((*path, index, "text"), hop.text, "text")
        for language, template in hop.template.items():
            yield from _of_template((*path, index, "template", *_key(language)), template, language)


def _of_template(path: Path, template: ProviderTemplate, language: str) -> Iterator[Text]:
    for name, value in template.parameters.items():
        yield Text((*path, "parameters", name), value, "parameter", language)
    if template.body:
        yield Text((*path, "body"), template.body, "body", language)


def _key(language: str) -> Path:
    return (language,) if language else ()
