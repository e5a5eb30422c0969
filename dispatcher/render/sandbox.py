"""Campaign texts: Jinja2 reduced to what a message needs, and bounded in time and memory.

Three fences, each sufficient for most attacks: `grammar` refuses constructs before they are compiled; this environment
decides which attribute is read and which function is called; `budget` counts iterations and characters while rendering.
Nothing is folded at compile time, and a value is written once: `{{` in a person's name stays text.
"""

from __future__ import annotations

import operator as op
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType, TracebackType
from typing import Any

from jinja2 import DictLoader, StrictUndefined, Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import TemplateNotFound
from jinja2.lexer import TokenStream
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, TemplateReference, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dispatcher.render import budget, builtin, grammar
from dispatcher.render.budget import MAX_DEPTH, MAX_NUMBER, MAX_TEXT, Budget
from dispatcher.render.filters import FILTERS
from dispatcher.render.form import Blanks, Form, written_fields
from dispatcher.render.generator import CountingGenerator, placed
from dispatcher.render.problem import TemplateProblem

_COUNTED = "_counted"
_NUMBERS = (int, float, Decimal)
_CLOSED = (type, FunctionType, MethodType, BuiltinMethodType, ModuleType)
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": op.add, "-": op.sub, "*": op.mul, "/": op.truediv, "//": op.floordiv, "%": op.mod,
}  # fmt: skip


