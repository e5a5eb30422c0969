"""YAML 1.2 into plain data with positions. Hostile files are refused while they are read, not after.

Built on ruamel.yaml's event stream: anchors, aliases, tags and directives never get as far as data, and depth and size
are counted as the events come, so nothing recurses over what a stranger wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from dispatcher.campaign.positions import Path, Place, Positions, Scalar, Style
from dispatcher.campaign.syntax import explain
from dispatcher.core.diagnostics import Diagnostic

MAX_DEPTH: Final = 32
MAX_VALUES: Final = 20_000

_WHOLE_FILE: Final = Place(0, 0)
_STYLES: Final[dict[str | None, Style]] = {"|": "literal", ">": "folded", "'": "quoted", '"': "quoted"}
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASES: Final = {"0o": 8, "0x": 16}
#: Longer digits are an identifier, never a quantity, and Python refuses to convert the longest.
_MAX_DIGITS: Final = 18


class DocumentError(Exception):
    """The file cannot be read as data at all."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(frozen=True, slots=True)
class Document:
    data: Any
    positions: Positions
    diagnostics: tuple[Diagnostic, ...]


def read_document(text: str, file: str) -> Document:
    """Raises DocumentError where the YAML is broken; repeated keys come back as diagnostics, all of them."""
    reader = _Reader(text, file)
    try:
        data = reader.read()
    except MarkedYAMLError as error:
        raise DocumentError(explain(error, text, file)) from None
    except YAMLError as error:
        raise reader.problem("yaml-character", _unreadable(error), hint="remove it, or retype the line") from None
    return Document(data, reader.positions, tuple(reader.found))


def _unreadable(error: YAMLError) -> str:
    character = getattr(error, "character", None)
    return f"the file holds a character that YAML does not allow{f' (U+{character:04X})' if character else ''}"


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.positions = Positions()
        self.found: list[Diagnostic] = []
        self._lines = text.splitlines()
        self._events: Iterator[Event] = self._checked(YAML(typ="safe", pure=True).parse(text))

    def read(self) -> Any:
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                data = self._value(next(self._events), ())
                self._expect_end()
                return data
        return None

    def problem(self, code: str, message: str, place: Place = _WHOLE_FILE, hint: str = "") -> DocumentError:
        return DocumentError(Diagnostic(code, "error", message, self.file, place.line, place.column, hint))

    def _expect_end(self) -> None:
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                hint = "write one campaign per file; remove the line `---`"
                raise self.problem("yaml-documents", "the file holds more than one document", _place(event), hint)

    def _checked(self, events: Iterator[Event]) -> Iterator[Event]:
        depth = count = 0
        for event in events:
            self._refuse(event)
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                depth += 1
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                depth -= 1
            count += isinstance(event, ScalarEvent)
            if depth > MAX_DEPTH:
                raise self.problem("yaml-depth", f"more than {MAX_DEPTH} levels inside each other", _place(event))
            if count > MAX_VALUES:
                raise self.problem("yaml-size", f"more than {MAX_VALUES:,} values in one file", _place(event))
            yield event

    def _refuse(self, event: Event) -> None:
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            hint = "write the value out where it is needed, or use `variables:`"
            raise self.problem("yaml-anchor", "anchors (&) and aliases (*) are not used here", _place(event), hint)
        if isinstance(event, DocumentStartEvent):
            if event.tags or (event.version and tuple(event.version) != (1, 2)):
                raise self.problem("yaml-directive", "only YAML 1.2 without directives is read", _place(event))
        elif not isinstance(event, DocumentEndEvent) and getattr(event, "ctag", None):
            hint = "put a text that begins with ! in quotes"
            raise self.problem("yaml-tag", "tags (!) are not used here", _place(event), hint)

    def _value(self, event: Event, path: Path) -> Any:
        self.positions.values[path] = _place(event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event, path)

    def _mapping(self, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            key, place = self._key(event), _place(event)
            if key in data:
                first = self.positions.keys[(*path, key)]
                message = f"`{key}` is given twice: here and on line {first.line}"
                self.found.append(
                    Diagnostic("yaml-duplicate", "error", message, self.file, place.line, place.column, "keep one")
                )
            self.positions.keys[(*path, key)] = place
            data[key] = self._value(next(self._events), (*path, key))
        return data

    def _key(self, event: Event) -> str:
        if isinstance(event, ScalarEvent):
            return str(event.value)
        hint = 'put a text that begins with { or [ in quotes: "{{ contact.name }}"'
        raise self.problem("yaml-key", "a key must be a word", _place(event), hint)

    def _sequence(self, path: Path) -> list[Any]:
        data: list[Any] = []
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                break
            data.append(self._value(event, (*path, len(data))))
        return data

    def _scalar(self, event: Event, path: Path) -> Any:
        assert isinstance(event, ScalarEvent)
        raw, place = str(event.value), _place(event)
        style = _STYLES.get(event.style, "plain")
        indent = self._indent(place.line) if style == "literal" else 1
        self.positions.scalars[path] = Scalar(place, style, raw, indent)
        return _resolved(raw) if style == "plain" else raw

    def _indent(self, header_line: int) -> int:
        for line in self._lines[header_line:]:
            if line.strip():
                return len(line) - len(line.lstrip(" ")) + 1
        return 1


def _place(event: Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1)


def _resolved(raw: str) -> Any:
    """A plain scalar under YAML 1.2's core schema: `21:00`, `yes` and `NO` are texts."""
    if raw in _NULL:
        return None
    if raw in _TRUE or raw in _FALSE:
        return raw in _TRUE
    if len(raw) <= _MAX_DIGITS:
        if _INTEGER.fullmatch(raw):
            return int(raw, _BASES.get(raw[:2], 10))
        if _DECIMAL.fullmatch(raw):
            return float(raw)
    return raw
