"""Selection expressions as SQL, for SQLite and Postgres: the very people that `audience.selection.evaluate` means.

Every comparison is made two-valued where it stands (`coalesce(…, false)`), so that `not` means the same in both. Numbers
compare as decimals, texts by code point (`COLLATE "C"`, BINARY). Whatever a campaign wrote travels as a bound parameter.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Float,
    Integer,
    Numeric,
    Text,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from dispatcher.audience.selection import AttributeType, Expression
from dispatcher.audience.selection_nodes import (
    AGE,
    GROUPS,
    And,
    Compare,
    Field,
    FieldType,
    In,
    Not,
    Or,
    Scalar,
    Value,
)
from dispatcher.store.tables import contacts, memberships

_COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SQLITE_TYPES: Final[Mapping[FieldType, tuple[str, ...]]] = {
    "integer": ("integer", "real"),
    "number": ("integer", "real"),
    "boolean": ("true", "false"),
    "text": ("text",),
    "date": ("text",),
}
_POSTGRES_TYPES: Final[Mapping[FieldType, str]] = {
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "text": "string",
    "date": "string",
}
_ISO_DATE: Final = "-".join("[0-9]" * digits for digits in (4, 2, 2))


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression is compiled for: the kind of database, and the day from which ages are counted."""

    is_sqlite: bool
    on: date
    attributes: Mapping[str, AttributeType] = field(default_factory=dict)


def compile_expression(expression: Expression, scope: Scope) -> ColumnElement[bool]:
    """A condition on `contacts` that is true or false, never NULL."""
    match expression:
        case Compare():
            return _two_valued(_compare(expression, scope))
        case In(field, values) if field == GROUPS:
            return member_of(values)
        case In(field, values):
            return _two_valued(_column(field, scope).in_([_value(field, value) for value in values]))
        case Not(part):
            return not_(compile_expression(part, scope))
        case And(parts):
            return and_(*(compile_expression(part, scope) for part in parts))
        case Or(parts):
            return or_(*(compile_expression(part, scope) for part in parts))


def member_of(groups: tuple[Scalar, ...]) -> ColumnElement[bool]:
    """A membership of the contact in any of the groups exists."""
    mine = memberships.c.contact_id == contacts.c.id
    return select(1).where(mine, memberships.c.group_slug.in_(groups)).exists()


def two_valued(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return func.coalesce(condition, false(), type_=Boolean)


def _compare(comparison: Compare, scope: Scope) -> ColumnElement[bool]:
    left = _column(comparison.field, scope)
    other = comparison.other
    right = _value(comparison.field, other.value) if isinstance(other, Value) else _column(other, scope)
    if comparison.field.type == "text" and not scope.is_sqlite:
        left = left.collate("C")
    compared: ColumnElement[bool] = _COMPARE[comparison.operator](left, right)
    return compared
