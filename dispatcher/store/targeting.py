"""Whom a rule means, as SQL: the very people of `audience.targeting`, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Select, and_, false, not_, or_, select, true

from dispatcher.audience.areas import Area
from dispatcher.audience.selection import parse
from dispatcher.campaign.model import Audience, Outcome, Rule, StepRule
from dispatcher.core.status import GOOD
from dispatcher.store.selection import Scope, compile_expression, is_member, two_valued
from dispatcher.store.tables import answers, campaigns, contacts, messages, session_people


def select_contacts(
    audience: Audience, step: Rule, scope: Scope, *, after_id: int = 0, limit: int | None = None
) -> Select[int]:
    """Ids, ascending, of the contacts that a step means and whose id is above `after_id`; erased ones never.

    Add columns with `add_columns`; the next page begins after the last id of this one.
    """
    page = select(contacts.c.id).where(contacts.c.id > after_id, contacts.c.erased_us.is_(None))
    return page.where(compile_audience(audience, step, scope)).order_by(contacts.c.id).limit(limit)


def compile_audience(audience: Audience, step: Rule, scope: Scope) -> ColumnElement[bool]:
    """A condition on `contacts`. An audience that says nothing means nobody."""
    if audience.is_empty and not audience.everyone:
        return false()
    meant = and_(compile_rule(audience, scope), compile_rule(step, scope))
    if audience.exclude.is_empty:
        return meant
    return and_(meant, not_(two_valued(compile_rule(audience.exclude, scope))))


def compile_rule(rule: Rule, scope: Scope) -> ColumnElement[bool]:
    """Every line that the rule gives holds. NULL counts as false. Raises SelectionProblem."""
    return and_(true(), *_lines(rule, scope))


def _lines(rule: Rule, scope: Scope) -> Iterator[ColumnElement[bool]]:
    if rule.groups:
        yield is_member(rule.groups)
    if rule.roles:
        yield contacts.c.role.in_(rule.roles)
    if rule.regions:
        yield or_(*(_lives_in(Area.parse(region)) for region in rule.regions))
    if rule.languages:
        yield contacts.c.language.in_(rule.languages)
    if rule.where.strip():
        yield compile_expression(parse(rule.where, scope.attributes), scope)
    for outcome in rule.outcomes:
        yield from _came_to(outcome)
    if isinstance(rule, StepRule) and rule.rsvp:
        yield _said(rule.rsvp, scope.session)


def _lives_in(area: Area) -> ColumnElement[bool]:
    if area.rw is None:
        below = contacts.c.region.startswith(f"{area.code}.", autoescape=True)
        return or_(contacts.c.region == area.code, below)
    place = and_(contacts.c.region == area.code, contacts.c.rw == area.rw)
    return place if area.rt is None else and_(place, contacts.c.rt == area.rt)


def _said(wanted: Sequence[str], session: str) -> ColumnElement[bool]:
    p = session_people.c
    said = select(p.rsvp).where(p.session_slug == session, p.contact_id == contacts.c.id, p.rsvp != "")
    said = said.correlate(contacts)
    found = said.where(p.rsvp.in_(sorted(wanted))).exists()
    return or_(found, not_(said.exists())) if "none" in wanted else found


def _came_to(outcome: Outcome) -> Iterator[ColumnElement[bool]]:
    campaign = select(campaigns.c.id).where(campaigns.c.slug == outcome.campaign).scalar_subquery()
    if outcome.answered is not None:
        answer = select(1).where(answers.c.campaign_id == campaign, answers.c.contact_id == contacts.c.id)
        answer = answer.correlate(contacts)
        if isinstance(outcome.answered, str):
            answer = answer.where(answers.c.meaning == outcome.answered)
        yield not_(answer.exists()) if outcome.answered is False else answer.exists()
    if outcome.delivered is not None:
        reached = select(1).where(messages.c.campaign_id == campaign, messages.c.contact_id == contacts.c.id)
        reached = reached.where(messages.c.status.in_(sorted(GOOD))).correlate(contacts)
        yield reached.exists() if outcome.delivered else not_(reached.exists())
