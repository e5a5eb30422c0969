"""What all tables are made of: the metadata, and columns by kind."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Integer,
    MetaData,
    Text,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import operators

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Big = BigInteger().with_variant(Integer, "sqlite")
Document = JSON().with_variant(JSONB(), "postgresql")


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
