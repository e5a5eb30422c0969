"""What many runs found, as the table of docs/reliability.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

Finding = dict[str, Any]


def table(findings: Iterable[Finding]) -> str:
    counted = [one for one in findings if one["counts"]]
    rows = [
        ("runs that count", "", str(len(counted))),
        ("messages", "", str(sum(one["messages"] for one in counted))),
        ("accepted twice by the carrier", "0", _sum(counted, "twice")),
        ("neither in an end state nor listed as held `unknown`", "0", _sum(counted, "neither")),
        ("`unknown` although a callback was taken", "0", _sum(counted, "unknown_told")),
        ("`unknown` after callbacks: all of them lost", "", _sum(counted, "unknown_untold")),
        ("`unknown` after callbacks: refused or dropped by the carrier", "", _sum(counted, "unknown_turned_away")),
        ("`unknown` after callbacks: never seen by the carrier", "", _sum(counted, "unknown_unseen")),
        ("… most for one killed or frozen worker", "2 slices", _most(counted, "most_unseen_of_a_kill")),
        ("`unknown` after the look-ups", "0", _sum(counted, "unknown_after_look_up")),
        ("most within a second, of 80", "80", _most(counted, "most_in_a_second")),
        ("other violations", "0", str(sum(len(one["violations"]) for one in counted))),
    ]
    return "\n".join([_lines(("", "must be", "found"), rows), "", _faults(counted)])


def _sum(findings: list[Finding], name: str) -> str:
    return str(sum(one[name] for one in findings))


def _most(findings: list[Finding], name: str) -> str:
    return str(max((one[name] for one in findings), default=0))


def _faults(findings: list[Finding]) -> str:
    """Of each kind: how often it struck, how often it met something, how much, and how soon the full rate was back."""
    kinds: defaultdict[str, list[Finding]] = defaultdict(list)
    for one in findings:
        for fault in one["faults"]:
            kinds[fault["kind"]].append(fault)
    rows = [_fault_row(kind, faults) for kind, faults in sorted(kinds.items())]
    return _lines(("fault", "struck", "met something", "claimed", "begun", "back after, median and most (s)"), rows)


def _fault_row(kind: str, faults: list[Finding]) -> tuple[str, ...]:
    met = [fault for fault in faults if fault["claimed"] or fault["begun"]]
    back = sorted(fault["back_s"] for fault in faults if fault["back_s"] is not None)
    soon = f"{back[len(back) // 2]:.1f}, {back[-1]:.1f} (of {len(back)})" if back else ""
    claimed, begun = (sum(fault[name] for fault in met) for name in ("claimed", "begun"))
    return kind, str(len(faults)), str(len(met)), str(claimed), str(begun), soon


def _lines(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))
