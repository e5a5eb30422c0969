"""Whom the campaign means: groups, roles, regions, languages, expressions, other campaigns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dispatcher.campaign.context import Finding, LintContext
from dispatcher.campaign.model import Rule
from dispatcher.campaign.positions import Path
from dispatcher.campaign.rules.walk import rules_of
from dispatcher.core import region
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.suggest import did_you_mean, listed

CODES: Final = {
    "audience-empty": "The audience is narrowed by nothing, and does not say `everyone: true`.",
    "audience-everyone": "`everyone: true` stands beside lines that narrow the audience.",
    "unknown-group": "A group that is neither known nor declared.",
    "unknown-role": "A role that is not known.",
    "unknown-region": "A region code that does not exist, or RW and RT that cannot be read.",
    "unknown-language": "A language that texts cannot be written in.",
    "unknown-campaign": "An outcome of a campaign that is not known here.",
    "where": "An expression that cannot be read, or that uses an unknown attribute.",
}
LANGUAGES: Final = ("id", "en")
_NEIGHBOURHOOD: Final = re.compile(r"(/[0-9]{1,4}){0,2}")


def check(context: LintContext) -> Iterator[Diagnostic]:
    yield from _extent(context)
    for path, rule in rules_of(context.campaign):
        yield from _memberships(context, path, rule)
        yield from _regions(context, path, rule)
        yield from _where(context, path, rule)
        yield from _outcomes(context, path, rule)


def _extent(context: LintContext) -> Iterator[Diagnostic]:
    audience = context.campaign.audience
    if audience.is_empty and not audience.everyone:
        hint = "narrow it by groups, regions, roles or `where:`, or say `everyone: true`"
        yield context.at(("audience",), "audience-empty", "error", "the audience says nothing", hint=hint, key=True)
    elif audience.everyone and not audience.is_empty:
        message = "`everyone: true` has no effect beside lines that narrow the audience"
        yield context.at(("audience", "everyone"), "audience-everyone", "warning", message, hint="remove it")


def _memberships(context: LintContext, path: Path, rule: Rule) -> Iterator[Diagnostic]:
    groups, roles = context.known.groups, context.known.roles
    for index, group in enumerate(rule.groups):
        if groups is not None and group not in groups:
            hint = did_you_mean(group, groups, f"known: {listed(groups)}; more are declared in the settings")
            message = f"there is no group `{group}`"
            yield context.at((*path, "groups", index), "unknown-group", "error", message, hint=hint)
    for index, role in enumerate(rule.roles):
        if roles is not None and role not in roles:
            hint = did_you_mean(role, roles, f"known: {listed(roles)}")
            yield context.at((*path, "roles", index), "unknown-role", "warning", f"unknown role `{role}`", hint=hint)
    for index, language in enumerate(rule.languages):
        if language not in LANGUAGES:
            message = f'there are no people with the language "{language}"'
            hint = f"one of: {', '.join(LANGUAGES)}"
            yield context.at((*path, "languages", index), "unknown-language", "error", message, hint=hint)


def _regions(context: LintContext, path: Path, rule: Rule) -> Iterator[Diagnostic]:
    for index, code in enumerate(rule.regions):
        if not is_area(code):
            hint = 'write a code such as "31.74" or "31.74.05.1003", with RW and RT below it: "31.74.05.1003/7/3"'
            yield context.at(
                (*path, "regions", index), "unknown-region", "error", f'there is no region "{code}"', hint=hint
            )


def is_area(text: str) -> bool:
    """A region that exists; RW and RT only below a kelurahan."""
    code, slash, below = text.partition("/")
    if region.parse_code(code) != code or not _NEIGHBOURHOOD.fullmatch(slash + below):
        return False
    return not slash or region.level(code) == region.KELURAHAN


def _where(context: LintContext, path: Path, rule: Rule) -> Iterator[Diagnostic]:
    checker = context.known.check_expression
    for problem in checker(rule.where) if checker and rule.where.strip() else ():
        yield context.inside((*path, "where"), problem, Finding("where", "error", problem.message, problem.hint))


def _outcomes(context: LintContext, path: Path, rule: Rule) -> Iterator[Diagnostic]:
    known = context.known.campaigns
    for index, outcome in enumerate(rule.outcomes):
        if known is not None and outcome.campaign not in {*known, context.campaign.campaign}:
            message = f"no campaign `{outcome.campaign}` is known here"
            place = (*path, "outcomes", index, "campaign")
            hint = did_you_mean(outcome.campaign, known, "until it has run, nobody counts as reached by it")
            yield context.at(place, "unknown-campaign", "info", message, hint=hint)
