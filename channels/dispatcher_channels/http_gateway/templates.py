"""Bodies as data whose leaves are Jinja templates.

A leaf is rendered by itself and then put into the form, the query or the JSON by an encoder: whatever is in a text, it
cannot end the value that it stands in. The sandbox is Jinja's own; a name that is not known is an error.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dispatcher.spi import OutboundMessage, Template, form_quoted

Names = Mapping[str, Any]
Leaf = Callable[[Names], Any]
EACH_PARAMETER: Final = "each_parameter"
_ALONE: Final = re.compile(r"\{\{ *([a-z_]+) *\}\}")
_NOTHING: Final[Names] = MappingProxyType({})


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.globals.clear()
    environment.filters["base64"] = lambda text: base64.b64encode(str(text).encode()).decode()
    return environment


def compile_tree(tree: object, place: str, fixed: Names = _NOTHING) -> Leaf:
    """A function from names to the filled-in tree. ValueError names the key's place.

    `fixed`: names that no message changes; what needs only these is filled in once.
    """
    if isinstance(tree, str):
        return _leaf(tree, place, fixed)
    if isinstance(tree, dict):
        if set(tree) == {EACH_PARAMETER}:
            return _each(compile_tree(tree[EACH_PARAMETER], f"{place}.{EACH_PARAMETER}", fixed))
        members = {str(key): compile_tree(value, f"{place}.{key}", fixed) for key, value in tree.items()}
        return lambda names: _filled(members, names)
    if isinstance(tree, list | tuple):
        items = [compile_tree(value, f"{place}.{index}", fixed) for index, value in enumerate(tree)]
        return lambda names: [item(names) for item in items]
    return lambda names: tree


def compile_form(fields: Mapping[str, str], place: str, fixed: Names) -> Callable[[Names], str]:
    """A function from names to the encoded form or query, without what came out empty."""
    parts: list[str | tuple[str, Leaf]] = []
    for name, value in fields.items():
        leaf = compile_tree(value, f"{place}.{name}", fixed)
        if not _is_fixed(value, fixed):
            parts.append((form_quoted(name) + "=", leaf))
        elif filled := leaf(fixed):
            parts.append(f"{form_quoted(name)}={form_quoted(filled)}")
    return lambda names: "&".join([pair for part in parts if (pair := _pair(part, names))])


def _pair(part: str | tuple[str, Leaf], names: Names) -> str:
    if isinstance(part, str):
        return part
    value = part[1](names)
    return part[0] + form_quoted(value) if value else ""


def _leaf(text: str, place: str, fixed: Names) -> Leaf:
    if "{" not in text:
        return lambda names: text
    fill = _rendered(text, place)
    if _is_fixed(text, fixed):
        filled = fill(fixed)
        return lambda names: filled
    alone = _ALONE.fullmatch(text)
    return _looked_up(alone[1], fill) if alone else fill


def _is_fixed(text: str, fixed: Names) -> bool:
    return "{" not in text or find_undeclared_variables(_environment().parse(text)) <= fixed.keys()


def _looked_up(name: str, fill: Leaf) -> Leaf:
    """Most leaves are one name, and rendering costs twenty times as much as looking it up."""

    def look_up(names: Names) -> Any:
        value = names.get(name)
        return value if isinstance(value, str) else fill(names)

    return look_up


def _rendered(text: str, place: str) -> Leaf:
    try:
        render = _environment().from_string(text).render
    except TemplateError as error:
        raise ValueError(f"{place}: {error}") from None

    def fill(names: Names) -> str:
        try:
            return render(names)
        except TemplateError as error:
            raise ValueError(f"{place}: {error}") from None
        except Exception as error:  # whatever an expression does with a value of another kind; its words may quote it
            raise ValueError(f"{place}: {type(error).__name__}") from None

    return fill


def _each(item: Leaf) -> Leaf:
    """A list with one element for each parameter of a template, by `name`, `value` and `position`, from 1."""

    def fill(names: Names) -> list[Any]:
        parameters = names["parameters"].items()
        return [
            item({**names, "position": position, "name": name, "value": value})
            for position, (name, value) in enumerate(parameters, 1)
        ]

    return fill


def _filled(members: Mapping[str, Leaf], names: Names) -> dict[str, Any]:
    """Without what came out empty: gateways take an empty callback address for a wrong one."""
    values = ((key, member(names)) for key, member in members.items())
    return {key: value for key, value in values if value not in ("", {})}


def names_of(message: OutboundMessage, settings: Names, callback_url: str) -> dict[str, Any]:
    """What templates may use of a message; docs/gateways.md lists it."""
    digits = message.to.removeprefix("+")
    template = message.template
    return {
        **settings,
        "to": message.to,
        "to_digits": digits,
        "to_local": "0" + digits[2:] if digits.startswith("62") else digits,
        "text": message.text or "",
        "ref": message.ref,
        "callback_url": callback_url,
        "valid_for_s": "" if message.valid_for_s is None else message.valid_for_s,
        "segments": message.segments,
        "template": template.id if template else "",
        "language": template.language if template else "",
        "parameters": template.parameters if template else {},
    }


class _Any(dict[str, str]):
    """Parameters of a template that nobody knows yet."""

    def __missing__(self, name: str) -> str:
        return "x"


def sample(with_template: bool) -> OutboundMessage:
    """To find out whether a body can be filled in, before anyone is messaged."""
    template = Template("t", "id", _Any({"1": "x"})) if with_template else None
    text = None if with_template else "x"
    return OutboundMessage("1.1", "+62800000000", text, template, "https://example.org/hooks/a?m=1.1", 3600, 1)
