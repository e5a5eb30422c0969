"""Template files that texts include, read from the `templates/` folder beside the campaign and from nowhere else."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 256 * 1024
MAX_FILES: Final = 64

_TAG: Final = re.compile(r"\{%[-+]?\s*(?:include|extends|import|from)\b(.{0,300}?)%\}", re.DOTALL)
_LITERAL: Final = re.compile(r""""([^"]*)"|'([^']*)'""")


@dataclass(frozen=True, slots=True)
class Reference:
    """A template named in a text; `line` and `column` count from 1 within it."""

    name: str
    line: int
    column: int


class SourceError(Exception):
    """A template file that cannot be used; `code`, and what to do in `hint`."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def references(text: str) -> Iterator[Reference]:
    """Names in include, extends, import and from. Names made up while rendering are found by rendering."""
    text = text[:MAX_BYTES]
    for tag in _TAG.finditer(text):
        for literal in _LITERAL.finditer(tag[1]):
            start = tag.start(1) + literal.start()
            before = text[:start]
            column = start - (before.rfind("\n") + 1) + 1
            yield Reference(literal[1] or literal[2] or "", before.count("\n") + 1, column)


def read_source(folder: Path, name: str) -> str:
    """The text of one template. Raises SourceError; a way out of the folder is refused, symbolic links are too."""
    path = folder.joinpath(*_parts(name))
    for step in (folder, *_between(folder, path), path):
        if step.is_symlink():
            raise SourceError("template-link", f'"{name}" is reached through a symbolic link', "copy the file instead")
    return _text(path, name)


def read_sources(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, str | SourceError]]:
    """The named templates and those that they name in turn, each once, at most MAX_FILES."""
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if len(seen) > MAX_FILES:
            yield name, SourceError("template-missing", f"more than {MAX_FILES} template files are included")
            return
        try:
            text = read_source(folder, name)
        except SourceError as problem:
            yield name, problem
            continue
        yield name, text
        waiting.extend(reference.name for reference in references(text))


def _parts(name: str) -> list[str]:
    parts = name.split("/")
    bad = any(part in ("", ".", "..") or part.startswith(".") for part in parts)
    if bad or re.search(r"[\\:\x00-\x1f]", name) or len(name) > 200:
        hint = 'name a file of the folder "templates" beside the campaign, e.g. "penutup.txt"'
        raise SourceError("template-outside", f'"{name[:60]}" is outside the templates folder', hint)
    return parts


def _between(folder: Path, path: Path) -> list[Path]:
    return [parent for parent in path.parents if folder in parent.parents]


def _text(path: Path, name: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
            data = file.read(MAX_BYTES + 1) if is_file else None
    except (OSError, ValueError):
        data = None
    if data is None:
        hint = 'put it into the folder "templates" beside the campaign'
        raise SourceError("template-missing", f'the template file "{name}" cannot be read', hint)
    if len(data) > MAX_BYTES:
        raise SourceError("template-size", f'the template file "{name}" is larger than {MAX_BYTES // 1024} KiB')
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError("template-encoding", f'"{name}" is not UTF-8', "save it as UTF-8") from None
