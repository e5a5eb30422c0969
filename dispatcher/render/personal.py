"""Personal links in texts: what stands for them while a text is rendered and measured, and how a message gets its own.

Rendering stays the same for everyone: `{{ link }}` becomes an address with a stand-in of the right length, and storing
the message puts its token there. That works only where the link is written as it is, which `altered` finds out.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import ascii_letters, digits
from typing import Any, Final

from jinja2 import nodes

from dispatcher.audience.groups import GROUPS
from dispatcher.campaign.model import Campaign
from dispatcher.campaign.names import LINKS
from dispatcher.campaign.texts import texts_of
from dispatcher.render.sandbox import Templates
from dispatcher.render.variables import VariableUse, used_variables

PATH: Final = "/l/"
TOKEN_LENGTH: Final = 11
#: Tokens that lead nowhere, shown in plans and samples.
STAND_IN: Final = "ContohSaja1"
SHARED_STAND_IN: Final = "ContohBagi2"
#: For texts that are looked at where nobody knows the address yet.
SAMPLE_BASE: Final = "https://contoh.go.id"

_ALPHABET: Final = digits + ascii_letters
_TOKENS: Final = len(_ALPHABET) ** TOKEN_LENGTH  # 65 bits
_ASKING: Final = (nodes.Name, nodes.Not, nodes.And, nodes.Or)
#: What is written inside of these becomes a value, which may be changed before it is part of the text.
_CAPTURING: Final[tuple[type[nodes.Node], ...]] = (
    nodes.Macro, nodes.CallBlock, nodes.AssignBlock, nodes.FilterBlock, nodes.Import, nodes.FromImport,
)  # fmt: skip


def new_token() -> str:
    return _written(secrets.randbelow(_TOKENS))


def derived_token(digest: bytes) -> str:
    """The same for the same keyed digest of 16 bytes."""
    return _written(int.from_bytes(digest, "big") % _TOKENS)


def _written(number: int) -> str:
    signs = []
    for _ in range(TOKEN_LENGTH):
        number, rest = divmod(number, len(_ALPHABET))
        signs.append(_ALPHABET[rest])
    return "".join(signs)


@dataclass(frozen=True, slots=True)
class LinkTerms:
    """What the links of a campaign look like, and who gets one to pass on: approved with it (invariant 10).

    `passing`: groups of the settings whose members stand for households.
    """

    base_url: str
    passing: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> LinkTerms | None:
        return cls(document["base_url"], tuple(document["passing"])) if document else None

    def as_document(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "passing": list(self.passing)}

    def values(self, *, passes_on: bool) -> dict[str, str]:
        """The variables, with stand-ins for the tokens."""
        address = f"{self.base_url}{PATH}"
        return {"link": address + STAND_IN, "share_link": address + SHARED_STAND_IN if passes_on else ""}

    def passes_on(self, groups: Iterable[str], role: str) -> bool:
        """Whether somebody of these groups with this role is asked to pass the word on."""
        return any(slug in self.passing or _multiplies(slug, role) for slug in groups)


def _multiplies(slug: str, role: str) -> bool:
    return slug in GROUPS and GROUPS[slug].households.get(role, 0) > 0


def uses_links(campaign: Campaign, sources: Mapping[str, str]) -> bool:
    """Whether any text that is sent has a link in it. Raises TemplateProblem."""
    return any(
        use.name in LINKS
        for text in texts_of(campaign)
        if text.kind not in ("body", "reply") and "{" in text.source
        for use in used_variables(text.source, sources)
    )


def altered(source: str, sources: Mapping[str, str]) -> list[VariableUse]:
    """Uses of a link other than to write it as it is or to ask whether there is one. Raises TemplateProblem."""
    return [
        VariableUse(name.name, int(name.lineno), getattr(name.lineno, "column", 0), template)
        for template, tree in Templates(sources).trees(source, "")
        for name in _altering(tree)
    ]


def _altering(tree: nodes.Template) -> Iterator[nodes.Name]:
    captured = {id(name) for block in tree.find_all(_CAPTURING) for name in _links(block)}
    fine = {id(part) for output in tree.find_all(nodes.Output) for child in output.nodes for part in _parts(child)}
    tests = [choice.test for choice in tree.find_all(nodes.If)] + [one.test for one in tree.find_all(nodes.CondExpr)]
    fine.update(name for test in tests for name in _asked(test))
    return (name for name in _links(tree) if id(name) in captured or id(name) not in fine)


def _links(node: nodes.Node) -> Iterator[nodes.Name]:
    return (name for name in node.find_all(nodes.Name) if name.name in LINKS)


def _parts(written: nodes.Node | None) -> Iterator[nodes.Node]:
    """What is written as it is: `a`, and both of `a if … else b`."""
    if isinstance(written, nodes.CondExpr):
        yield from _parts(written.expr1)
        yield from _parts(written.expr2)
    elif written is not None:
        yield written


def _asked(test: nodes.Node) -> Iterator[int]:
    """Names in a test that is made of names alone."""
    if isinstance(test, _ASKING):
        yield id(test)
        for child in test.iter_child_nodes():
            yield from _asked(child)
