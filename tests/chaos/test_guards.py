"""The suite can fail: with a guard of the engine taken out, the carrier takes messages twice, and the checks say so."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.testing.carrier import Behaviour
from tests.chaos import guards
from tests.chaos.plan import Plan
from tests.chaos.run import run
from tests.chaos.stage import REPOSITORY, Servers

# without callbacks, which would tell of a message that we know nothing of
PROMPT = Behaviour(latency_ms=(30, 60), lost=1)
# no answer within the client's time-out: an attempt is still open when a worker that lost its claim speaks up
MUTE = Behaviour(latency_ms=(9000, 9500), lost=1)
PLANS = {
    guards.COMMIT_FIRST: Plan(1, PROMPT, ((2.0, "kill-sent"), (4.0, "kill-sent")), rate=40, sending_s=7),
    guards.TOKEN: Plan(1, MUTE, ((1.0, "freeze-lost"), (2.0, "freeze-lost")), rate=10, sending_s=10),
}


SEEDS = 3
"""A fault strikes at a moment of chance: without its guard, the engine doubles in most runs, not in each."""


@pytest.mark.parametrize("guard", sorted(PLANS))
def test_a_guard_is_found_where_it_is_taken_out(guard: str) -> None:
    """Python goes on where `sitecustomize` fails: the guard would stay in, and the run below would say nothing."""
    environ = {**os.environ, "CHAOS_GUARD": guard}
    subprocess.run([sys.executable, "-c", "import tests.chaos.guards"], cwd=REPOSITORY, env=environ, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("guard", sorted(PLANS))
def test_without_a_guard_a_run_goes_red(guard: str, servers: Servers, tmp_path: Path) -> None:
    for seed in range(1, SEEDS + 1):
        folder = tmp_path / str(seed)
        folder.mkdir()
        findings = run(replace(PLANS[guard], seed=seed), servers, folder, print, guard)
        if findings.counts and findings.twice:
            break
    assert findings.counts
    assert findings.twice > 0, findings
    assert any("accepted twice" in violation for violation in findings.violations)
