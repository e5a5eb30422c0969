"""Which variables a text uses and where: for the lint rules on undefined and unused variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jinja2 import nodes

from dispatcher.render import builtin
from dispatcher.render.grammar import METHOD_NAMES, targets
from dispatcher.render.sandbox import Templates

_PROVIDED = frozenset({*builtin.FUNCTIONS, "self", "super", "caller"})


@dataclass(frozen=True, slots=True)
class VariableUse:
    """`name` is the dotted path as far as it is constant (`contact.name`); line and column count from 1.

    `template` names the included source the use stands in; empty for the text itself.
    """

    name: str
    line: int
    column: int
    template: str = ""


def used_variables(source: str, sources: Mapping[str, str] | None = None) -> list[VariableUse]:
    """Every use, in reading order, the text itself before what it includes.

    Targets of loops, `set`, `with` and macro arguments are local and not reported. Raises TemplateProblem.
    """
    templates = Templates(sources)
    templates.compile(source, "")  # refuses what includes itself
    walk = _Walk(templates)
    walk.enter(templates.parse(source, ""), "", frozenset())
    return sorted(set(walk.uses), key=lambda use: (use.template, use.line, use.column))


class _Walk:
    def __init__(self, templates: Templates) -> None:
        self.uses: list[VariableUse] = []
        self._templates = templates
        self._template = ""
        self._entered: set[tuple[str, frozenset[str]]] = set()

    def enter(self, tree: nodes.Template, template: str, local: frozenset[str]) -> None:
        if (template, local) in self._entered:
            return
        self._entered.add((template, local))
        outer, self._template = self._template, template
        self._all(tree.body, set(local))
        self._template = outer

    def _all(self, children: Iterable[nodes.Node], local: set[str]) -> None:
        for child in children:
            self._visit(child, local)

    def _visit(self, node: nodes.Node, local: set[str]) -> None:
        match node:
            case nodes.Name(ctx="load"):
                self._use(node, [], local)
            case nodes.Getattr() | nodes.Getitem():
                self._path(node, local)
            case nodes.Call(node=nodes.Getattr(attr=attr) as method) if attr in METHOD_NAMES:
                self._all([method.node, *node.args, *node.kwargs], local)
            case nodes.For():
                self._loop(node, local)
            case nodes.Assign():
                self._visit(node.node, local)
                local |= _names(node.target)
            case nodes.AssignBlock():
                self._all(node.body, set(local))
                local |= _names(node.target)
            case nodes.With():
                self._all(node.values, local)
                self._all(node.body, local.union(*map(_names, node.targets)))
            case nodes.Macro() | nodes.CallBlock():
                self._macro(node, local)
            case nodes.Block():
                self._all(node.body, set(local))
            case nodes.Include() | nodes.Extends() | nodes.Import() | nodes.FromImport():
                self._reference(node, local)
            case _:
                self._all(list(node.iter_child_nodes()), local)

    def _loop(self, node: nodes.For, local: set[str]) -> None:
        self._visit(node.iter, local)
        inner = local | _names(node.target) | {"loop"}
        self._all([node.test] if node.test else [], inner)
        self._all(node.body, set(inner))
        self._all(node.else_, set(local))

    def _macro(self, node: nodes.Macro | nodes.CallBlock, local: set[str]) -> None:
        if isinstance(node, nodes.Macro):
            local.add(node.name)
        else:
            self._visit(node.call, local)
        self._all(node.defaults, local)
        self._all(node.body, local.union(*map(_names, node.args)))

    def _reference(
        self, node: nodes.Include | nodes.Extends | nodes.Import | nodes.FromImport, local: set[str]
    ) -> None:
        if isinstance(node, nodes.Import):
            local.add(node.target)
        elif isinstance(node, nodes.FromImport):
            local.update(name if isinstance(name, str) else name[1] for name in node.names)
        if not getattr(node, "with_context", True):
            return
        for target in map(str, targets(node)):
            source = self._templates.source(target)
            if source is not None:
                self.enter(self._templates.parse(source, target), target, frozenset(local))

    def _path(self, node: nodes.Getattr | nodes.Getitem, local: set[str]) -> None:
        parts: list[str] = []
        below: nodes.Expr = node
        while True:
            match below:
                case nodes.Getattr(node=inner, attr=attr):
                    parts.insert(0, attr)
                case nodes.Getitem(node=inner, arg=nodes.Const(value=str() as key)):
                    parts.insert(0, key)
                case nodes.Getitem(node=inner, arg=argument):
                    self._visit(argument, local)
                    parts.clear()
                case nodes.Name():
                    self._use(below, parts, local)
                    return
                case _:
                    self._visit(below, local)
                    return
            below = inner

    def _use(self, name: nodes.Name, path: list[str], local: set[str]) -> None:
        if name.name not in local and name.name not in _PROVIDED:
            column = getattr(name.lineno, "column", 0)
            self.uses.append(VariableUse(".".join([name.name, *path]), int(name.lineno), column, self._template))


def _names(target: nodes.Node) -> set[str]:
    names = {name.name for name in target.find_all(nodes.Name)}
    return names | {target.name} if isinstance(target, nodes.Name) else names