class _Environment(ImmutableSandboxedEnvironment):
    code_generator_class = CountingGenerator
    intercepted_binops = frozenset({*_OPERATORS, "**"})
    charge = staticmethod(budget.charge)
    spend = staticmethod(budget.spend)
    concatenate = staticmethod(budget.concatenate)
    element = staticmethod(budget.element)

    def __init__(self, sources: Mapping[str, str], filters: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(
            loader=DictLoader(sources), undefined=StrictUndefined, autoescape=False, optimized=False,
            finalize=budget.emit, auto_reload=False, trim_blocks=True, lstrip_blocks=True, cache_size=-1,
        )  # fmt: skip
        self.filters = {**builtin.FILTERS, **FILTERS, **filters, _COUNTED: budget.items_of}
        self.tests = dict(builtin.ALLOWED_TESTS)
        self.globals = dict(builtin.FUNCTIONS)
        self._functions = frozenset(builtin.FUNCTIONS.values())

    def _tokenize(self, source: str, name: str | None, filename: str | None = None, state: str | None = None) -> Any:
        text = source.replace("\r\n", "\n").replace("\r", "\n")
        tokens = placed(self.lexer.tokeniter(text, name, filename, state), text)
        return TokenStream(self.lexer.wrap(tokens, name, filename), name, filename)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if len(source) > grammar.MAX_SOURCE:
            message = f"the template is longer than {grammar.MAX_SOURCE:,} characters"
            raise TemplateProblem("template-too-long", message, 1, template=name or "")
        tree = super()._parse(source, name, filename)
        grammar.check(tree, name or "")
        self._check_filters(tree, name or "")
        return tree

    def _check_filters(self, tree: nodes.Template, name: str) -> None:
        for node in tree.find_all(nodes.Filter):
            if node.name not in self.filters:
                similar = get_close_matches(node.name, [known for known in self.filters if known != _COUNTED], 1)
                hint = f"Did you mean {similar[0]}?" if similar else ""
                message = f"there is no filter {node.name} for messages"
                raise TemplateProblem("template-forbidden", message, node.lineno, hint, name)

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        for loop in source.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
        return super()._generate(source, *args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute` and `obj["attribute"]`: data first, then an open attribute of an object."""
        if isinstance(obj, Mapping):
            if attribute in obj:
                return obj[attribute]
            return self._method(obj, attribute, dict)
        if isinstance(obj, str):
            return self._method(obj, attribute, str)
        if isinstance(obj, Undefined):
            str(obj)
        if isinstance(obj, TemplateReference):
            return obj[attribute]
        if attribute.startswith("_") or isinstance(obj, _CLOSED):
            raise _forbidden("names that begin with _ and the inside of a function are not available")
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return self.undefined(f"'{attribute}' is undefined")

    def _method(self, obj: Any, attribute: str, kind: type) -> Any:
        if attribute in grammar.METHODS[kind]:
            return getattr(obj, attribute)
        if attribute.startswith("_") or hasattr(kind, attribute):
            raise _forbidden(f"the method {attribute} is not available in a message")
        return self.undefined(f"'{attribute}' is undefined")

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]` where the argument is computed; what it was stays out of every message."""
        if isinstance(obj, Undefined):
            str(obj)
        try:
            found = obj[argument]
        except (TypeError, LookupError):
            return self.undefined("an element asked for does not exist")
        if isinstance(argument, slice):
            self._size(found)
        return found

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        if isinstance(obj, Undefined):
            str(obj)
        if not self._is_callable(obj):
            raise _forbidden("this cannot be called from a message")
        budget.spend(1)
        used = budget.current.get()
        if used.depth >= MAX_DEPTH:
            raise TemplateProblem("template-budget", f"macros call one another more than {MAX_DEPTH} levels deep")
        used.depth += 1
        try:
            return self._size(context.call(obj, *args, **kwargs))
        finally:
            used.depth -= 1

    def _is_callable(self, obj: Any) -> bool:
        if isinstance(obj, Macro | BlockReference):
            return True
        if isinstance(obj, BuiltinMethodType):
            allowed = (names for kind, names in grammar.METHODS.items() if isinstance(obj.__self__, kind))
            return any(obj.__name__ in names for names in allowed)
        if isinstance(obj, MethodType):
            return isinstance(obj.__self__, LoopContext) and obj.__name__ in {"cycle", "changed"}
        return isinstance(obj, FunctionType) and obj in self._functions

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        calculates = isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS)
        if calculates and all(-MAX_NUMBER <= value <= MAX_NUMBER for value in (left, right)):
            return _OPERATORS[operator](left, right)
        if calculates:
            raise TemplateProblem("template-budget", "the template calculates with numbers that are too large")
        for value in (left, right):
            if isinstance(value, Undefined):
                str(value)
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return budget.concatenate((left, right))
        if operator == "+" and isinstance(left, list) and isinstance(right, list):
            budget.spend(len(left) + len(right))
            return left + right
        hint = "Join texts with ~." if operator == "+" else f"{operator} is for numbers."
        raise TemplateProblem("template-forbidden", f"{operator} cannot be used on these values", hint=hint)

    @staticmethod
    def _size(value: Any) -> Any:
        if isinstance(value, str):
            budget.charge(len(value))
        elif isinstance(value, list | tuple):
            budget.spend(len(value))
        return value


class Compiled:
    """A text ready to be rendered any number of times, from any thread."""

    __slots__ = ("_template", "name")

    def __init__(self, name: str, template: Template) -> None:
        self.name = name
        self._template = template

    def render(self, variables: Mapping[str, Any]) -> str:
        """At most 10,000 characters; raises TemplateProblem, never anything else, for what the template does."""
        return self.render_within(Budget(), variables)

    def render_within(self, allowed: Budget, variables: Mapping[str, Any]) -> str:
        """As `render`; `allowed` then holds what was not used up."""
        token = budget.current.set(allowed)
        template = self._template
        try:
            text = "".join(template.root_render_func(template.new_context(variables)))  # type: ignore[arg-type]
        except Exception as error:
            raise _explain(error, self.name) from None
        finally:
            budget.current.reset(token)
        if len(text) > MAX_TEXT:
            raise budget.too_long().at(self.name, 1)
        return text


class Templates:
    """The texts of one campaign. `sources` (name → text) is all that include, extends and import can reach."""

    def __init__(
        self, sources: Mapping[str, str] | None = None, filters: Mapping[str, Callable[..., Any]] | None = None
    ) -> None:
        self._sources = dict(sources or {})
        self._environment = _Environment(self._sources, filters or {})
        self._compile = lru_cache(maxsize=1024)(self._build)
        self._sound: set[str] = set()  # sources whose references exist and lead nowhere twice

    def compile(self, source: str, name: str) -> Compiled:
        """Compiled once per (source, name). Raises TemplateProblem."""
        return self._compile(source, name)

    def parse(self, source: str, name: str) -> nodes.Template:
        """The checked syntax tree, whose line numbers are `Place`s. Raises TemplateProblem."""
        try:
            return self._environment.parse(source, name)
        except Exception as error:
            raise _explain(error, name) from None

    def form(self, source: str, name: str, variables: Mapping[str, Any], record: str) -> Form | None:
        """The text with the fields of `record` left open; None where they are more than written down."""
        try:
            compiled = self.compile(source, name)
            fields = written_fields((tree for _, tree in self._reachable(source, name)), record)
            if fields is None:
                return None
            blanks, allowed = Blanks(fields), Budget()
            text = compiled.render_within(allowed, {**variables, record: blanks.values()})
        except TemplateProblem:
            return None
        # what is filled in counts as work as well, and is no longer than a text may be
        return blanks.form(text) if allowed.work >= MAX_TEXT else None

    def trees(self, source: str, name: str) -> Iterator[tuple[str, nodes.Template]]:
        """The text and all that it includes, each with its name. Raises TemplateProblem."""
        self.compile(source, name)  # refuses what includes itself
        return self._reachable(source, name)

    def _reachable(self, source: str, name: str) -> Iterator[tuple[str, nodes.Template]]:
        """The text and all that it includes: `compile` has seen that this comes to an end."""
        tree = self.parse(source, name)
        yield name, tree
        for target, _, _ in grammar.references(tree):
            if target in self._sources:
                yield from self._reachable(self._sources[target], target)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._sources)

    def source(self, name: str) -> str | None:
        return self._sources.get(name)

    def _build(self, source: str, name: str) -> Compiled:
        self._check_references(self.parse(source, name), name, ())
        try:
            code = self._environment.compile(source, name, f"<{name}>")
            template = Template.from_code(self._environment, code, dict(self._environment.globals))
        except Exception as error:
            raise _explain(error, name) from None
        return Compiled(name, template)

    def _check_references(self, tree: nodes.Template, name: str, above: tuple[str, ...]) -> None:
        for target, line, optional in grammar.references(tree):
            if target in (*above, name):
                raise TemplateProblem("template-forbidden", f"{target} includes itself", line, template=name)
            if target in self._sound:
                continue
            if target in self._sources:
                self._check_references(self.parse(self._sources[target], target), target, (*above, name))
                self._sound.add(target)
            elif not optional:
                raise TemplateProblem("template-syntax", f"there is no template {target}", line, template=name)


def _forbidden(message: str) -> TemplateProblem:
    return TemplateProblem("template-forbidden", message)


def _explain(error: Exception, name: str) -> TemplateProblem:
    """The finding behind an exception; its own text is dropped where it may quote a value."""
    template, line = _place_of(error.__traceback__, name)
    match error:
        case TemplateProblem():
            return error.at(template, line)
        case TemplateSyntaxError():
            return TemplateProblem("template-syntax", str(error.message), error.lineno, template=error.name or name)
        case TemplateNotFound():
            return TemplateProblem("template-syntax", "an included template does not exist", line, template=template)
        case UndefinedError():
            return _undefined(str(error.message), template, line)
        case RecursionError() | MemoryError() | SyntaxError():
            return TemplateProblem("template-budget", "the template is nested too deeply", line or 1, template=template)
        case ZeroDivisionError():
            return TemplateProblem("template-value", "the template divides by zero", line, template=template)
    message = f"a value does not fit where it is used ({type(error).__name__})"
    return TemplateProblem("template-value", message, line, template=template)


def _undefined(message: str, template: str, line: int) -> TemplateProblem:
    hint = 'Correct the name, or say what to write instead: {{ … | default("…") }}.'
    return TemplateProblem("template-undefined", message, line, hint, template)


def _place_of(trace: TracebackType | None, name: str) -> tuple[str, int]:
    place = (name, 0)
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            place = (template.name or name, template.get_corresponding_lineno(trace.tb_lineno))
        trace = trace.tb_next
    return place
