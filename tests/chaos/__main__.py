"""`make chaos CHAOS_ARGS="--runs 100"`: many runs, and a table of what they found.

Findings are kept in a file, a line for each seed. Started again with the same file, it goes on where it was. A run that
could not be brought to its end proves nothing: it is told, not kept, and tried anew the next time. The exit code is 1
where anything was violated or remained without an end; what only took too long is printed, and fails nothing.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.chaos.long import LongRun
from tests.chaos.table import table


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="until so many runs count")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--at-once", type=int, default=1, help="runs mostly wait; two cores bear two")
    parser.add_argument("--file", type=Path, default=Path("chaos.jsonl"), help="findings, also of earlier runs")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what the processes wrote")
    options = parser.parse_args()
    long = LongRun(options)
    with ProcessPoolExecutor(options.at_once, multiprocessing.get_context("spawn")) as pool:
        long.go(pool)
    print(f"\n{table(long.found)}")
    if long.unfinished:
        print(f"\nwithout an end: seeds {', '.join(map(str, long.unfinished))}")
    return int(bool(long.unfinished) or any(one["violations"] for one in long.found))


if __name__ == "__main__":
    sys.exit(main())
