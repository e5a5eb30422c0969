"""The purpose is one that this installation declares: a slip would ask for a consent that nobody gave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dispatcher.campaign.context import LintContext
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.suggest import did_you_mean, listed

CODES: Final = {"unknown-purpose": "A purpose that the settings do not declare, where they declare any."}


def check(context: LintContext) -> Iterator[Diagnostic]:
    known, purpose = context.known.purposes, context.campaign.purpose
    if known and purpose not in known:
        hint = did_you_mean(purpose, known, f"known: {listed(known)}; more are declared in the settings")
        yield context.at(("purpose",), "unknown-purpose", "error", f"there is no purpose `{purpose}`", hint=hint)
