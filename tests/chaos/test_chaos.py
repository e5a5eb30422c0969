"""Faults at random moments: nothing is lost, nothing is sent twice (invariants 1, 3, 4, 9 and 11).

`make chaos CHAOS_ARGS="--runs 100"` runs many more, and judges how soon the full rate is back.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.plan import plan_of
from tests.chaos.run import run
from tests.chaos.stage import Servers

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_and_nothing_is_sent_twice(seed: int, servers: Servers, tmp_path: Path) -> None:
    findings = run(plan_of(seed), servers, tmp_path, print)
    again = f"python -m tests.chaos --first {seed} --runs 1"
    assert findings.counts, f"the faults met nothing in flight: {findings}"
    assert not findings.violations, f"{findings.violations}\nseed {seed}; again with: {again}\n{findings}"
