"""The fields and values of selection expressions as SQL terms.

An attribute is NULL where the contact lacks it or holds another type than the declared one. JSON numbers become
decimals on Postgres and stay 64-bit numbers on SQLite: equal for up to 15 digits, which is what expressions may hold.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    case,
    cast,
    func,
    literal,
    type_coerce,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from dispatcher.audience.selection_nodes import AGE, Field, FieldType, Scalar
from dispatcher.store.tables import contacts

_ISO_DATE: Final = "-".join("[0-9]" * digits for digits in (4, 2, 2))
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


class _Number(TypeDecorator[Any]):
    """A decimal on Postgres; SQLite has none, and compares integers and doubles exactly."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Float() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value if dialect.name == "sqlite" else Decimal(repr(value))


def term(field: Field, birthday_year: int, *, is_sqlite: bool) -> ColumnElement[Any]:
    """The field of a contact; `birthday_year` is the year in which ages are counted."""
    if field == AGE:
        return literal(birthday_year, Integer) - contacts.c.birth_year
    if field.built_in:
        found: ColumnElement[Any] = contacts.c[field.name]
    else:
        found = _on_sqlite(field) if is_sqlite else _on_postgres(field)
    return found if is_sqlite or field.type not in ("text", "date") else found.collate("C")


def value(field: Field, written: Scalar) -> ColumnElement[Any]:
    """A bound parameter of the field's type."""
    return literal(written, _Number() if field.type in ("integer", "number") else None)


def _on_sqlite(field: Field) -> ColumnElement[Any]:
    path = literal(f'$."{field.name}"', Text)
    has_type: ColumnElement[bool] = func.json_type(contacts.c.attributes, path).in_(_SQLITE_TYPES[field.type])
    extracted = func.json_extract(contacts.c.attributes, path)
    if field.type == "date":
        has_type = and_(has_type, extracted.op("GLOB", is_comparison=True)(literal(_ISO_DATE)))
    return case((has_type, type_coerce(extracted, Boolean if field.type == "boolean" else Text)))


def _on_postgres(field: Field) -> ColumnElement[Any]:
    name = literal(field.name, Text)
    has_type: ColumnElement[bool] = (
        func.jsonb_typeof(contacts.c.attributes.op("->")(name)) == _POSTGRES_TYPES[field.type]
    )
    text = contacts.c.attributes.op("->>", return_type=Text())(name)
    if field.type == "date":
        has_type = and_(has_type, text.regexp_match(f"^{_ISO_DATE}$"))
    if field.type in ("integer", "number"):
        return case((has_type, cast(text, Numeric)))
    return case((has_type, cast(text, Boolean) if field.type == "boolean" else text))
