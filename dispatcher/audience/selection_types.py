"""Which comparisons make sense: checked while parsing, so that evaluators never meet a mismatch."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from dispatcher.audience.selection_nodes import Field, FieldType, Scalar
from dispatcher.audience.selection_tokens import Token

_CODE: Final = "selection-type"
_IS: Final[dict[FieldType, str]] = {
    "integer": "a whole number",
    "number": "a number",
    "text": "text",
    "boolean": "true or false",
    "date": "a date",
    "groups": "a set of groups",
}
_WRITE: Final[dict[FieldType, str]] = {
    "integer": "write a whole number without quotes, dots or commas, e.g. 1500",
    "number": "write a number without quotes, with a decimal point, e.g. 2.5",
    "text": 'write the text in quotes, e.g. "Menteng"',
    "boolean": "write true or false, or the attribute alone",
    "date": 'write a date as "2007-02-10": year, month, day',
    "groups": 'write the name of a group in quotes, e.g. kelompok in ["rt", "pkk"]',
}
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def check_value(here: Token, field: Field, value: Scalar) -> None:
    """Raises SelectionProblem where `field` cannot be compared with this value."""
    if not _fits(field.type, value):
        raise here.problem(f"{field.name} is {_IS[field.type]}, {here.text} is not", _WRITE[field.type], _CODE)


def check_fields(here: Token, left: Field, right: Field) -> None:
    numeric = {"integer", "number"}
    if "groups" in (left.type, right.type):
        raise here.problem("groups are compared with names of groups only", _WRITE["groups"], _CODE)
    if left.type != right.type and not {left.type, right.type} <= numeric:
        message = f"{left.name} is {_IS[left.type]}, {right.name} is {_IS[right.type]}"
        raise here.problem(message, "compare attributes of the same type", _CODE)


def check_operator(here: Token, field: Field) -> None:
    if field.type in ("boolean", "groups") and here.text not in ("==", "!="):
        raise here.problem(f"{field.name} is {_IS[field.type]}, which has no order", 'use "==" or "!="', _CODE)


def truth(here: Token, field: Field) -> Field:
    """The field, if it can stand alone as a condition."""
    if field.type != "boolean":
        hint = f"compare it, e.g. {field.name} == …"
        raise here.problem(f"{field.name} is {_IS[field.type]}, and does not say yes or no", hint, _CODE)
    return field


def is_iso_date(text: str) -> bool:
    """Whether it has the shape of a date. Shape alone, as databases can check it: ISO dates sort as text."""
    return _ISO_DATE.fullmatch(text) is not None


def _fits(kind: FieldType, value: Scalar) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) and (kind != "date" or _is_date(value))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return is_iso_date(text)
