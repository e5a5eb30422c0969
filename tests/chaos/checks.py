"""What must be true after a run. Each check adds to the findings; an empty list of violations is a pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from dispatcher.core.status import Status
from dispatcher.testing.carrier import Ledger
from tests.acceptance.place import ENDS
from tests.chaos.faults import Struck
from tests.chaos.plan import Plan
from tests.chaos.stage import SENDER, Stage
from tests.chaos.watch import Doubt, Watch

SECOND_US = 1_000_000
TOLERANCE_US = 25_000
"""By which the carrier's clock of a message may be off from its hand-over (invariant 9)."""

GROSSLY = 1.1

PIPELINE = 2
"""Slices that one process may have begun and not handed over: the one it hands over, and the next (invariant 3)."""

SLICE_S = 0.05
BACK_SHARE = 0.95
BACK_WITHIN_S = {"kill-worker": 15.0, "kill-child": 15.0, "kill-sent": 15.0, "redis-kill": 5.0, "redis-flush": 5.0}
_WINDOW_S = 2.0
_LOOKING_BACK_S = 3.5
"""A begin may hang for 3 s (`postgres-slow`) before its process dies."""

KILLS = ("kill-worker", "kill-child", "kill-sent")
FREEZES = ("freeze-claimed", "freeze-begun", "freeze-connecting", "freeze-sent", "freeze-lost")


@dataclass
class FaultFinding:
    """`back_s`: until the full rate was there again; None where the next fault, or the end, came before.

    `left`: claimed rows that nobody had begun 15 s later.
    """

    kind: str
    at: float
    claimed: int
    begun: int
    note: str
    back_s: float | None
    left: int


@dataclass
class Findings:
    """Plain data: one line of the file that the long run keeps."""

    seed: int
    messages: int = 0
    faults: list[FaultFinding] = field(default_factory=list)
    twice: int = 0
    neither: int = 0
    unknown_told: int = 0
    unknown_unseen: int = 0
    unknown_untold: int = 0
    unknown_turned_away: int = 0
    unknown_after_look_up: int = 0
    most_unseen_of_a_kill: int = 0
    most_in_a_second: int = 0
    used: float = 0.0
    violations: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    """What took too long: to be judged on a machine that has nothing else to do."""

    @property
    def counts(self) -> bool:
        """A run whose faults met nothing in flight proves nothing."""
        return any(fault.claimed or fault.begun for fault in self.faults)

    def as_dict(self) -> dict[str, Any]:
        return {"counts": self.counts, **asdict(self)}


def check(stage: Stage, plan: Plan, struck: list[Struck], watch: Watch, quiet: bool) -> Findings:
    ledger, findings = stage.carrier.ledger, Findings(plan.seed)
    at = sorted(ledger.accept_times(SENDER))
    findings.faults = [_fault(one, struck, at, plan) for one in struck]
    for violations in (
        _everyone_once(stage, plan, ledger, findings, quiet),
        _doubts(watch, ledger, struck, plan, findings),
        _pace(at, plan, findings),
        _conserved(stage),
    ):
        findings.violations += violations
    findings.slow += _back_in_time(findings)
    return findings


def _everyone_once(stage: Stage, plan: Plan, ledger: Ledger, findings: Findings, quiet: bool) -> Iterator[str]:
    counts, standing = stage.place.statuses(), stage.place.standing()
    findings.messages = counts.total()
    findings.twice = len(ledger.accepted_twice())
    findings.unknown_after_look_up = counts[Status.UNKNOWN]
    findings.neither = sum(n for status, n in counts.items() if status not in ENDS) + standing["pending"]
    if findings.twice:
        yield f"accepted twice: {sorted(ref for _, ref in ledger.accepted_twice())[:10]}"
    if findings.neither:
        yield f"neither in an end nor held: {dict(counts)}, pending {standing['pending']}"
    if findings.unknown_after_look_up or not quiet:
        yield f"{findings.unknown_after_look_up} still unknown after the look-ups"
    if standing["selected"] != counts.total() + sum(standing["skipped"].values()) + standing["held_out"]:
        yield "selected people are missing"
    taken = {ref.partition(".")[0] for ref in ledger.by_ref()}
    told = {i for i, status in stage.query("SELECT id, status FROM messages") if status in _TAKEN}
    if never := [i for i in told if _reference(i) not in taken]:
        yield f"said to be accepted, and the carrier never saw them: {never[:10]}"


_TAKEN = {Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ}


def _reference(message: int) -> str:
    return Doubt(message, 0, 0.0, False).ref.partition(".")[0]


