"""Broken YAML in plain words: what is wrong at this place, and what to do."""

from __future__ import annotations

import re
from typing import Final

from ruamel.yaml.error import MarkedYAMLError

from dispatcher.core.diagnostics import Diagnostic

_QUOTE = 'put the text in quotes: "…"'
_INDENT = "give lines of one list or block the same number of spaces at their start"
#: What the parser says → what we say, and what to do. The first that matches counts.
_WORDS: Final = tuple(
    (re.compile(pattern), message, hint)
    for pattern, message, hint in (
        (r"mapping values are not allowed", 'a ":" stands where no value can follow', f"{_INDENT}, or {_QUOTE}"),
        (r"quoted scalar.*end of stream", "a quotation mark is opened and never closed", "close it"),
        (r"flow (sequence|mapping)", "a list in [ ] or a block in { } is not closed or lacks a comma", _QUOTE),
        (r"unknown escape character", "after a backslash, only known characters may follow in double quotes",
         "write the backslash twice, or use single quotes"),
        (r"character .* cannot start", "a text cannot begin with this character", _QUOTE),
        (r"block mapping.*<scalar>", "more text follows after a value that has ended", _QUOTE),
        (r"expected <block end>", "the indentation does not fit the lines above", _INDENT),
        (r"could not find expected ':'", 'a key without ":"', 'write "key: value", and indent texts of several lines'),
        (r"end of stream|<stream end>", "the file ends in the middle of a value", "close what is open"),
    )
)  # fmt: skip
_BEGINS_WITH_BRACES = re.compile(r"^[^#]*?:\s+\{\{")


def explain(error: MarkedYAMLError, text: str, file: str) -> Diagnostic:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    lines = text.splitlines()
    written = lines[line - 1] if 0 < line <= len(lines) else ""
    code, message, hint = _explanation(error, written)
    opened = error.context_mark
    if opened is not None and mark is not None and opened.line != mark.line and "closed" in message:
        message += f" (it begins on line {opened.line + 1})"
    return Diagnostic(code, "error", message, file, line, column, hint)


def _explanation(error: MarkedYAMLError, written: str) -> tuple[str, str, str]:
    if "\t" in written[: len(written) - len(written.lstrip())]:
        return "yaml-tab", "a tab is used to indent", "use spaces; most editors can convert the file"
    if _BEGINS_WITH_BRACES.match(written):
        return "yaml-syntax", 'a text that begins with "{{" must be in quotes', _QUOTE
    said = f"{error.context or ''}: {error.problem or ''}"
    for pattern, message, hint in _WORDS:
        if pattern.search(said):
            return "yaml-syntax", message, hint
    return "yaml-syntax", "the YAML cannot be read here", f"the reader says: {said.strip(': ')}"
