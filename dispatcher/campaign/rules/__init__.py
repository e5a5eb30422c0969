"""Lint rules, one a file. Each has `check(context)`, which yields diagnostics, and `CODES`: what its codes mean."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from types import ModuleType
from typing import Final

from dispatcher.campaign.context import LintContext
from dispatcher.campaign.rules import (
    answers,
    audience,
    caps,
    goal,
    minors,
    neutrality,
    parameters,
    purpose,
    route,
    schedule,
    sessions,
    stop,
    templates,
    variables,
    wording,
)
from dispatcher.core.diagnostics import Diagnostic

RULES: Final[tuple[ModuleType, ...]] = (
    purpose,
    audience,
    minors,
    caps,
    sessions,
    schedule,
    route,
    parameters,
    templates,
    variables,
    wording,
    stop,
    answers,
    neutrality,
    goal,
)


def lint(context: LintContext) -> Iterator[Diagnostic]:
    return chain.from_iterable(rule.check(context) for rule in RULES)
