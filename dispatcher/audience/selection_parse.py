"""The parser of selection expressions: recursive descent, types checked on the way.

expression = conjunction { "or" conjunction }
conjunction = negation { "and" negation }
negation = "not" negation | "(" expression ")" | comparison
comparison = name
           | operand ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) operand
           | name [ "not" ] "in" "[" value { "," value } "]"
operand = name | value
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, cast

from dispatcher.audience import selection_types as types
from dispatcher.audience.selection_nodes import (
    BUILT_IN,
    And,
    AttributeType,
    Compare,
    Expression,
    Field,
    In,
    Not,
    Operator,
    Or,
    Scalar,
    SelectionProblem,
    Value,
)
from dispatcher.audience.selection_tokens import Token, tokens

MAX_DEPTH: Final = 30

_COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
_TURNED: Final[dict[str, str]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OTHER_LANGUAGE: Final = {"dan": "and", "atau": "or", "bukan": "not", "tidak": "not", "ya": "true", "dalam": "in"}


class Parser:
    """One expression, read once. `groups` None: any group may be named."""

    def __init__(self, text: str, attributes: Mapping[str, AttributeType], groups: Collection[str] | None) -> None:
        self._tokens = list(tokens(text))
        self._at = 0
        self._depth = 0
        self._groups = groups
        declared = {name: Field(name, kind) for name, kind in attributes.items()}
        self._fields = {**declared, **BUILT_IN}

    def parse(self) -> Expression:
        expression = self._expression()
        if self._here.kind != "end":
            raise self._leftover()
        return expression

    def _expression(self) -> Expression:
        return self._joined("or", self._conjunction, Or)

    def _conjunction(self) -> Expression:
        return self._joined("and", self._negation, And)

    def _joined(
        self, word: str, part: Callable[[], Expression], join: Callable[[tuple[Expression, ...]], Expression]
    ) -> Expression:
        parts = [part()]
        while self._take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else join(tuple(parts))

    def _negation(self) -> Expression:
        start = self._here
        if start.text not in ("not", "(") or start.kind == "value":
            return self._comparison()
        self._enter()
        self._at += 1
        part = Not(self._negation()) if start.text == "not" else self._inside_parentheses(start)
        self._depth -= 1
        return part

    def _inside_parentheses(self, start: Token) -> Expression:
        expression = self._expression()
        if not self._take(")"):
            raise self._here.problem(f"the parenthesis of {start.line}:{start.column} is not closed here", 'add ")"')
        if self._here.text in _COMPARISONS or self._here.text == "in":
            raise self._here.problem("a comparison cannot begin with a parenthesis", "put it around the whole of it")
        return expression

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            message = f"more than {MAX_DEPTH} parentheses or `not` inside each other"
            raise self._here.problem(message, "write it flatter, with `and` and `or`", "selection-size")

    def _comparison(self) -> Expression:
        start = self._here
        left = self._operand()
        sign = self._here
        if sign.kind == "sign" and sign.text in _COMPARISONS:
            self._at += 1
            return self._compared(start, left, sign)
        if sign.kind == "keyword" and sign.text in ("in", "not"):
            return self._membership(start, left)
        return self._standing_alone(start, left)

    def _standing_alone(self, start: Token, left: Field | Value) -> Expression:
        if isinstance(left, Value):
            raise start.problem(
                "a value standing alone selects nobody in particular", f"compare it: umur == {start.text}"
            )
        return Compare("==", types.truth(start, left), Value(True))

    def _compared(self, start: Token, left: Field | Value, sign: Token) -> Expression:
        after = self._here
        right = self._operand()
        if self._here.text in _COMPARISONS and self._here.kind == "sign":
            raise self._here.problem("comparisons do not chain", 'join two with "and": umur >= 17 and umur < 25')
        if isinstance(left, Field):
            return self._compare(left, sign.text, right, sign, after)
        if isinstance(right, Field):
            return self._compare(right, _TURNED.get(sign.text, sign.text), left, sign, start)
        raise start.problem(
            "this compares two values, no attribute", "put text in quotes, attribute names without quotes"
        )

    def _compare(self, field: Field, sign: str, other: Field | Value, at: Token, operand: Token) -> Expression:
        if isinstance(other, Field):
            types.check_fields(at, field, other)
        else:
            self._check_value(operand, field, other.value)
        types.check_operator(at, field)
        operator = cast(Operator, "==" if sign == "!=" else sign)
        if field.type == "groups":
            compared: Expression = In(field, (cast(Value, other).value,))
        else:
            compared = Compare(operator, field, other)
        return Not(compared) if sign == "!=" else compared

    def _membership(self, start: Token, left: Field | Value) -> Expression:
        negated = self._take("not")
        if not self._take("in"):
            raise self._here.problem('"in" is missing after "not"', 'write: jabatan not in ["ketua", "sekretaris"]')
        if isinstance(left, Value):
            raise start.problem("the attribute comes before `in`", f"write: kelompok in [{start.text}]")
        contained = In(left, tuple(self._list(left)))
        return Not(contained) if negated else contained

    def _list(self, field: Field) -> Iterable[Scalar]:
        if not self._take("["):
            raise self._here.problem("a list must follow `in`", 'write: in ["rt", "rw"]')
        values = [self._listed(field)]
        while self._take(",") and self._here.text != "]":
            values.append(self._listed(field))
        if not self._take("]"):
            raise self._here.problem("the list does not end here", 'put commas between values and "]" at the end')
        return dict.fromkeys(values)

    def _listed(self, field: Field) -> Scalar:
        here = self._here
        if here.kind != "value" or here.value is None:
            raise here.problem("a value is missing in this list", 'put text in quotes: ["rt", "rw"]')
        self._at += 1
        self._check_value(here, field, here.value)
        return here.value

    def _operand(self) -> Field | Value:
        here = self._here
        if here.kind == "value" and here.value is not None:
            self._at += 1
            return Value(here.value)
        if here.kind == "name":
            self._at += 1
            return self._field(here)
        if here.kind == "end":
            raise here.problem("the expression ends too early", "write a comparison, e.g. umur >= 17")
        raise here.problem(f'"{here.text}" cannot stand here', "write a comparison, e.g. umur >= 17")

    def _field(self, here: Token) -> Field:
        if here.text in self._fields:
            return self._fields[here.text]
        hint = f'write "{_OTHER_LANGUAGE[here.text]}"' if here.text in _OTHER_LANGUAGE else self._similar(here.text)
        raise here.problem(f'there is no attribute "{here.text}"', hint, "selection-unknown")

    def _similar(self, name: str) -> str:
        close = difflib.get_close_matches(name.lower(), self._fields, n=1, cutoff=0.6)
        return f'did you mean "{close[0]}"?' if close else f"known: {', '.join(sorted(self._fields))}"

    def _check_value(self, here: Token, field: Field, value: Scalar) -> None:
        types.check_value(here, field, value)
        if field.type == "groups" and self._groups is not None and value not in self._groups:
            close = difflib.get_close_matches(str(value).lower(), self._groups, n=1, cutoff=0.5)
            hint = f'did you mean "{close[0]}"?' if close else f"known: {', '.join(sorted(self._groups))}"
            raise here.problem(f'there is no group "{value}"', hint, "selection-unknown")

    def _leftover(self) -> SelectionProblem:
        here = self._here
        if here.text == ")":
            return here.problem("this parenthesis was never opened", "remove it")
        if here.text in _OTHER_LANGUAGE:
            return here.problem(f'"{here.text}" has no meaning here', f'write "{_OTHER_LANGUAGE[here.text]}"')
        return here.problem(f'"{here.text}" was not expected here', 'join comparisons with "and" or "or"')

    @property
    def _here(self) -> Token:
        return self._tokens[self._at]

    def _take(self, word: str) -> bool:
        """Step over a keyword or sign if it stands here."""
        taken = self._here.kind in ("keyword", "sign") and self._here.text == word
        self._at += taken
        return taken
