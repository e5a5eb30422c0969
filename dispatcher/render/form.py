"""A text that only writes a record's fields down is rendered once, with the fields left open, and then filled in.

What comes of it is what rendering would bring, to the character; where that is not certain, there is no form.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from jinja2 import nodes

from dispatcher.render.budget import MAX_TEXT

#: What is written inside of these becomes a value, which may be changed before it is part of the text.
_CAPTURING: Final[tuple[type[nodes.Node], ...]] = (
    nodes.Macro, nodes.CallBlock, nodes.AssignBlock, nodes.Block, nodes.Import, nodes.FromImport, nodes.Extends,
)  # fmt: skip
#: Values that are written as `str` has them.
_PLAIN: Final = frozenset({str, int})


def written_fields(trees: Iterable[nodes.Template], record: str) -> frozenset[str] | None:
    """The fields of `record` that are written as they are; None where anything else is done with it."""
    fields: set[str] = set()
    for tree in trees:
        written = [
            field
            for output in tree.find_all(nodes.Output)
            for child in output.nodes
            if (field := _field(child, record)) is not None
        ]
        uses = sum(name.name == record for name in tree.find_all(nodes.Name))
        if uses != len(written) or any(isinstance(node, _CAPTURING) for node in tree.find_all(nodes.Node)):
            return None
        fields.update(written)
    return frozenset(fields)


def _field(node: nodes.Node, record: str) -> str | None:
    match node:
        case nodes.Getattr(node=nodes.Name(name=name), attr=field) if name == record:
            return str(field)
        case nodes.Getitem(node=nodes.Name(name=name), arg=nodes.Const(value=str() as field)) if name == record:
            return field
    return None


class Blanks:
    """Values that stand for the fields while the text is rendered: no text can hold them by chance."""

    def __init__(self, fields: Iterable[str]) -> None:
        self._fields = sorted(fields)
        self._mark = f"\x00{secrets.token_hex(4)}:"

    def values(self) -> Mapping[str, Any]:
        return {field: f"{self._mark}{index};" for index, field in enumerate(self._fields)}

    def form(self, text: str) -> Form:
        pieces = re.split(f"{re.escape(self._mark)}([0-9]+);", text)
        return Form(pieces[::2], [self._fields[int(index)] for index in pieces[1::2]])


class Form:
    """`fields`, in the order in which they are written; one may stand several times."""

    __slots__ = ("_pattern", "fields")

    def __init__(self, pieces: Sequence[str], fields: Sequence[str]) -> None:
        self.fields = tuple(fields)
        self._pattern = "%s".join(piece.replace("%", "%%") for piece in pieces)

    def fill(self, values: tuple[object, ...]) -> str | None:
        """`values` in the order of `fields`; None where only rendering can tell what they come to."""
        if not _PLAIN.issuperset(map(type, values)):
            return None
        text = self._pattern % values
        return text if len(text) <= MAX_TEXT else None
