"""Rendering strangers' templates where they can do no harm: once, with sample data, in a child process with limits.

A template can be hostile before it is rendered (deep nesting, huge literals), so the campaign is checked here first;
what passed is rendered in the workers under the budget alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from dispatcher.render.problem import TemplateProblem

_ROOT = Path(__file__).resolve().parents[2]
_KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TZ")


def check_in_child(
    templates: Sequence[tuple[str, str]],
    sources: Mapping[str, str],
    sample_variables: Mapping[str, Any],
    *,
    cpu_s: int = 2,
    memory_mib: int = 256,
    timeout_s: float = 5,
) -> list[TemplateProblem]:
    """Compile and render each (name, source); every problem found, at most one a template.

    A template that kills the child, by `cpu_s`, `memory_mib` or otherwise, is reported as `template-budget`, and a new
    child goes on behind it. `timeout_s` is for all of them together; those it leaves unchecked are reported too.
    """
    deadline = time.monotonic() + timeout_s
    problems: list[TemplateProblem] = []
    waiting = list(templates)
    while waiting:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            return problems + [_unchecked(name) for name, _ in waiting]
        request = {"templates": waiting, "sources": dict(sources), "variables": dict(sample_variables)}
        answers = _ask_child(json.dumps(request, default=_as_json), [str(cpu_s), str(memory_mib)], left_s)
        problems += [problem for answer in answers for problem in answer]
        if len(answers) < len(waiting):
            problems.append(_killer(waiting[len(answers)][0]))
        waiting = waiting[len(answers) + 1 :]
    return problems


def _ask_child(request: str, limits: list[str], timeout_s: float) -> list[list[TemplateProblem]]:
    """The answers the child gave before it ended, one a template, in order."""
    command = [sys.executable, "-P", "-m", "dispatcher.render.child", *limits]
    child = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
    )
    with child:
        try:
            output, _ = child.communicate(request.encode(), timeout=timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            output, _ = child.communicate()
    return _answers(output)


def _answers(output: bytes) -> list[list[TemplateProblem]]:
    """One line an answer; a last line without its end was cut off by the child's death."""
    lines = output.split(b"\n")[:-1]
    return [[TemplateProblem(**fields) for fields in json.loads(line)] for line in lines]


def _environment() -> dict[str, str]:
    """No secrets, and our package where this process has it from."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONPATH": str(_ROOT)}


def _as_json(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a sample variable of type {type(value).__name__} has no JSON form")


def _killer(name: str) -> TemplateProblem:
    return TemplateProblem(
        "template-budget",
        "rendering this template takes too much time or memory",
        hint="Remove large numbers, long loops and deep nesting.",
        template=name,
    )


def _unchecked(name: str) -> TemplateProblem:
    message = "this template was not reached: one before it used up the time for checking"
    return TemplateProblem("template-budget", message, template=name)
