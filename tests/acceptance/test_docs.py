"""What the documents tell people to type exists, and their links lead somewhere."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
import typer.main

from dispatcher.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "campaigns/README.md", *(ROOT / "docs").rglob("*.md")]
)
_FENCE = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^ {4}\S.*$", re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_ASSIGNMENT = re.compile(r"^[A-Z_]+=\S*$")


class Line(NamedTuple):
    """Something to type, and whether it is whole: within a sentence a command may lack its arguments."""

    page: str
    words: tuple[str, ...]
    is_whole: bool

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def _words(text: str) -> tuple[str, ...]:
    try:
        words = shlex.split(text.strip().removeprefix("$ "), comments=True)
    except ValueError:
        return ()
    while words and (_ASSIGNMENT.match(words[0]) or words[0] == "export"):
        del words[0]
    end = next((i for i, word in enumerate(words) if word in ("|", ">", "&&", "…")), len(words))
    return tuple(words[:end])


def _lines() -> Iterator[Line]:
    for page in PAGES:
        text, name = page.read_text(), str(page.relative_to(ROOT))
        blocks = [line for block in _FENCE.findall(text) for line in block.splitlines()]
        for line in [*blocks, *_INDENTED.findall(_FENCE.sub("", text))]:
            yield Line(name, _words(line), is_whole=True)
        for code in _INLINE.findall(_FENCE.sub("", text)):
            yield Line(name, _words(code), is_whole=False)


LINES = [line for line in _lines() if line.words]


def _starting_with(*start: str) -> list[Line]:
    return [line for line in LINES if line.words[: len(start)] == start and len(line.words) > len(start)]


def _leaf(words: tuple[str, ...]) -> tuple[Any, list[str]]:
    """The command meant, and what follows its name."""
    noun, *rest = words
    assert noun in COMMANDS, f"there is no command {noun}"
    command: Any = typer.main.get_command(importlib.import_module(f"dispatcher.cli.{COMMANDS[noun].module}").app)
    if hasattr(command, "commands") and rest:
        verb = rest.pop(0)
        assert verb in command.commands, f"there is no {noun} {verb}"
        command = command.commands[verb]
    return command, rest


@pytest.mark.parametrize("line", _starting_with("dispatcher"), ids=str)
def test_commands_exist_with_their_options(line: Line) -> None:
    words = line.words[1:]
    if words[0].startswith("-") or words[0].isupper():
        return
    command, rest = _leaf(words)
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in rest:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{words[0]} has no {word}"
    if line.is_whole and not hasattr(command, "commands"):
        command.make_context(" ".join(words), rest)  # refuses a missing argument or a wrong value


@pytest.mark.parametrize("line", _starting_with("make"), ids=str)
def test_make_targets_exist(line: Line) -> None:
    targets = re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert line.words[1] in targets


@pytest.mark.parametrize("line", [line for line in _starting_with("python", "-m") if "." in line.words[2]], ids=str)
def test_modules_exist(line: Line) -> None:
    assert importlib.util.find_spec(line.words[2]) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_test_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    for link in _LINK.findall(_FENCE.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in _anchors(target), f"{link}: there is no such heading"
    if page.name == "adding-a-channel.md":
        return  # its paths are those of the reader's own package
    for path in re.findall(r"`((?:tests|dispatcher|docs|campaigns|docker)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), f"{path} does not exist"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_documents_hold_something_to_type() -> None:
    """The tests above would pass on nothing."""
    assert len(_starting_with("dispatcher")) > 60
    assert {line.words[1] for line in _starting_with("make")} >= {"demo", "test"}
