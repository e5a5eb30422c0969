"""Groups of which many are under 18: they are left out unless the campaign says `minors:`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dispatcher.campaign.context import LintContext
from dispatcher.campaign.rules.walk import rules_of
from dispatcher.core.diagnostics import Diagnostic

CODES: Final = {"minors-left-out": "The audience names a group of which many are under 18, who are left out."}
_YOUNG: Final = ("pelajar", "pemilih-pemula")


def check(context: LintContext) -> Iterator[Diagnostic]:
    if context.campaign.minors is not None:
        return
    for path, rule in rules_of(context.campaign):
        if path[-1] == "exclude":
            continue
        for index, group in enumerate(rule.groups):
            if group in _YOUNG:
                message = f"many of `{group}` are under 18, and are left out"
                hint = 'to reach them from 17 on: `minors: {basis: "whose parents agreed, and how"}`'
                yield context.at((*path, "groups", index), "minors-left-out", "warning", message, hint=hint)
