"""Jinja's compiler with the counting written into its output, and its lexer with columns beside the lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame


class Place(int):
    """A line number that remembers its column (both from 1); it rides through Jinja's parser as the line."""

    column: int

    def __new__(cls, line: int, column: int) -> Place:
        place = super().__new__(cls, line)
        place.column = column
        return place


class CountingGenerator(CodeGenerator):
    """Writes the counting into the compiled template."""

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:  # noqa: N802  names of Jinja's visitor
        written = sum(len(child.data) for child in node.nodes if isinstance(child, nodes.TemplateData))
        self.writeline(f"environment.charge({written})")
        super().visit_Output(node, frame)

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)

    def visit_Include(self, node: nodes.Include, frame: Frame) -> None:  # noqa: N802
        self.writeline("environment.spend(1)")
        super().visit_Include(node, frame)

    def visit_Import(self, node: nodes.Import, frame: Frame) -> None:  # noqa: N802
        self.writeline("environment.spend(1)")
        super().visit_Import(node, frame)

    def visit_FromImport(self, node: nodes.FromImport, frame: Frame) -> None:  # noqa: N802
        self.writeline("environment.spend(1)")
        super().visit_FromImport(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.concatenate((")
        for child in node.nodes:
            self.visit(child, frame)
            self.write(", ")
        self.write("))")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802
        constant = isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str)
        self.write("environment.getattr(" if constant else "environment.getitem(")
        self.visit(node.node, frame)
        self.write(", ")
        self.visit(node.arg, frame)
        self.write(")")

    def visit_Slice(self, node: nodes.Slice, frame: Frame) -> None:  # noqa: N802
        self.write("slice(")
        for bound in (node.start, node.stop, node.step):
            self.visit(bound or nodes.Const(None), frame)
            self.write(", ")
        self.write(")")

    def visit_List(self, node: nodes.List, frame: Frame) -> None:  # noqa: N802
        self.write("[")
        self._elements(node.items, frame)
        self.write("]")

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:  # noqa: N802
        if node.ctx != "load":
            super().visit_Tuple(node, frame)
            return
        self.write("(")
        self._elements(node.items, frame)
        self.write(")")

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:  # noqa: N802
        self.write("{")
        for pair in node.items:
            self._element(pair.key, frame)
            self.write(": ")
            self._elements([pair.value], frame)
        self.write("}")

    def _elements(self, items: list[nodes.Expr], frame: Frame) -> None:
        for item in items:
            self._element(item, frame)
            self.write(", ")

    def _element(self, item: nodes.Expr, frame: Frame) -> None:
        literal = isinstance(item, nodes.Literal)
        self.write("" if literal else "environment.element(")
        self.visit(item, frame)
        self.write("" if literal else ")")


def placed(tokens: Iterator[tuple[int, str, str]], source: str) -> Iterator[tuple[int, str, str]]:
    """Give every token its column; only white space can be missing between two tokens."""
    end = 0
    for line, kind, text in tokens:
        start = source.find(text, end)
        end = start + len(text)
        yield Place(line, start - source.rfind("\n", 0, start)), kind, text
