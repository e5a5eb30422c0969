"""Sessions: declared, used, and there where a step needs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dispatcher.campaign.context import LintContext
from dispatcher.campaign.model import Moment, Session, Step
from dispatcher.campaign.rules.audience import is_area
from dispatcher.campaign.rules.suggest import did_you_mean
from dispatcher.core.diagnostics import Diagnostic

CODES: Final = {
    "unknown-session": "A step names a session that is not declared under `sessions:`.",
    "unused-session": "A session that no step invites to.",
    "relative-step": "A step is relative to a session, and names none.",
    "live-session": "`live: [session]` in a step without sessions.",
    "session-times": "A session ends before it starts.",
    "session-region": "The region of a session does not exist.",
}


def check(context: LintContext) -> Iterator[Diagnostic]:
    for index, step in enumerate(context.campaign.steps):
        yield from _of_step(context, index, step)
    used = {slug for step in context.campaign.steps for slug in step.sessions}
    for slug, session in context.campaign.sessions.items():
        yield from _of_session(context, slug, session)
        if slug not in used:
            message = f"no step invites to the session `{slug}`"
            yield context.at(("sessions", slug), "unused-session", "warning", message, key=True)


def _of_step(context: LintContext, index: int, step: Step) -> Iterator[Diagnostic]:
    declared = context.campaign.sessions
    for place, slug in enumerate(step.sessions):
        if slug not in declared:
            hint = did_you_mean(slug, declared, "declare it under `sessions:`")
            path = ("steps", index, "sessions", place)
            yield context.at(path, "unknown-session", "error", f"there is no session `{slug}`", hint=hint)
    if isinstance(step.at, Moment) and not step.sessions:
        message = "this instant is relative to a session, and the step names none"
        yield context.at(("steps", index, "at"), "relative-step", "error", message, hint="add `sessions: […]`")
    if step.live and not step.sessions:
        message = "`live: [session]` has no effect in a step without sessions"
        yield context.at(("steps", index, "live"), "live-session", "warning", message, hint="remove it")


def _of_session(context: LintContext, slug: str, session: Session) -> Iterator[Diagnostic]:
    path, instant_us = ("sessions", slug), context.campaign.instant_us
    if session.ends is not None and instant_us(session.ends) <= instant_us(session.starts):
        yield context.at((*path, "ends"), "session-times", "error", "the session ends before it starts")
    if session.region and not is_area(session.region):
        message = f'there is no region "{session.region}"'
        yield context.at((*path, "region"), "session-region", "error", message, hint='e.g. "31.71.03"')
