"""Selection expressions as SQL, for SQLite and Postgres: the very people that `audience.selection.evaluate` means.

Every comparison is made two-valued where it stands (`coalesce(…, false)`), so that `not` means the same in both. Texts
compare by code point (`COLLATE "C"`, BINARY). Whatever a campaign wrote travels as a bound parameter.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, and_, false, func, not_, or_, select

from dispatcher.audience.selection import AttributeType, Expression
from dispatcher.audience.selection_nodes import GROUPS, And, Compare, In, Not, Or, Scalar, Value
from dispatcher.store.selection_columns import term, value
from dispatcher.store.tables import contacts, memberships

_COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What conditions are compiled for: the kind of database, the step's day, the declared attributes, its session."""

    is_sqlite: bool
    on: date
    attributes: Mapping[str, AttributeType] = field(default_factory=dict)
    session: str = ""


def compile_expression(expression: Expression, scope: Scope) -> ColumnElement[bool]:
    """A condition on `contacts` that is true or false, never NULL."""
    match expression:
        case Compare():
            return two_valued(_compare(expression, scope))
        case In(attribute, values) if attribute == GROUPS:
            return is_member(values)
        case In(attribute, values):
            one_of = term(attribute, scope.on.year, is_sqlite=scope.is_sqlite).in_(
                [value(attribute, v) for v in values]
            )
            return two_valued(one_of)
        case Not(part):
            return not_(compile_expression(part, scope))
        case And(parts):
            return and_(*(compile_expression(part, scope) for part in parts))
        case Or(parts):
            return or_(*(compile_expression(part, scope) for part in parts))


def is_member(groups: Iterable[Scalar]) -> ColumnElement[bool]:
    """The contact belongs to at least one of the groups."""
    mine = memberships.c.contact_id == contacts.c.id
    return select(1).where(mine, memberships.c.group_slug.in_(list(groups))).correlate(contacts).exists()


def two_valued(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """False where it is NULL."""
    return func.coalesce(condition, false(), type_=Boolean)


def _compare(comparison: Compare, scope: Scope) -> ColumnElement[bool]:
    left = term(comparison.field, scope.on.year, is_sqlite=scope.is_sqlite)
    other = comparison.other
    if isinstance(other, Value):
        right = value(comparison.field, other.value)
    else:
        right = term(other, scope.on.year, is_sqlite=scope.is_sqlite)
    compared: ColumnElement[bool] = _COMPARE[comparison.operator](left, right)
    return compared
