"""When steps are due: names told apart, not in the past, in order, and with an open window before they expire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dispatcher.campaign.context import LintContext
from dispatcher.campaign.moments import Due, due
from dispatcher.campaign.positions import Path
from dispatcher.core.clock import from_us
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.window import NeverOpensError, Window

CODES: Final = {
    "duplicate-step": "Two steps have the same name.",
    "step-past": "A step has expired already, so that it will send nothing.",
    "campaign-past": "All steps have expired already.",
    "step-order": "A step is due before one for the same session (or for none) that is written above it.",
    "window-never-opens": "The window leaves no day and time for sending.",
    "window-overnight": "The window is open at night.",
    "step-window": "The window does not open between the instant a step is due and its expiry.",
    "step-waits": "A step is due while the window is closed, and waits until it opens.",
}
_EARLIEST_HOUR, _LATEST_HOUR = 6, 22


def check(context: LintContext) -> Iterator[Diagnostic]:
    yield from _names(context)
    yield from _past(context)
    yield from _order(context)
    window = context.campaign.window.in_zone(context.campaign.zone)
    if window.never_opens or not _opens(window, context.now_us):
        message = "the window never opens: no day and time is left on which sending is allowed"
        yield context.at(
            ("window",), "window-never-opens", "error", message, hint="check days, open and close", key=True
        )
        return
    yield from _night(context, window)
    for index, step in enumerate(context.campaign.steps):
        for occasion in due(context.campaign, step):
            yield from _opening(context, ("steps", index, "at"), window, occasion)


def _names(context: LintContext) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for index, step in enumerate(context.campaign.steps):
        if step.name in seen:
            message = f"there are two steps named `{step.name}`"
            yield context.at(("steps", index, "name"), "duplicate-step", "error", message, hint="rename one")
        seen.add(step.name)


def _past(context: LintContext) -> Iterator[Diagnostic]:
    occasions = [list(due(context.campaign, step)) for step in context.campaign.steps]
    gone = [bool(times) and all(t.expires_us <= context.now_us for t in times) for times in occasions]
    if all(gone):
        message = "every step of this campaign lies in the past"
        yield context.at(("steps",), "campaign-past", "error", message, hint="check the years", key=True)
        return
    for index, times in enumerate(occasions):
        if gone[index]:
            message = f"this step expired on {_shown(context, max(t.expires_us for t in times))}"
            hint = "it will send nothing; check the date"
            yield context.at(("steps", index, "at"), "step-past", "warning", message, hint=hint)


def _order(context: LintContext) -> Iterator[Diagnostic]:
    """Compared session by session: a campaign may tell of one session after the other."""
    latest: dict[str, Due] = {}
    for index, step in enumerate(context.campaign.steps):
        above = None
        for occasion in due(context.campaign, step):
            before = latest.get(occasion.session, occasion)
            above = before.step if occasion.due_us < before.due_us else above
            latest[occasion.session] = max(before, occasion, key=lambda one: one.due_us)
        if above is not None:
            message = f"this step is due before `{above}`, which is written above it"
            hint = "write steps in the order of time"
            yield context.at(("steps", index, "at"), "step-order", "warning", message, hint=hint)


def _opens(window: Window, now_us: int) -> bool:
    try:
        window.next_open_us(now_us)
    except NeverOpensError:
        return False
    return True


def _night(context: LintContext, window: Window) -> Iterator[Diagnostic]:
    overnight = window.start > window.end
    if overnight or window.start.hour < _EARLIEST_HOUR or (window.end.hour, window.end.minute) > (_LATEST_HOUR, 0):
        message = f"the window is open between {_LATEST_HOUR}:00 and 0{_EARLIEST_HOUR}:00"
        yield context.at(("window",), "window-overnight", "warning", message, hint="people sleep then", key=True)


def _opening(context: LintContext, path: Path, window: Window, occasion: Due) -> Iterator[Diagnostic]:
    if occasion.expires_us <= context.now_us:
        return
    try:
        opens_us = window.next_open_us(occasion.due_us)
    except NeverOpensError:
        opens_us = occasion.expires_us
    of_session = f" (session `{occasion.session}`)" if occasion.session else ""
    if opens_us >= occasion.expires_us:
        message = f"the step{of_session} expires {_shown(context, occasion.expires_us)}, before the window opens"
        hint = "send earlier, expire later, or widen the window"
        yield context.at(path, "step-window", "error", message, hint=hint)
    elif opens_us > occasion.due_us:
        message = f"the step{of_session} is due while the window is closed: it waits until {_shown(context, opens_us)}"
        yield context.at(path, "step-waits", "info", message)


def _shown(context: LintContext, instant_us: int) -> str:
    return f"{from_us(instant_us, context.campaign.zone):%Y-%m-%d %H:%M}"
