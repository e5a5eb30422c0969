"""Caps of a campaign beside those of the installation: only stricter ones have an effect, and none at all is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dispatcher.campaign.context import LintContext
from dispatcher.campaign.model import Caps
from dispatcher.core.diagnostics import Diagnostic

CODES: Final = {
    "caps-exempt": "The campaign is exempt from the caps: people get its messages whatever else they had.",
    "caps-loose": "A cap allows more than that of the installation, which counts.",
}


def check(context: LintContext) -> Iterator[Diagnostic]:
    own = context.campaign.caps
    if own == "exempt":
        message = "this campaign is exempt from the caps: people get it whatever else they had"
        hint = "for what cannot wait; else remove the line"
        yield context.at(("caps",), "caps-exempt", "warning", message, hint=hint)
    elif own is not None and context.known.caps is not None:
        yield from _loose(context, own, context.known.caps)


def _loose(context: LintContext, own: Caps, installation: Caps) -> Iterator[Diagnostic]:
    for name in Caps.model_fields:
        wanted, allowed = getattr(own, name), getattr(installation, name)
        if wanted is not None and allowed is not None and wanted > allowed:
            message = f"this installation allows {allowed}, so {wanted} has no effect"
            yield context.at(("caps", name), "caps-loose", "warning", message, hint="write a smaller number, or none")
