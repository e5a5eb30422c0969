"""Finding things in what a gateway says: `messages.0.status.name`, `results.*`; and rules about what is found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_SHOWN: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_LIKE_A_NUMBER: Final = re.compile(r"\d{7}")


def _path(text: str) -> str:
    if text and any(not step for step in text.split(".")):
        raise ValueError('write a path as "messages.0.id"; "*" stands for every element')
    return text


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str | int) else value


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


Path = Annotated[str, AfterValidator(_path)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_several)]
"""The first one that leads to something counts."""
Words = Annotated[tuple[Annotated[str, BeforeValidator(str)], ...], BeforeValidator(_several)]
Pattern = Annotated[str, AfterValidator(_pattern)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Rule(Part):
    """What is found at `path` is one of the words; without words, that anything is found."""

    path: Path
    is_: Words = Field(default=(), alias="is")

    def holds(self, document: object) -> bool:
        found = text_at(document, (self.path,))
        return found in self.is_ if self.is_ else bool(found)


def find(document: object, path: str) -> list[Any]:
    """Everything the path leads to, in order; `""` is the document itself."""
    node: Any = document
    for step in (steps := _steps(path)):
        if step == "*" or not isinstance(node, dict):
            return _find_all(document, steps)
        node = node.get(step)
    return [] if node is None else [node]


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split(".")) if path else ()


def _find_all(document: object, steps: Iterable[str]) -> list[Any]:
    """Where a step may lead to several, or to an element of a list."""
    nodes: list[Any] = [document]
    for step in steps:
        nodes = [below for node in nodes for below in _below(node, step)]
    return [node for node in nodes if node is not None]


def _below(node: object, step: str) -> Iterable[Any]:
    if isinstance(node, dict):
        return node.values() if step == "*" else (node.get(step),)
    if isinstance(node, list):
        if step == "*":
            return node
        if step.isdecimal() and int(step) < len(node):
            return (node[int(step)],)
    return ()


def text_at(document: object, paths: Sequence[str]) -> str:
    for path in paths:
        for value in find(document, path):
            if text := _text(value):
                return text
    return ""


def texts_at(document: object, paths: Sequence[str]) -> list[str]:
    """Words and numbers only, as text: an id or a status that is an object is none."""
    return [text for path in paths for value in find(document, path) if (text := _text(value))]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else ""


def shown(word: str) -> str:
    """For logs and outcomes: "" for what does not look like a provider's word, but may be a number or a text."""
    return word if _SHOWN.fullmatch(word) and not _LIKE_A_NUMBER.search(word) else ""