def _doubts(watch: Watch, ledger: Ledger, struck: list[Struck], plan: Plan, findings: Findings) -> Iterator[str]:
    """Unknown after the callbacks: what the carrier never saw, or told nobody."""
    seen, away = ledger.by_ref(), ledger.turned_away()
    unseen = []
    for doubt in watch.doubts:
        if doubt.told:
            findings.unknown_told += 1
        elif seen[doubt.ref]:
            findings.unknown_untold += 1
        elif doubt.ref in away:
            findings.unknown_turned_away += 1
        else:
            unseen.append(doubt)
    findings.unknown_unseen = len(unseen)
    if findings.unknown_told:
        yield f"{findings.unknown_told} unknown although a callback was taken"
    deaths = [one for one in struck if one.kind in KILLS + FREEZES + ("kill-carrier", "postgres-kill")]
    of_death = Counter(_cause(doubt, deaths) for doubt in unseen)
    findings.most_unseen_of_a_kill = max((n for at, n in of_death.items() if at), default=0)
    bound = PIPELINE * -(-plan.rate * SLICE_S // 1) * 2
    if findings.most_unseen_of_a_kill > bound:
        yield f"{findings.most_unseen_of_a_kill} unknown of one killed worker, which the carrier never saw"
    if of_death[None]:
        begun = sorted(round(doubt.begun_at, 2) for doubt in unseen if _cause(doubt, deaths) is None)
        yield f"{of_death[None]} unknown without a cause, which the carrier never saw, begun at {begun}"


def _cause(doubt: Doubt, deaths: list[Struck]) -> float | None:
    """When the process died, or froze, that had begun it, as far as can be told by the time."""
    return min((one.at for one in deaths if -0.2 <= one.at - doubt.begun_at <= _LOOKING_BACK_S), default=None)


def _pace(at_us: list[int], plan: Plan, findings: Findings) -> Iterator[str]:
    """On a busy machine a handful of requests may be held up on their way and arrive together: that is only `slow`."""
    findings.most_in_a_second = most_within(at_us, SECOND_US - TOLERANCE_US)
    findings.used = round(len(at_us) / ((at_us[-1] - at_us[0]) / SECOND_US) / plan.rate, 3)
    if findings.most_in_a_second <= plan.rate:
        return
    words = f"{findings.most_in_a_second} within a second at a rate of {plan.rate} (invariant 9)"
    if findings.most_in_a_second > GROSSLY * plan.rate:
        yield words
    else:
        findings.slow.append(words)


def most_within(at_us: list[int], width_us: int) -> int:
    """The most events in any stretch of that width; `at_us` ascend."""
    most = start = 0
    for end, instant in enumerate(at_us):
        while at_us[start] <= instant - width_us:
            start += 1
        most = max(most, end - start + 1)
    return most


def _fault(one: Struck, struck: list[Struck], at_us: list[int], plan: Plan) -> FaultFinding:
    following = min((other.at for other in struck if other.at > one.at), default=float("inf"))
    back = back_at(at_us, int(one.at * SECOND_US), plan.rate)
    back_s = None if back is None or back > following * SECOND_US else round(back / SECOND_US - one.at, 2)
    return FaultFinding(one.kind, one.at, len(one.met.claimed), len(one.met.begun), one.note, back_s, one.left)


def back_at(at_us: list[int], since_us: int, rate: int) -> int | None:
    """The first instant from which on two seconds see at least 95 % of the rate; None where none does."""
    width_us, needed = int(_WINDOW_S * SECOND_US), BACK_SHARE * rate * _WINDOW_S
    starts = [since_us, *(instant for instant in at_us if instant > since_us)]
    for start in starts:
        if sum(start <= instant < start + width_us for instant in at_us) >= needed:
            return start
    return None


def _back_in_time(findings: Findings) -> Iterator[str]:
    for fault in findings.faults:
        within_s = BACK_WITHIN_S.get(fault.kind)
        if within_s and fault.back_s is not None and fault.back_s > within_s:
            yield f"{fault.kind}: back after {fault.back_s} s"
        if within_s and fault.left:
            yield f"{fault.kind}: {fault.left} claimed rows still waited 15 s later"


def _conserved(stage: Stage) -> Iterator[str]:
    ran = stage.place.run("doctor", "--json")
    for finding in ran.json:
        if finding["check"] == "conservation" and not finding["ok"]:
            yield f"invariant 11: {finding['detail']}"
    try:
        stage.place.assert_conserved()
    except AssertionError:
        yield "invariant 11: counters are not what the rows say"
