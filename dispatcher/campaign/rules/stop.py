"""Everyone who gets a message learns how to stop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dispatcher.campaign.context import LintContext, TextFacts
from dispatcher.campaign.positions import Path
from dispatcher.campaign.rules.walk import StepHop, hops_by_text, hops_of, media_of
from dispatcher.core.diagnostics import Diagnostic

CODES: Final = {
    "stop-missing": "A text does not say how to stop.",
    "stop-undefined": "A text shows `{{ stop }}`, and `stop:` says nothing for its medium.",
}
STOP_WORD: Final = re.compile(r"\b(stop|berhenti|unsubscribe)\b", re.IGNORECASE)


def check(context: LintContext) -> Iterator[Diagnostic]:
    for path, hops in hops_by_text(context).items():
        facts = context.texts.get(path)
        if facts is not None:
            yield from _text(context, path, facts, hops)
    yield from _provider_templates(context)


def _text(context: LintContext, path: Path, facts: TextFacts, hops: list[StepHop]) -> Iterator[Diagnostic]:
    if any(use.name == "stop" for use in facts.uses):
        media = {medium for step_hop in hops for medium in media_of(context, step_hop.hop)}
        missing = sorted(media - set(context.campaign.stop))
        if missing or not context.campaign.stop:
            medium = missing[0] if missing else "sms"
            message = f"{{{{ stop }}}} has no text for {medium}"
            hint = f"add `stop: {{{medium}: …}}`, saying how to stop"
            yield context.at(path, "stop-undefined", "error", message, hint=hint)
    elif facts.text.source.strip() and not facts.problems and not STOP_WORD.search(_shown(facts)):
        hint = "end it with {{ stop }} and give `stop:` a text for its medium"
        yield context.at(path, "stop-missing", "error", "this text does not say how to stop", hint=hint)


def _shown(facts: TextFacts) -> str:
    return facts.rendered.body if facts.rendered else facts.text.source


def _provider_templates(context: LintContext) -> Iterator[Diagnostic]:
    seen: set[Path] = set()
    for step_hop in hops_of(context.campaign):
        for language, template in step_hop.hop.template.items():
            path = (*step_hop.path, "template", *((language,) if language else ()))
            said = f"{template.body} {' '.join(template.parameters.values())}"
            if path not in seen and template.body and not STOP_WORD.search(said):
                hint = "have one approved that says so, or that has a button for it"
                message = "the approved text does not say how to stop"
                yield context.at((*path, "body"), "stop-missing", "warning", message, hint=hint)
            seen.add(path)
