"""What a selection expression is made of once it is parsed and its types are checked.

Only the shapes that evaluators need: `!=` is `Not(Compare("=="))`, `not in` is `Not(In)`, an attribute standing alone
is `Compare("==", attribute, true)`, and a value written on the left is moved to the right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

AttributeType = Literal["integer", "number", "text", "boolean", "date"]
FieldType = Literal["integer", "number", "text", "boolean", "date", "groups"]
Operator = Literal["==", "<", "<=", ">", ">="]
Scalar = int | float | str | bool


@dataclass(frozen=True, slots=True)
class Field:
    """Something known about a person: a column of ours (`built_in`), or a declared attribute of the contact file."""

    name: str
    type: FieldType
    built_in: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A value as written. A date stays in its ISO form, which sorts as dates do."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Compare:
    operator: Operator
    field: Field
    other: Field | Value


@dataclass(frozen=True, slots=True)
class In:
    """The field equals one of the values; for `groups`: the person is a member of one of them."""

    field: Field
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Expression


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Expression, ...]


Expression = Compare | In | Not | And | Or

AGE: Final = Field("age", "integer", built_in=True)
BIRTH_YEAR: Final = Field("birth_year", "integer", built_in=True)
LANGUAGE: Final = Field("language", "text", built_in=True)
ROLE: Final = Field("role", "text", built_in=True)
SALUTATION: Final = Field("salutation", "text", built_in=True)
RT: Final = Field("rt", "integer", built_in=True)
RW: Final = Field("rw", "integer", built_in=True)
GROUPS: Final = Field("groups", "groups", built_in=True)

#: Names that always mean the same, whatever a contact file declares. Only the year of birth is stored in the clear, so
#: `umur` is the age that a person reaches in the year of the step.
BUILT_IN: Final[Mapping[str, Field]] = {
    "umur": AGE,
    "age": AGE,
    "tahun_lahir": BIRTH_YEAR,
    "birth_year": BIRTH_YEAR,
    "bahasa": LANGUAGE,
    "language": LANGUAGE,
    "jabatan": ROLE,
    "role": ROLE,
    "kelompok": GROUPS,
    "groups": GROUPS,
    "sapaan": SALUTATION,
    "salutation": SALUTATION,
    "rt": RT,
    "rw": RW,
}


class SelectionProblem(Exception):  # noqa: N818 - a finding about a text, reported as a diagnostic
    """What is wrong with an expression. `line` and `column` count from 1, within the expression.

    Codes: `selection-syntax`, `selection-unknown` (attribute or group), `selection-type`, `selection-size`.
    """

    def __init__(self, code: str, message: str, line: int, column: int, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        self.hint = hint
