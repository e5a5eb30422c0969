"""How long a command takes to start, against a bare interpreter (`python -c pass`): help, and what people often ask,
of an empty database.

All take turns, so that what else the machine does meets all alike; medians. What Python compiled is kept, as after the
first use of an installation.

    python -m benchmarks.start [--rounds 15] [--postgres]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.figures import keep
from benchmarks.place import installation

COMMANDS = (
    ("campaign", "list"),
    ("campaign", "status", "tidak-ada"),
    ("contacts", "show", "+6281234567890"),
    ("inbox", "list"),
    ("session", "list"),
    ("message", "list"),
)
_BARE = ("-c", "pass")
_DISPATCHER = ("-c", "from dispatcher.cli.start import main; main()")
"""As the installed script does."""

_HELP = (*_DISPATCHER, "--help")


def measure(environ: Mapping[str, str], rounds: int) -> dict[tuple[str, ...], float]:
    """What Python is called with → seconds."""
    commands = (_BARE, _HELP, *((*_DISPATCHER, *command, "--json") for command in COMMANDS))
    spent: dict[tuple[str, ...], list[float]] = {command: [] for command in commands}
    for turn in range(rounds + 1):
        for command, seconds in spent.items():
            took_s = _run(command, environ)
            if turn:  # in the first, Python compiles
                seconds.append(took_s)
    return {command: median(seconds) for command, seconds in spent.items()}


def _run(command: Sequence[str], environ: Mapping[str, str]) -> float:
    started = time.perf_counter()
    done = subprocess.run([sys.executable, *command], check=False, env=environ, capture_output=True)
    took_s = time.perf_counter() - started
    if done.returncode not in (0, 2):  # 2: there is no such campaign, no such person
        raise RuntimeError(f"{command}: {done.stderr.decode()}")
    return took_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--postgres", action="store_true", help="look into Postgres instead of SQLite")
    options = parser.parse_args()
    backend = "Postgres" if options.postgres else "SQLite"
    with (
        installation(postgres=options.postgres) as (_, environ),
        tempfile.TemporaryDirectory(prefix="compiled-") as compiled,
    ):
        kept = {**os.environ, **environ, "PYTHONPYCACHEPREFIX": compiled}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        spent = measure(kept, options.rounds)
    bare_s = spent.pop(_BARE)
    times = {command: took_s / bare_s for command, took_s in spent.items()}
    print(f"start, {backend}: a bare interpreter {bare_s * 1000:.0f} ms, the median of {options.rounds} rounds")
    for command, factor in times.items():
        print(f"  dispatcher {' '.join(command[2:]):45} {factor:5.1f} times")
    help_times = times.pop(_HELP)
    keep(f"start {backend}", help_times=help_times, read_times=max(times.values()))


if __name__ == "__main__":
    main()
