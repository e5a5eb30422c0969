"""Everything that is measured, one after the other: `make bench`, or `python -m benchmarks [--small]`.

Each is a command of its own, with its bare baseline in the same run: ratios hold on a busy machine, absolute figures
vary by a factor of two between runs. `--json FILE` keeps the figures, `--against FILE` compares with kept ones: exit
code 1 where a ratio has halved, or a benchmark failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import KEPT_IN, Figures, better, halved, kept

FULL = (
    ("benchmarks.start",),
    ("benchmarks.import_contacts", "100000"),
    ("benchmarks.import_contacts", "100000", "--postgres"),
    ("benchmarks.expand", "50000"),
    ("benchmarks.expand", "50000", "--postgres"),
    ("benchmarks.send", "20000"),
    ("benchmarks.receipts",),
    ("benchmarks.tracked",),
    ("benchmarks.page",),
    ("benchmarks.carrier",),
    ("benchmarks.adapters",),
    ("benchmarks.throttled",),
    ("benchmarks.pacing",),
    ("benchmarks.stops",),
    ("benchmarks.smpp",),
    ("benchmarks.growth", "10000", "1000000"),
)
SMALL = (
    ("benchmarks.start", "--rounds", "5"),
    ("benchmarks.import_contacts", "4000"),
    ("benchmarks.expand", "4000"),
    ("benchmarks.send", "4000", "--rounds", "1"),
    ("benchmarks.receipts", "1000"),
    ("benchmarks.page", "600", "--sqlite"),
    ("benchmarks.adapters", "300", "--rounds", "2"),
    ("benchmarks.smpp", "500"),
    ("benchmarks.growth", "1000", "10000", "--contacts", "600", "--rounds", "2", "--postgres"),
)
"""Sees that they work, and tells a halved ratio from the noise of a small run."""

_MEASURED_ONLY = ("benchmarks.adapters", "benchmarks.smpp")
"""In a small run their exit codes, which tell whether a wanted ratio was reached, mean nothing."""


def run(commands: Sequence[tuple[str, ...]], *, is_small: bool) -> tuple[Figures, list[str]]:
    """The figures, and the commands that failed."""
    failed = []
    with tempfile.NamedTemporaryFile(prefix="figures-") as lines:
        environ = {**os.environ, KEPT_IN: lines.name}
        for command in commands:
            print(f"\n$ python -m {' '.join(command)}", flush=True)
            code = subprocess.run([sys.executable, "-m", *command], check=False, env=environ).returncode
            if code and not (is_small and code == 1 and command[0] in _MEASURED_ONLY):
                failed.append(" ".join(command))
        return kept(Path(lines.name)), failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="only see that they work")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures here")
    parser.add_argument("--against", type=Path, metavar="FILE", help="figures that were kept before")
    options = parser.parse_args()
    before: Figures = json.loads(options.against.read_text(encoding="utf-8")) if options.against else {}
    commands = SMALL if options.small else FULL
    figures, failed = run(commands, is_small=options.small)
    worse = list(halved(figures, before))
    if worse and not failed:
        print("\n".join([*worse, "Once more: a moment of noise is not a loss."]), file=sys.stderr)
        again, failed = run(commands, is_small=options.small)
        figures = better(figures, again)
        worse = list(halved(figures, before))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for sentence in [*(f"failed: {command}" for command in failed), *worse]:
        print(sentence, file=sys.stderr)
    return 1 if failed or worse else 0


if __name__ == "__main__":
    sys.exit(main())
