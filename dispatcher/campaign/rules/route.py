"""Routes: senders that exist, that carry what the hop sends, and deadlines that mean something."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

from dispatcher.campaign.context import LintContext
from dispatcher.campaign.model import Hop
from dispatcher.campaign.positions import Path
from dispatcher.campaign.rules.walk import StepHop, hops_of, media_of, routes_as_written, sender_facts
from dispatcher.core.diagnostics import Diagnostic, Severity
from dispatcher.core.suggest import did_you_mean, listed

CODES: Final = {
    "unknown-sender": "A sender that the settings do not have.",
    "route-media": "A hop mixes senders of different media.",
    "route-repeats": "Two hops of a route use the same sender.",
    "route-deadline": "A hop without `after:` is followed by another, so that the next follows a failure only.",
    "route-last": "`after:` on the last hop has no effect.",
    "free-text": "A sender that may send approved templates only is given a text.",
    "template-unsupported": "A sender that knows no provider templates is given nothing else.",
    "text-missing": "A hop has neither a text nor a template.",
}


def check(context: LintContext) -> Iterator[Diagnostic]:
    for path, route in routes_as_written(context.campaign):
        yield from _deadlines(context, path, route)
        for index, hop in enumerate(route):
            yield from _senders(context, (*path, index), hop)
    told: set[tuple[Path, str]] = set()
    for step_hop in hops_of(context.campaign):
        for diagnostic in _content(context, step_hop):
            if (step_hop.path, diagnostic.code) not in told:
                told.add((step_hop.path, diagnostic.code))
                yield diagnostic


def _senders(context: LintContext, path: Path, hop: Hop) -> Iterator[Diagnostic]:
    known = context.known.senders
    for name in hop.senders:
        if known is not None and name not in known:
            hint = did_you_mean(name, known, f"configured: {listed(known)}")
            place, message = _sender_path(context, path, name), f"there is no sender `{name}`"
            yield context.at(place, "unknown-sender", "error", message, hint=hint, key=place[-1] == name)
    if len(media_of(context, hop)) > 1:
        message = "the senders of one hop must be of one medium"
        yield context.at((*path, "senders"), "route-media", "error", message, hint="make two hops of it")


def _sender_path(context: LintContext, path: Path, name: str) -> Path:
    """A sender is written as a text, in a list, or as a key with its weight."""
    base = (*path, "senders")
    scalars = context.loaded.positions.scalars
    if base in scalars:
        return base
    in_list = (
        (*base, index) for index in count() if (*base, index) not in scalars or scalars[*base, index].raw == name
    )
    found = next(in_list)
    return found if found in scalars else (*base, name)


def _deadlines(context: LintContext, path: Path, route: tuple[Hop, ...]) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for index, hop in enumerate(route):
        is_last = index == len(route) - 1
        if hop.after is None and not is_last:
            message = "without `after:`, the next hop follows only when this one fails"
            yield context.at((*path, index), "route-deadline", "info", message, hint='add e.g. after: "4 hours"')
        if hop.after is not None and is_last:
            message = "`after:` has no effect on the last hop"
            yield context.at((*path, index, "after"), "route-last", "warning", message, hint="remove it", key=True)
        if seen & set(hop.senders):
            message = "an earlier hop uses the same sender: it is unlikely to do better the second time"
            yield context.at((*path, index, "senders"), "route-repeats", "warning", message)
        seen |= set(hop.senders)


def _content(context: LintContext, step_hop: StepHop) -> Iterator[Diagnostic]:
    hop, has_text = step_hop.hop, any(True for _ in step_hop.text_paths())
    if not has_text and not hop.template:
        message = f"the step `{step_hop.step.name}` has neither a text nor a template for this hop"
        hint = "add `text:` to the step or to the hop"
        place = step_hop.path if context.loaded.positions.values.get(step_hop.path) else step_hop.step_path
        yield context.at(place, "text-missing", "error", message, hint=hint)
    for facts in sender_facts(context, hop):
        if has_text and not hop.template and not facts.free_text:
            message = f"`{facts.name}` may send free text only within 24 hours of a person's own message"
            hint = "add a `template:` that the provider has approved"
            yield context.at((*step_hop.path, "senders"), "free-text", "error", message, hint=hint)
        if hop.template and not facts.templates:
            message = f"`{facts.name}` knows no provider templates"
            severity: Severity = "warning" if has_text else "error"
            hint = "its text is sent instead" if has_text else "add a text"
            yield context.at((*step_hop.path, "template"), "template-unsupported", severity, message, hint=hint)
