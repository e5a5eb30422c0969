"""Codes are promises: each one in the source is listed, and the list in the docs is current."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import dispatcher.campaign
from dispatcher.campaign.codes import LOADER, all_codes, codes_table
from dispatcher.campaign.rules import RULES

ROOT = Path(__file__).parents[3]
SOURCE = Path(next(iter(dispatcher.campaign.__path__)))
MAKERS = {"Diagnostic", "DocumentError", "SourceError", "problem", "at", "Finding"}


def emitted() -> Iterator[str]:
    """Text constants that look like a code and stand where codes are made."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            start = name == "at"  # its first argument is a path
            first = [a for a in node.args[start : start + 1] if isinstance(a, ast.Constant)] if name in MAKERS else []
            if isinstance(node, ast.Return) and file.name in ("problems.py", "syntax.py"):
                first = [e for e in getattr(node.value, "elts", [])[:1] if isinstance(e, ast.Constant)]
            yield from (a.value for a in first[:1] if isinstance(a.value, str))


def test_every_emitted_code_is_listed() -> None:
    unlisted = {code for code in emitted() if code not in all_codes()}
    assert unlisted == set()
    assert len(set(emitted())) > 60


def test_every_listed_code_is_emitted() -> None:
    by_renderer = {code for code in all_codes() if code.startswith("template-") and code not in LOADER}
    assert set(all_codes()) - set(emitted()) - by_renderer == set()


def test_no_code_has_two_owners() -> None:
    owned = [code for rule in RULES for code in rule.CODES] + list(LOADER)
    assert len(owned) == len(set(owned))


def test_the_list_in_the_docs_is_current() -> None:
    text = (ROOT / "docs" / "writing-campaigns.md").read_text(encoding="utf-8")
    assert codes_table() in text, "run python -m dispatcher.campaign.codes and put the table into the docs"
