"""Many runs, one after the other or side by side, whatever becomes of a single one."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count
from pathlib import Path
from typing import Any

from tests.chaos.plan import plan_of
from tests.chaos.run import run
from tests.chaos.stage import Servers

Finding = dict[str, Any]
_MOST_UNFINISHED = 10


class LongRun:
    """Seeds one after the other, until enough of them count."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._known = _read(options.file)
        self._seeds = count(options.first)
        self.found: list[Finding] = []
        self.unfinished: list[int] = []

    def go(self, pool: ProcessPoolExecutor) -> None:
        running: dict[Future[Finding], int] = {}
        while running or not self._is_enough():
            for seed in self._next_seeds(self._options.at_once - len(running)):
                running[pool.submit(_one, seed, self._options.keep)] = seed
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                self._take(running.pop(future), future)

    def _is_enough(self) -> bool:
        counted = sum(one["counts"] for one in self.found)
        return counted >= self._options.runs or len(self.unfinished) >= _MOST_UNFINISHED

    def _next_seeds(self, wanted: int) -> Iterator[int]:
        while wanted and not self._is_enough():
            seed = next(self._seeds)
            if seed in self._known:
                self.found.append(self._known[seed])
            else:
                wanted -= 1
                yield seed

    def _take(self, seed: int, future: Future[Finding]) -> None:
        try:
            finding = future.result()
        except Exception as error:  # whatever it was, the other seeds go on
            print(f"seed {seed} came to no end: {type(error).__name__}: {error}", flush=True)
            self.unfinished.append(seed)
            return
        with self._options.file.open("a") as lines:
            lines.write(json.dumps(finding) + "\n")
        self.found.append(finding)
        _tell(finding)


def _read(file: Path) -> dict[int, Finding]:
    lines = file.read_text().splitlines() if file.exists() else []
    return {one["seed"]: one for one in map(json.loads, lines)}


def _one(seed: int, keep: Path | None) -> Finding:
    """In a process of its own, with servers of its own."""
    with Servers() as servers, tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = keep / str(seed) if keep else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        return run(plan_of(seed), servers, folder, lambda words: print(f"  {seed}: {words}", flush=True)).as_dict()


def _tell(finding: Finding) -> None:
    seed = finding["seed"]
    print(f"seed {seed} " + ("counts" if finding["counts"] else "does not count: no fault met anything in flight"))
    for violation in finding["violations"]:
        print(f"  VIOLATED {violation}; again with: python -m tests.chaos --runs 1 --first {seed}")
    for late in finding["slow"]:
        print(f"  slow: {late}", flush=True)
