"""What all tables are made of: the metadata, and columns by kind."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    literal_column,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_OPTIONS = "options"

Big = BigInteger().with_variant(Integer, "sqlite")


class Document(TypeDecorator[Any]):
    """JSON, and JSONB on Postgres. Not a variant of JSON: that would load Postgres's dialect for SQLite too."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "postgresql":
            return dialect.type_descriptor(JSON())
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB())

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """So that what is compared with an element of it is not taken for a document."""
        return self.impl_instance.coerce_compared_value(op, value)


class State(Text):
    """One of the words of `core/status.py`, compared as a literal.

    SQLite uses an index of some states only where the statement itself says which one: with a parameter it reads the
    whole table.
    """

    cache_ok = True

    class comparator_factory(Text.Comparator[str]):  # noqa: N801  SQLAlchemy's name
        def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
            if op is operators.eq and other and isinstance(other[0], str) and other[0].isidentifier():
                other = (literal_column(f"'{other[0]}'"), *other[1:])
            return super().operate(op, *other, **kwargs)


def id_column(*args: Any) -> Column[int]:
    return Column("id", Big, *args, primary_key=True, autoincrement=False)


def word_column(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


def count_column(name: str, default: int = 0) -> Column[int]:
    return Column(name, Big, nullable=False, server_default=str(default))


def flag_column(name: str, *, default: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("true" if default else "false"))


def us_column(name: str, *, required: bool = False) -> Column[int]:
    return Column(name, Big, nullable=not required)


def partial_index(name: str, *columns: str, where: str) -> Index:
    """An index of the rows that fit."""
    return Index(name, *columns, info=options(postgresql_where=text(where), sqlite_where=text(where)))


def options(**options: Any) -> dict[str, Any]:
    """As `info`: what a database is told of a table or an index when it is made.

    Said as keywords at once, Postgres's dialect would be loaded to look at them, for SQLite too.
    """
    return {_OPTIONS: options}


def complete() -> MetaData:
    """The metadata with every option in its place, for whoever makes a schema."""
    made: list[Table | Index] = [*metadata.tables.values()]
    made += [index for table in metadata.tables.values() for index in table.indexes]
    for one in made:
        one.dialect_kwargs.update(one.info.get(_OPTIONS, {}))
    return metadata
