"""Which parts of Jinja a campaign text may use, checked before anything is compiled."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

from dispatcher.render.problem import TemplateProblem

MAX_SOURCE = 20_000  # characters
MAX_NESTING = 60  # levels of the syntax tree

#: Methods of values that may be called; each returns something no larger than what it is called on.
METHODS: dict[type, frozenset[str]] = {
    str: frozenset({"upper", "lower", "title", "capitalize", "strip", "startswith", "endswith", "split"}),
    dict: frozenset({"items", "keys", "values", "get"}),
}
METHOD_NAMES = frozenset[str]().union(*METHODS.values())

_REFERENCES = (nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Macro, nodes.CallBlock, nodes.With,
    nodes.Block, nodes.Assign, nodes.AssignBlock, nodes.Name, nodes.Const, nodes.Tuple, nodes.List, nodes.Dict,
    nodes.Pair, nodes.Keyword, nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Call, nodes.Getitem, nodes.Getattr,
    nodes.Slice, nodes.Concat, nodes.Compare, nodes.Operand, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Add,
    nodes.Sub, nodes.Mod, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, *_REFERENCES,
)  # fmt: skip


def check(tree: nodes.Template, name: str) -> None:
    """Raises TemplateProblem `template-forbidden` or `template-budget` at the first construct out of bounds."""
    pending: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while pending:
        node, depth = pending.pop()
        reason = _refusal(node)
        if reason:
            raise TemplateProblem("template-forbidden", reason, node.lineno, template=name)
        if depth > MAX_NESTING:
            raise TemplateProblem("template-budget", "the template is nested too deeply", node.lineno, template=name)
        pending += [(child, depth + 1) for child in node.iter_child_nodes()]


def _refusal(node: nodes.Node) -> str:
    if not isinstance(node, _ALLOWED):
        return f"{_word(node)} is not available in a message"
    match node:
        case nodes.Getattr(attr=attr) if attr.startswith("_"):
            return "names that begin with _ are not available"
        case nodes.Getitem(arg=nodes.Const(value=str() as key)) if key.startswith("_"):
            return "names that begin with _ are not available"
        case nodes.Name(name="varargs" | "kwargs"):
            return "a macro takes the arguments it names; varargs and kwargs are not available"
        case nodes.Filter(name=name) if name.startswith("_"):
            return f"there is no filter {name}"
        case nodes.For(recursive=True):
            return "a recursive loop is not available in a message"
        case nodes.AssignBlock(filter=nodes.Filter()):
            return "a filter on {% set %} … {% endset %} is not available: put it where the value is used"
        case nodes.Call(dyn_args=nodes.Node()) | nodes.Call(dyn_kwargs=nodes.Node()):
            return "* and ** in a call are not available"
        case nodes.Filter(dyn_args=nodes.Node()) | nodes.Filter(dyn_kwargs=nodes.Node()):
            return "* and ** in a filter are not available"
    if isinstance(node, _REFERENCES) and any(target is None for target in targets(node)):
        return "the name of an included template must be written out in quotes"
    return ""


def _word(node: nodes.Node) -> str:
    if isinstance(node, nodes.Pow):
        return "the operator **"
    if isinstance(node, nodes.FilterBlock):
        return "{% filter %}"
    return type(node).__name__


def targets(node: nodes.Include | nodes.Extends | nodes.Import | nodes.FromImport) -> Iterator[str | None]:
    """Names of templates a statement refers to; None for one that is not a constant."""
    template = node.template
    for item in template.items if isinstance(template, nodes.List | nodes.Tuple) else [template]:
        yield item.value if isinstance(item, nodes.Const) and isinstance(item.value, str) else None


def references(tree: nodes.Template) -> Iterator[tuple[str, int, bool]]:
    """(template, line, may be missing) for every include, extends and import of a checked tree."""
    for node in tree.find_all(_REFERENCES):
        optional = isinstance(node, nodes.Include) and node.ignore_missing
        for target in targets(node):  # type: ignore[arg-type]
            yield str(target), node.lineno, optional
