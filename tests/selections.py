"""Random selection expressions, and people to try them on."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final, cast

from hypothesis import strategies as st

from dispatcher.audience.person import Person
from dispatcher.audience.selection import AttributeType, Expression
from dispatcher.audience.selection_nodes import (
    AGE,
    BIRTH_YEAR,
    GROUPS,
    LANGUAGE,
    ROLE,
    RT,
    RW,
    SALUTATION,
    And,
    Compare,
    Field,
    In,
    Not,
    Operator,
    Or,
    Scalar,
    Value,
)

ATTRIBUTES: Final[Mapping[str, AttributeType]] = {
    "anak": "integer",
    "kartu": "integer",
    "jarak": "number",
    "sekolah": "text",
    "catatan": "text",
    "pengurus": "boolean",
    "hadir": "boolean",
    "sejak": "date",
    "sampai": "date",
}
GROUP_NAMES: Final = ("rt", "rw", "pkk", "lmk")

_NAMES: Final = {
    AGE: "umur",
    BIRTH_YEAR: "tahun_lahir",
    LANGUAGE: "bahasa",
    ROLE: "jabatan",
    SALUTATION: "sapaan",
    RT: "rt",
    RW: "rw",
    GROUPS: "kelompok",
}
_FIELDS: Final = (*_NAMES, *(Field(name, kind) for name, kind in ATTRIBUTES.items()))
_ORDERED: Final = ("==", "<", "<=", ">", ">=")

# Few distinct values, so that comparisons meet; and some that only byte order, escapes and types get right.
_TEXTS: Final = st.one_of(
    st.sampled_from(("", "a", "B", "b", "id", "en", "ketua", "é", "e\u0301x", "z", "Z", "ß", "😀", "\uffee")),
    st.sampled_from(("a'b", 'a"b', "a\\b", "%", "a_b")),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=4),
).map(lambda text: unicodedata.normalize("NFC", text))  # fmt: skip
_WHOLE: Final = st.one_of(st.integers(-2, 4), st.integers(-(10**15) + 1, 10**15 - 1))
_DECIMAL: Final = st.decimals(-9999, 9999, places=4).map(float) | st.sampled_from((0.1, 0.3, 2.5, 0.0001, -0.5))
_DATES: Final = st.sampled_from(("2007-02-09", "2007-02-10", "2007-12-01")) | st.dates().map(
    lambda day: day.isoformat()
)

_VALUES: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "integer": _WHOLE,
    "number": _WHOLE | _DECIMAL,
    "text": _TEXTS,
    "boolean": st.booleans(),
    "date": _DATES,
    "groups": st.sampled_from(GROUP_NAMES),
}
_STORED: Final = st.one_of(
    _WHOLE, _DECIMAL, st.floats(-1e6, 1e6), _TEXTS, st.booleans(), _DATES, st.none(), st.just([1]), st.just({"a": 1})
)


def expressions() -> st.SearchStrategy[Expression]:
    return st.recursive(st.sampled_from(_FIELDS).flatmap(_leaf), _joined, max_leaves=8)


def people() -> st.SearchStrategy[Person]:
    small = st.none() | st.integers(0, 4)
    attributes = st.fixed_dictionaries(
        {}, optional={name: _VALUES[kind] | _STORED for name, kind in ATTRIBUTES.items()}
    )
    return st.builds(
        Person,
        language=_TEXTS,
        role=_TEXTS,
        salutation=_TEXTS,
        rw=small,
        rt=small,
        birth_year=st.none() | st.integers(2006, 2012) | st.integers(1900, 2027),
        groups=st.frozensets(st.sampled_from(GROUP_NAMES)),
        attributes=attributes,
    )


def written(expression: Expression) -> str:
    """The expression as a campaign would say it."""
    match expression:
        case Compare(sign, field, Value(True)) if field.type == "boolean" and sign == "==":
            return _name(field)
        case Compare(sign, field, other):
            return f"{_name(field)} {sign} {_literal(other.value) if isinstance(other, Value) else _name(other)}"
        case In(field, values):
            return f"{_name(field)} in [{', '.join(map(_literal, values))}]"
        case Not(part):
            return f"not ({written(part)})"
        case And(parts):
            return " and ".join(f"({written(part)})" for part in parts)
        case Or(parts):
            return " or ".join(f"({written(part)})" for part in parts)


def _leaf(field: Field) -> st.SearchStrategy[Expression]:
    values = _VALUES[field.type]
    contained = st.builds(In, st.just(field), st.lists(values, min_size=1, max_size=4, unique=True).map(tuple))
    if field.type == "groups":
        return cast(st.SearchStrategy[Expression], contained)
    signs = st.just("==") if field.type == "boolean" else st.sampled_from(_ORDERED)
    alike = [f for f in _FIELDS if f.type == field.type or {f.type, field.type} == {"integer", "number"}]
    other = values.map(Value) | st.sampled_from(alike)
    compared = st.builds(Compare, cast(st.SearchStrategy[Operator], signs), st.just(field), other)
    return cast(st.SearchStrategy[Expression], compared | contained)


def _joined(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(Not, parts) | st.builds(And, several) | st.builds(Or, several)


def _name(field: Field) -> str:
    return _NAMES.get(field, field.name)


def _literal(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{value:.4f}" if isinstance(value, float) else str(value)
