"""Variables that texts use: known, available where they are used, and used at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from dispatcher.campaign.context import Finding, LintContext, TextFacts, Use
from dispatcher.campaign.names import CONTACT, LINKS, is_reserved, known_names
from dispatcher.campaign.positions import Path
from dispatcher.campaign.rules.walk import paths_by_step, prefixes, templates_of
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.suggest import did_you_mean, listed

CODES: Final = {
    "undefined-variable": "A text uses a variable that nothing fills in.",
    "session-variable": "A text uses `session.…` in a step without sessions.",
    "link-address": "A text has a personal link, and no address is configured for it to lead to.",
    "unused-variable": "A value under `variables:` is used by no text.",
    "reserved-variable": "A value under `variables:` has the name of a variable that the dispatcher fills in.",
}


def check(context: LintContext) -> Iterator[Diagnostic]:
    known, without_session = known_names(context.campaign), _paths_without_session(context)
    for facts in templates_of(context):
        has_session = facts.text.path not in without_session and facts.text.kind not in ("reply", "stop")
        has_session = has_session or _answers_an_invitation(context, facts.text.path)
        for use in facts.uses:
            finding = _of_session(use, has_session) or _of_others(context, facts, use, known)
            if finding:
                yield context.inside(facts.text.path, use, finding)
    yield from _own(context)


def _answers_an_invitation(context: LintContext, path: Path) -> bool:
    """A reply to what says yes or no to a session knows which one."""
    match path:
        case ("answers", int(index), *_):
            return context.campaign.answers[index].rsvp is not None
    return False


def _of_session(use: Use, has_session: bool) -> Finding | None:
    if has_session or use.name.partition(".")[0] != "session":
        return None
    hint = "name `sessions:` in the step, or remove it from the text"
    return Finding("session-variable", "error", f"`{use.name}` has no value where there is no session", hint)


def _of_others(context: LintContext, facts: TextFacts, use: Use, known: Mapping[str, str]) -> Finding | None:
    block, _, name = use.name.partition(".")
    if block == "stop" and facts.text.kind in ("stop", "reply"):
        return Finding("undefined-variable", "error", "`stop` is not available here", "write how to stop in words")
    if use.name in LINKS:
        return _of_links(context, facts, use)
    if block == "contact" and name:
        return _attribute(context, use, name)
    if use.name in known or block in context.campaign.variables or block == use.name in ("contact", "session"):
        return None
    hint = did_you_mean(use.name, known, "give it a value under `variables:`")
    return Finding("undefined-variable", "error", f"nothing fills in `{use.name}`", hint)


def _of_links(context: LintContext, facts: TextFacts, use: Use) -> Finding | None:
    if facts.text.kind == "reply":
        hint = "people who answer have it from the message"
        return Finding("undefined-variable", "error", f"`{use.name}` is not available here", hint)
    if context.known.link_base != "":
        return None
    hint = "set `links: {base_url: …}` in the settings, or DISPATCHER_PUBLIC_URL"
    return Finding("link-address", "error", f"`{use.name}` has no address to lead to", hint)


def _attribute(context: LintContext, use: Use, name: str) -> Finding | None:
    """Columns of contact files become attributes; without settings, only likely slips are told."""
    declared = context.known.attributes
    attribute = name.partition(".")[0]
    if attribute in CONTACT or (declared is not None and attribute in declared):
        return None
    hint = did_you_mean(attribute, CONTACT)
    if declared is not None:
        hint = did_you_mean(attribute, [*CONTACT, *declared], f"declared: {listed([*CONTACT, *declared])}")
        return Finding("undefined-variable", "error", f"no contact has `{attribute}`", hint)
    return Finding("undefined-variable", "warning", f"`{use.name}` may be a slip", hint) if hint else None


def _paths_without_session(context: LintContext) -> set[Path]:
    """Texts and parameters that at least one step without sessions sends."""
    without = {path for path, step in paths_by_step(context) if not step.sessions}
    return {path for path in context.texts if any(prefix in without for prefix in prefixes(path))}


def _own(context: LintContext) -> Iterator[Diagnostic]:
    used = {use.name.partition(".")[0] for facts in templates_of(context) for use in facts.uses}
    unread = any(facts.problems and not facts.uses for facts in templates_of(context))
    for name in context.campaign.variables:
        if is_reserved(name):
            message = f"`{name}` is a name of the dispatcher's own"
            yield context.at(("variables", name), "reserved-variable", "error", message, hint="rename it", key=True)
        elif name not in used and not unread:
            message = f"no text uses `{name}`"
            yield context.at(("variables", name), "unused-variable", "warning", message, hint="remove it", key=True)
