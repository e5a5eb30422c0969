"""What is private of what a sender says: the keys whose templates fill in a number, a text or a credential."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from dispatcher.spi import Private
from dispatcher_channels.http_gateway.config import HttpGatewayConfig
from dispatcher_channels.http_gateway.templates import EACH_PARAMETER

#: In this order: a leaf that holds a credential and a text is a credential.
_NAMES: Final = {
    "secrets": re.compile(r"\{[{%].*\b(secret|callback_url)\b"),
    "texts": re.compile(r"\{[{%].*\b(text|value|parameters)\b"),
    "numbers": re.compile(r"\{[{%].*\b(to|to_digits|to_local)\b"),
}


def private_of(config: HttpGatewayConfig) -> Private:
    bodies = [tree for body in (config.text, config.template) if body for tree in (body.query, body.form, body.json_)]
    found: dict[str, set[str]] = {kind: set() for kind in _NAMES}
    for key, leaf in _leaves([config.headers, *bodies]):
        for kind, name in _NAMES.items():
            if name.search(leaf):
                found[kind].add(key)
                break
    if config.signature:
        found["secrets"].add(config.signature.header)
    return Private(**{kind: tuple(sorted(keys)) for kind, keys in found.items()})


def _leaves(tree: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Each template with the key that it stands under."""
    if isinstance(tree, str):
        yield key, tree
    elif isinstance(tree, dict):
        for name, below in tree.items():
            yield from _leaves(below, key if name == EACH_PARAMETER else str(name))
    elif isinstance(tree, list | tuple):
        for below in tree:
            yield from _leaves(below, key)
