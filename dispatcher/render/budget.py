"""What one rendering may use up: shared by all its loops, macros, includes and intermediate texts."""

from __future__ import annotations

from collections.abc import Sized
from contextvars import ContextVar
from datetime import date, time
from decimal import Decimal
from itertools import islice
from typing import Any

from jinja2.runtime import Undefined

from dispatcher.render.problem import TemplateProblem

MAX_ITERATIONS = 10_000
MAX_TEXT = 10_000  # characters of the output, and of any value on the way to it
MAX_WORK = 100_000  # characters written in all: macros and {% set %} blocks write a text again
MAX_DEPTH = 20  # calls within calls
MAX_NUMBER = 10**18

_SCALARS = (str, int, float, Decimal, date, time)
_SIZED: tuple[type[Sized], ...] = (
    list,
    tuple,
    dict,
    range,
    str,
    set,
    frozenset,
    type({}.keys()),
    type({}.values()),
    type({}.items()),
)


class Budget:
    """Counts down; a rendering that reaches zero ends with `template-budget` or `template-too-long`."""

    __slots__ = ("depth", "iterations", "work")

    def __init__(self) -> None:
        self.iterations = MAX_ITERATIONS
        self.work = MAX_WORK
        self.depth = 0


current: ContextVar[Budget] = ContextVar("render_budget")


def spend(count: int) -> None:
    """Take `count` iterations."""
    budget = current.get()
    budget.iterations -= count
    if budget.iterations < 0:
        raise TemplateProblem(
            "template-budget",
            f"the template repeats something more than {MAX_ITERATIONS:,} times",
            hint="Loop over a short list; a message needs no more than a few dozen repetitions.",
        )


def charge(length: int) -> None:
    """Take room for a text of `length` characters, before it is made."""
    budget = current.get()
    budget.work -= length + 1
    if length > MAX_TEXT or budget.work < 0:
        raise too_long()


def too_long() -> TemplateProblem:
    return TemplateProblem(
        "template-too-long",
        f"the template builds a text of more than {MAX_TEXT:,} characters",
        hint="A message is at most a few hundred characters: shorten the text or its loop.",
    )


def text_of(value: Any) -> str:
    """The text of one value: a scalar, never a list (whose text may be far larger than the list itself)."""
    if type(value) is str:
        return value
    if isinstance(value, Undefined):
        return str(value)  # raises, naming the variable; "" for `{{ … if … }}` without else
    if isinstance(value, _SCALARS) and not isinstance(value, bool):
        return str(value)
    if value is None:
        raise TemplateProblem(
            "template-undefined",
            "a value used here is empty",
            hint='Say what to write instead: {{ … | default("…") }}.',
        )
    raise TemplateProblem(
        "template-value",
        f"a {_kind(value)} cannot be written into a text",
        hint="Write one of its fields, or a list with {{ … | join(', ') }}.",
    )


def element(value: Any) -> Any:
    """An element of a list written in a template: lists of lists by reference would grow without limit."""
    if value is None or isinstance(value, (*_SCALARS, Undefined)):
        return value
    raise TemplateProblem("template-forbidden", f"a {_kind(value)} cannot be put into a list here")


def items_of(value: Any) -> Any:
    """What a loop or a filter may walk over, its length already spent."""
    if isinstance(value, _SIZED):
        spend(len(value))
        return value
    if isinstance(value, Undefined):
        iter(value)  # raises, naming the variable
    try:
        items = list(islice(value, MAX_ITERATIONS + 1))
    except TypeError:
        raise TemplateProblem("template-value", f"a {_kind(value)} is no list to go through") from None
    spend(len(items))
    return items


def emit(value: Any) -> str:
    """The text of a `{{ … }}`, counted."""
    text = value if type(value) is str else text_of(value)
    charge(len(text))
    return text


def concatenate(values: tuple[Any, ...]) -> str:
    """`a ~ b ~ c`"""
    texts = [text_of(value) for value in values]
    charge(sum(map(len, texts)))
    return "".join(texts)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "yes or no (true, false)"
    if isinstance(value, dict):
        return "record"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "list"
    return "value of type " + type(value).__name__
