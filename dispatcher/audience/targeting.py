"""Whom a rule means. `store/targeting.py` compiles the same rules to SQL; the two always agree."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from dispatcher.audience.areas import Area
from dispatcher.audience.person import Person, Standing
from dispatcher.audience.selection import AttributeType, evaluate, parse
from dispatcher.campaign.model import Audience, Outcome, Rule, StepRule


def is_targeted(
    audience: Audience,
    step: Rule,
    person: Person,
    attributes: Mapping[str, AttributeType],
    *,
    on: date,
    session: str = "",
) -> bool:
    """Whether a step of the campaign means this person. An audience that says nothing means nobody.

    `session`: that the step invites to; "" for none.
    """
    if isinstance(step, StepRule) and step.rsvp and person.rsvps.get(session, "none") not in step.rsvp:
        return False
    if audience.is_empty and not audience.everyone:
        return False
    included = all(matches(rule, person, attributes, on=on) for rule in (audience, step))
    return included and not (not audience.exclude.is_empty and matches(audience.exclude, person, attributes, on=on))


def matches(rule: Rule, person: Person, attributes: Mapping[str, AttributeType], *, on: date) -> bool:
    """Every line that the rule gives holds; a rule without lines holds for everyone. Raises SelectionProblem."""
    return (
        (not rule.groups or not person.groups.isdisjoint(rule.groups))
        and (not rule.roles or person.role in rule.roles)
        and (not rule.regions or _lives_in(rule.regions, person))
        and (not rule.languages or person.language in rule.languages)
        and (not rule.where.strip() or evaluate(parse(rule.where, attributes), person, on=on))
        and all(_came_to(outcome, person.campaigns.get(outcome.campaign, Standing())) for outcome in rule.outcomes)
    )


def _lives_in(regions: tuple[str, ...], person: Person) -> bool:
    return any(Area.parse(region).holds(person.region, person.rw, person.rt) for region in regions)


def _came_to(outcome: Outcome, standing: Standing) -> bool:
    answered = outcome.answered is None or (
        standing.answer == outcome.answered
        if isinstance(outcome.answered, str)
        else (standing.answer is not None) == outcome.answered
    )
    return answered and outcome.delivered in (None, standing.delivered)
