"""Templates that cannot be rendered, as the renderer reports them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dispatcher.campaign.context import Finding, LintContext, Problem, TextFacts
from dispatcher.campaign.rules import variables
from dispatcher.campaign.rules.walk import templates_of
from dispatcher.core.diagnostics import Diagnostic

CODES: Final = {
    "template-syntax": "A text is not valid Jinja.",
    "template-undefined": "Rendering met a variable without a value.",
    "template-value": "A filter got a value it cannot use.",
    "template-budget": "Rendering takes too much time or memory.",
    "template-too-long": "A text is longer than a message may be while it is rendered.",
    "template-forbidden": "A text uses a construct that messages may not use.",
    "template-personal-link": "A text changes a personal link, so that it would lead nowhere.",
}


def check(context: LintContext) -> Iterator[Diagnostic]:
    told = {(d.file, d.line) for d in variables.check(context) if d.code in ("undefined-variable", "session-variable")}
    for facts in templates_of(context):
        for problem in facts.problems:
            diagnostic = _diagnostic(context, facts, problem)
            if problem.code != "template-undefined" or (diagnostic.file, diagnostic.line) not in told:
                yield diagnostic


def _diagnostic(context: LintContext, facts: TextFacts, problem: Problem) -> Diagnostic:
    return context.inside(facts.text.path, problem, Finding(problem.code, "error", problem.message, problem.hint))
