"""The general filters, tests and functions of a text: an allow-list, each bounded by the budget."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from jinja2 import Environment, pass_environment
from jinja2.runtime import Undefined
from jinja2.tests import TESTS

from dispatcher.render.budget import MAX_ITERATIONS, MAX_NUMBER, charge, items_of, spend, text_of
from dispatcher.render.problem import TemplateProblem


def default(value: Any, otherwise: Any = "") -> Any:
    """`otherwise` where the value is missing, None, or an empty text."""
    return otherwise if isinstance(value, Undefined) or value is None or value == "" else value


def join(value: Any, separator: Any = "", attribute: str | None = None) -> str:
    parts = [text_of(_field(item, attribute)) for item in items_of(value)]
    between = text_of(separator)
    charge(sum(map(len, parts)) + len(between) * max(0, len(parts) - 1))
    return between.join(parts)


def replace(value: Any, old: Any, new: Any) -> str:
    text, old, new = text_of(value), text_of(old), text_of(new)
    if not old:
        return text
    charge(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def length(value: Any) -> int:
    return len(value if isinstance(value, str) else items_of(value))


def first(value: Any) -> Any:
    return next(iter(items_of(value)), "")


def last(value: Any) -> Any:
    items = list(items_of(value))
    return items[-1] if items else ""


def as_list(value: Any) -> list[Any]:
    return list(items_of(value))


def ordered(value: Any, reverse: bool = False, attribute: str | None = None) -> list[Any]:
    items = items_of(value)
    spend(4 * len(items))  # a sort looks at each element several times
    return sorted(items, key=lambda item: _field(item, attribute), reverse=reverse)


def unique(value: Any) -> list[Any]:
    return list(dict.fromkeys(items_of(value)))


@pass_environment
def mapped(environment: Environment, value: Any, *, attribute: str) -> list[Any]:
    return [environment.getattr(item, attribute) for item in items_of(value)]


def _field(item: Any, attribute: str | None) -> Any:
    if attribute is None:
        return item
    if isinstance(item, dict) and attribute in item:
        return item[attribute]
    raise TemplateProblem("template-undefined", "an element of the list lacks the attribute asked for")


def number_of(value: Any) -> int | float | Decimal:
    """A number, or the number a text spells; of at most 18 digits before the point."""
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    number: int | float | Decimal = value if is_number else _spelt(text_of(value))
    if not -MAX_NUMBER < number < MAX_NUMBER:
        raise TemplateProblem("template-value", "the number is too large")
    return number


def _spelt(text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if number.is_nan():
        raise TemplateProblem("template-value", "a number is needed here")
    return number


def whole(value: Any) -> int:
    return int(number_of(value))


def fraction(value: Any) -> float:
    return float(number_of(value))


def rounded(value: Any, digits: int = 0) -> int | float | Decimal:
    number = number_of(value)
    return number.__round__(digits) if 0 < digits <= 10 else number.__round__()


def positive(value: Any) -> int | float | Decimal:
    return number_of(value).__abs__()


def bounded_range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers[: MAX_ITERATIONS + 1]) > MAX_ITERATIONS:
        spend(MAX_ITERATIONS + 1)
    return numbers


def _on_text(method: Callable[[str], str]) -> Callable[[Any], str]:
    def apply(value: Any) -> str:
        text = text_of(value)
        charge(len(text))
        return method(text)

    return apply


FILTERS: dict[str, Callable[..., Any]] = {
    "abs": positive,
    "capitalize": _on_text(str.capitalize),
    "count": length,
    "d": default,
    "default": default,
    "first": first,
    "float": fraction,
    "int": whole,
    "join": join,
    "last": last,
    "length": length,
    "list": as_list,
    "lower": _on_text(str.lower),
    "map": mapped,
    "replace": replace,
    "round": rounded,
    "sort": ordered,
    "string": _on_text(str),
    "title": _on_text(str.title),
    "trim": _on_text(str.strip),
    "unique": unique,
    "upper": _on_text(str.upper),
}

ALLOWED_TESTS = {
    name: TESTS[name]
    for name in (
        "==", "!=", "<", "<=", ">", ">=", "boolean", "defined", "divisibleby", "eq", "equalto", "even", "false",
        "float", "ge", "gt", "in", "integer", "le", "lt", "mapping", "ne", "none", "number", "odd", "string", "true",
        "undefined",
    )
}  # fmt: skip

FUNCTIONS: dict[str, Callable[..., Any]] = {"range": bounded_range}
