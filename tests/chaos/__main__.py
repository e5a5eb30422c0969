"""`make chaos`, or `python -m tests.chaos [--runs 100] [--first SEED] [--file FILE]`: many runs, and a table.

Findings are kept in a file, a line a run. Started again with the same file, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.chaos.plan import plan_of
from tests.chaos.run import run
from tests.chaos.stage import Servers


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="how many runs must count")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--file", type=Path, default=Path("chaos.jsonl"), help="findings of earlier runs are kept here")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the logs of the processes here")
    options = parser.parse_args()
    with Servers() as servers:
        for seed in range(options.first, options.first + options.runs):
            one(seed, servers, options.file, options.keep)
    return 0


def one(seed: int, servers: Servers, file: Path, keep: Path | None) -> None:
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = (keep / str(seed)) if keep else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        findings = run(plan_of(seed), servers, folder, lambda words: print(f"  {words}", flush=True))
    with file.open("a") as lines:
        lines.write(json.dumps(findings.as_dict()) + "\n")
    for violation in findings.violations:
        print(f"  VIOLATION {violation}")
    print(f"  {json.dumps(findings.as_dict())}")


if __name__ == "__main__":
    sys.exit(main())
