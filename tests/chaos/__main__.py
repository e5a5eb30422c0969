"""`make chaos CHAOS_ARGS="--runs 100"`: many runs, and a table of what they found.

Findings are kept in a file, a line for each seed. Started again with the same file, it goes on where it was. The exit
code is 1 where anything was violated; what only took too long is printed, and fails nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

from tests.chaos.plan import plan_of
from tests.chaos.run import run
from tests.chaos.stage import Servers
from tests.chaos.table import table


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="until so many runs count")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--file", type=Path, default=Path("chaos.jsonl"), help="findings, also of earlier runs")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what the processes wrote")
    options = parser.parse_args()
    with Servers() as servers:
        findings = _until_enough(options, servers)
    print(f"\n{table(findings)}")
    return int(any(one["violations"] for one in findings))


def _until_enough(options: argparse.Namespace, servers: Servers) -> list[dict[str, Any]]:
    known = _read(options.file)
    wanted: list[dict[str, Any]] = []
    for seed in count(options.first):
        if sum(one["counts"] for one in wanted) >= options.runs:
            return wanted
        if seed not in known:
            known[seed] = _one(seed, servers, options.keep)
            with options.file.open("a") as lines:
                lines.write(json.dumps(known[seed]) + "\n")
        wanted.append(known[seed])
    raise AssertionError("seeds never end")


def _read(file: Path) -> dict[int, dict[str, Any]]:
    lines = file.read_text().splitlines() if file.exists() else []
    return {one["seed"]: one for one in map(json.loads, lines)}


def _one(seed: int, servers: Servers, keep: Path | None) -> dict[str, Any]:
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = keep / str(seed) if keep else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        findings = run(plan_of(seed), servers, folder, lambda words: print(f"  {words}", flush=True)).as_dict()
    if not findings["counts"]:
        print("  does not count: no fault met anything in flight")
    for violation in findings["violations"]:
        print(f"  VIOLATED {violation}; again with: python -m tests.chaos --runs 1 --first {seed}")
    for late in findings["slow"]:
        print(f"  slow: {late}")
    return findings


if __name__ == "__main__":
    sys.exit(main())
