"""One run: send at a set rate, let faults strike, wait until all is quiet, check."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from dispatcher.core.status import Status
from tests.chaos.checks import BACK_WITHIN_S, Findings, check
from tests.chaos.faults import FAULTS, Struck
from tests.chaos.plan import Plan
from tests.chaos.stage import Servers, Stage
from tests.chaos.watch import Watch

QUIET_S = 75.0
"""Settle time, look-ups, and time to spare on a loaded machine."""

CAUGHT_UP_S = 15.0
HOURS_LATE = 5


def run(plan: Plan, servers: Servers, folder: Path, say: Callable[[str], object], guard: str = "") -> Findings:
    with Stage(servers, folder, plan.behaviour, plan.rate, guard) as stage, Watch(stage) as watch:
        file = stage.place.planned(plan.contacts)
        assert stage.place.run("campaign", "apply", file).code == 0
        started = _first_message(stage)
        afterwards = Afterwards()
        struck = [_strike(stage, plan, started + at_s, kind, afterwards, say) for at_s, kind in plan.faults]
        afterwards.join()
        quiet = _await_quiet(stage, settled=not guard)
        _late_callbacks(stage)
        return check(stage, plan, struck, watch, quiet)


class Afterwards:
    """What faults still have to do, each at its time, in threads."""

    def __init__(self) -> None:
        self._timers: list[threading.Timer] = []
        self._errors: list[BaseException] = []

    def add(self, seconds: float, act: Callable[[], object]) -> None:
        timer = threading.Timer(max(seconds, 0), self._guarded, (act,))
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _guarded(self, act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:
            self._errors.append(error)

    def join(self) -> None:
        for timer in self._timers:
            timer.join()
        if self._errors:
            raise self._errors[0]


def _first_message(stage: Stage) -> float:
    """CLOCK_REALTIME when the carrier took it."""
    _eventually(lambda: stage.carrier.ledger.accepted() > 0, 30)
    return time.time()


def _strike(
    stage: Stage, plan: Plan, due: float, kind: str, afterwards: Afterwards, say: Callable[[str], object]
) -> Struck:
    time.sleep(max(0.0, due - time.time()))
    struck = FAULTS[kind](stage, Random(f"{plan.seed}/{kind}"))
    for seconds, act in struck.later:
        afterwards.add(struck.at + seconds - time.time(), act)
    if struck.met.claimed and kind in BACK_WITHIN_S:
        afterwards.add(struck.at + CAUGHT_UP_S - time.time(), lambda: _count_left(stage, struck))
    say(f"{kind}: {len(struck.met.claimed)} claimed, {len(struck.met.begun)} begun {struck.note}".rstrip())
    return struck


def _count_left(stage: Stage, struck: Struck) -> None:
    """Claimed rows that nobody began since."""
    ids = ", ".join(map(str, struck.met.claimed))
    struck.left = stage.query(
        f"SELECT count(*) FROM messages WHERE id IN ({ids}) AND status = 'queued'"
        f" AND coalesce(begun_us, 0) / 1e6 < {struck.at}"
    )[0][0]


def _await_quiet(stage: Stage, *, settled: bool) -> bool:
    """Whether everyone reached an end, and, where that is asked for, every doubt was settled, in time."""
    deadline = time.monotonic() + QUIET_S
    while time.monotonic() < deadline:
        if stage.place.is_at_rest() and not (settled and stage.place.statuses()[Status.UNKNOWN]):
            return True
        time.sleep(0.5)
    return False


def _late_callbacks(stage: Stage) -> None:
    """Let hours pass over all that was sent, then let the callbacks come that the carrier held back."""
    past_us = HOURS_LATE * 3_600_000_000
    stage.query(f"UPDATE messages SET begun_us = begun_us - {past_us}, ended_us = ended_us - {past_us}")
    stage.carrier.hasten()
    _eventually(stage.carrier.is_silent, 30)


def _eventually(condition: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen in time")
        time.sleep(0.05)
