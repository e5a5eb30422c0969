"""The figures of a run, kept beside what is printed, so that runs can be compared.

A figure named `ratio` or that ends in `_ratio` is ours by the bare baseline of the same run: more is better. One named
`times` or that ends in `_times` is a cost: less is better. Everything else depends on the machine and its mood.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

KEPT_IN = "DISPATCHER_BENCH_FIGURES"
"""The environment names the file to which each benchmark adds a line."""

Figures = dict[str, dict[str, Any]]

_KINDS: dict[str, Callable[..., float]] = {"ratio": max, "times": min}


def keep(benchmark: str, **figures: float | int | str | None) -> None:
    """Does nothing where nobody wants them kept."""
    if path := os.environ.get(KEPT_IN):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"benchmark": benchmark, **figures}) + "\n")


def kept(path: Path) -> Figures:
    """By benchmark; of one that was run twice, the later."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {line.pop("benchmark"): line for line in lines}


def better(one: Figures, other: Figures) -> Figures:
    """Of two runs, the better ratios and costs: what else a machine does makes them worse, and never better."""
    return {
        benchmark: {
            name: _KINDS[_kind(name)](value, other.get(benchmark, {}).get(name, value))
            if _kind(name) in _KINDS
            else value
            for name, value in figures.items()
        }
        for benchmark, figures in one.items()
    }


def halved(now: Figures, before: Figures) -> Iterator[str]:
    """Sentences about each ratio that has less than half of its value, and each cost that has doubled."""
    for benchmark, figures in before.items():
        for name, was in figures.items():
            if _kind(name) not in _KINDS:
                continue
            is_now = now.get(benchmark, {}).get(name)
            if is_now is None:
                yield f"{benchmark}: {name} was {was:.2f}, and was not measured"
            elif is_now < was / 2 if _kind(name) == "ratio" else is_now > was * 2:
                yield f"{benchmark}: {name} was {was:.2f} and is {is_now:.2f}"


def _kind(name: str) -> str:
    return name.rpartition("_")[2]
