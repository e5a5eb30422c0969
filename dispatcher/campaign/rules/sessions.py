"""Sessions: known, used, there where a step needs them, and as they stand in the installation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dispatcher.campaign.context import LintContext
from dispatcher.campaign.model import Moment, Session, Step
from dispatcher.campaign.positions import Path
from dispatcher.campaign.rules.audience import is_area
from dispatcher.campaign.standing import all_live, changed, stated
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.suggest import did_you_mean

CODES: Final = {
    "unknown-session": "A step names a session that is neither declared under `sessions:` nor in the session table.",
    "session-code": "A step names a session that is not declared here, so that it must be in the session table.",
    "session-differs": "The session table holds this session with another title, or another place or time.",
    "session-moved": "The session was moved in the table; its steps are live, so that the table counts.",
    "unused-session": "A session that no step invites to.",
    "relative-step": "A step is relative to a session, and names none.",
    "rsvp-session": "`rsvp:` in a step without sessions.",
    "live-session": "`live: [session]` in a step without sessions.",
    "session-times": "A session ends before it starts.",
    "session-region": "The region of a session does not exist.",
}


def check(context: LintContext) -> Iterator[Diagnostic]:
    for index, step in enumerate(context.campaign.steps):
        yield from _of_step(context, index, step)
    yield from _standing(context)
    used = {slug for step in context.campaign.steps for slug in step.sessions}
    for slug, session in context.campaign.sessions.items():
        yield from _of_session(context, slug, session)
        if slug not in used:
            message = f"no step invites to the session `{slug}`"
            yield context.at(("sessions", slug), "unused-session", "warning", message, key=True)


def _of_step(context: LintContext, index: int, step: Step) -> Iterator[Diagnostic]:
    for place, slug in enumerate(step.sessions):
        if slug not in context.campaign.sessions:
            yield _unknown(context, ("steps", index, "sessions", place), slug)
    if isinstance(step.at, Moment) and not step.sessions:
        message = "this instant is relative to a session, and the step names none"
        yield context.at(("steps", index, "at"), "relative-step", "error", message, hint="add `sessions: […]`")
    if step.audience.rsvp and not step.sessions:
        message = "`rsvp:` speaks of the step's session, and the step names none"
        yield context.at(("steps", index, "audience", "rsvp"), "rsvp-session", "error", message, hint="add `sessions:`")
    if step.live and not step.sessions:
        message = "`live: [session]` has no effect in a step without sessions"
        yield context.at(("steps", index, "live"), "live-session", "warning", message, hint="remove it")


def _unknown(context: LintContext, path: Path, slug: str) -> Diagnostic:
    declared, table = context.campaign.sessions, context.known.sessions
    if table is None:
        message = f"the session `{slug}` is not declared here: it must be in the session table by then"
        hint = did_you_mean(slug, declared, "see: dispatcher session list")
        return context.at(path, "session-code", "warning", message, hint=hint)
    hint = did_you_mean(slug, {*declared, *table}, "declare it under `sessions:`, or use `session import`")
    return context.at(path, "unknown-session", "error", f"there is no session `{slug}`", hint=hint)


def _standing(context: LintContext) -> Iterator[Diagnostic]:
    """Where file and table disagree, nobody can tell which is meant, unless the step says that the table counts."""
    written, table = context.loaded.campaign, context.known.sessions or {}
    for slug, session in written.sessions.items() if written else ():
        others = changed(stated(context.campaign, slug, session), table[slug]) if slug in table else ()
        if not others:
            continue
        told = f"in the session table, `{slug}` stands otherwise ({', '.join(others)})"
        if "title" in others or not all_live(context.campaign, slug):
            hint = f"write it as it stands there, or change it: dispatcher session set {slug}"
            hint += "; is it another event? give it another name" if "title" in others else ""
            yield context.at(("sessions", slug), "session-differs", "error", told, hint=hint, key=True)
        else:
            message = f"{told}: that is what counts, its steps are live"
            yield context.at(("sessions", slug), "session-moved", "info", message, key=True)


def _of_session(context: LintContext, slug: str, session: Session) -> Iterator[Diagnostic]:
    path, instant_us = ("sessions", slug), context.campaign.instant_us
    if session.ends is not None and instant_us(session.ends) <= instant_us(session.starts):
        yield context.at((*path, "ends"), "session-times", "error", "the session ends before it starts")
    if session.region and not is_area(session.region):
        message = f'there is no region "{session.region}"'
        yield context.at((*path, "region"), "session-region", "error", message, hint='e.g. "31.71.03"')
