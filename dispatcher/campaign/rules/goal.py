"""The goal, and the people left out by chance to measure the effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dispatcher.campaign.context import LintContext
from dispatcher.core.diagnostics import Diagnostic

CODES: Final = {
    "holdout-large": "More than a third of the people are left out by chance.",
    "holdout-small": "So few are left out by chance that no effect can be measured.",
    "no-consent": "The campaign relies on a legal basis other than consent.",
}


def check(context: LintContext) -> Iterator[Diagnostic]:
    share = context.campaign.holdout
    if share > 1 / 3:
        message = f"{share:.0%} of the people would not be reached"
        yield context.at(("holdout",), "holdout-large", "warning", message, hint="0.05 to 0.1 is usual")
    elif 0 < share < 0.01:
        message = "with less than 1 % left out, no effect can be measured"
        yield context.at(("holdout",), "holdout-small", "warning", message, hint="0.05 to 0.1 is usual")
    if context.campaign.consent == "not-required":
        message = "people without consent are messaged too: the legal basis must be on record"
        yield context.at(("consent",), "no-consent", "info", message)
