"""Everything that is measured, one after the other: `make bench`, or `python -m benchmarks [--small]`.

Each is a command of its own, with its bare baseline in the same run: ratios hold on a busy machine, absolute figures
vary by a factor of two between runs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

FULL = (
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
    ("benchmarks.stops",),
    ("benchmarks.smpp",),
)
SMALL = (
    ("benchmarks.import_contacts", "2000"),
    ("benchmarks.expand", "2000"),
    ("benchmarks.send", "1000", "--rounds", "1"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="only see that they work")
    failed = 0
    for command in SMALL if parser.parse_args().small else FULL:
        print(f"\n$ python -m {' '.join(command)}", flush=True)
        failed += bool(subprocess.run([sys.executable, "-m", *command], check=False).returncode)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
