"""The expression language of `where:`, e.g. `umur >= 17 and not pengurus`. For its users: docs/targeting.md.

    expression = parse("umur >= 17 and kelompok in ['pkk']", {"pengurus": "boolean"}, groups={"rt", "pkk"})
    evaluate(expression, person, on=date(2027, 2, 10))

There is no third truth value. What a person lacks equals nothing, is in no list, and is neither less nor greater than
anything; `!=` and `not in` are exactly the opposites of `==` and `in`, so they hold for it. A stored value of another
type than the declared one counts as lacking. `store/selection.py` compiles the same expressions to SQL.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any, Final, TypeGuard

from dispatcher.audience.person import Person
from dispatcher.audience.selection_nodes import (
    AGE,
    BUILT_IN,
    GROUPS,
    And,
    AttributeType,
    Compare,
    Expression,
    Field,
    FieldType,
    In,
    Not,
    Or,
    Scalar,
    SelectionProblem,
    Value,
)
from dispatcher.audience.selection_parse import Parser
from dispatcher.audience.selection_types import is_iso_date

__all__ = ["BUILT_IN", "AttributeType", "Expression", "SelectionProblem", "evaluate", "parse"]

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def parse(text: str, attributes: Mapping[str, AttributeType], *, groups: Collection[str] | None = None) -> Expression:
    """Raises SelectionProblem. Without `groups`, any group may be named."""
    return Parser(text, attributes, groups).parse()


def evaluate(expression: Expression, person: Person, *, on: date) -> bool:
    """Whether the person is meant; `on` is the step's day, from which ages are counted."""
    match expression:
        case Compare():
            return _compare(expression, person, on)
        case In(field, values):
            return bool(_groups_or_value(field, person, on) & frozenset(values))
        case Not(part):
            return not evaluate(part, person, on=on)
        case And(parts):
            return all(evaluate(part, person, on=on) for part in parts)
        case Or(parts):
            return any(evaluate(part, person, on=on) for part in parts)


def _compare(comparison: Compare, person: Person, on: date) -> bool:
    left = _value(comparison.field, person, on)
    other = comparison.other
    right = other.value if isinstance(other, Value) else _value(other, person, on)
    return left is not None and right is not None and _COMPARE[comparison.operator](left, right)


def _groups_or_value(field: Field, person: Person, on: date) -> frozenset[Scalar]:
    if field == GROUPS:
        return frozenset(person.groups)
    value = _value(field, person, on)
    return frozenset() if value is None else frozenset((value,))


def _value(field: Field, person: Person, on: date) -> Scalar | None:
    if field == AGE:
        return None if person.birth_year is None else on.year - person.birth_year
    value = getattr(person, field.name) if field.built_in else person.attributes.get(field.name)
    return value if _has_type(value, field.type) else None


def _has_type(value: object, kind: FieldType) -> TypeGuard[Scalar]:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in ("integer", "number"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) and (kind != "date" or is_iso_date(value))
