"""Figures of two runs of the benchmarks, compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.figures import KEPT_IN, better, halved, keep, kept

BEFORE = {"send": {"bare_ratio": 0.4, "per_s": 6000.0}, "page": {"first_times": 2.5}}


def test_figures_are_kept_by_benchmark_the_later_of_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("send", ratio=0.1)  # nobody wants it
    monkeypatch.setenv(KEPT_IN, str(tmp_path / "figures"))
    for ratio in (0.2, 0.3):
        keep("send", ratio=ratio)
    keep("page", first_times=2.0)
    assert kept(tmp_path / "figures") == {"send": {"ratio": 0.3}, "page": {"first_times": 2.0}}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (BEFORE, []),
        ({**BEFORE, "send": {"bare_ratio": 0.21, "per_s": 100.0}}, []),
        ({**BEFORE, "send": {"bare_ratio": 0.19}}, ["send: bare_ratio was 0.40 and is 0.19"]),
        ({**BEFORE, "page": {"first_times": 5.1}}, ["page: first_times was 2.50 and is 5.10"]),
        ({"send": BEFORE["send"]}, ["page: first_times was 2.50, and was not measured"]),
    ],
)
def test_a_ratio_that_has_halved_and_a_cost_that_has_doubled_are_told(now: dict, told: list[str]) -> None:
    assert list(halved(now, BEFORE)) == told


def test_of_two_runs_the_better_ratios_and_costs_count() -> None:
    again = {"send": {"bare_ratio": 0.5, "per_s": 9000.0}, "page": {"first_times": 2.0}}
    assert better(BEFORE, again) == {"send": {"bare_ratio": 0.5, "per_s": 6000.0}, "page": {"first_times": 2.0}}
    assert better(again, {}) == again
