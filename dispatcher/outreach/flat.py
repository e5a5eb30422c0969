"""A report as one long table, easy to pivot: section, key, subkey, value. Words stay English, as in the JSON."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

HEADINGS = ("section", "key", "subkey", "value")
Line = tuple[str, str, str, object]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(report: Mapping[str, Any]) -> str:
    return table_as_csv(HEADINGS, lines(report))


def table_as_csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """RFC 4180 lines. What a spreadsheet would read as a formula is quoted with an apostrophe."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(headings)
    writer.writerows([_safe(value) for value in row] for row in rows)
    return out.getvalue()


def _safe(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def lines(report: Mapping[str, Any]) -> Iterator[Line]:
    for key in ("campaign", "title", "state", "as_of", "selected", "held_out", "pending"):
        yield "campaign", key, "", report[key]
    yield from _counts("campaign", "skipped", report["skipped"])
    yield from _counts("campaign", "messages", report["messages"])
    yield from _counts("reach", "", report["reach"])
    yield from _counts("visits", "", report["visits"], skip=("steps",))
    for row in report["visits"]["steps"]:
        name = f"{row['step']}/{row['occasion']}" if row["occasion"] else row["step"]
        yield from _counts("visits", name, row, skip=("step", "occasion"))
    yield from _hops(report["hops"])
    for step in report["steps"]:
        yield from _step(step)
    for section, name in (("groups", "group"), ("regions", "code")):
        for row in report[section]:
            yield from _counts(section, row[name] or "unknown", row, skip=(name, "answers"))
            yield from _answered(section, row[name] or "unknown", row)
    yield from _failures(report["failures"])
    yield from _counts("answers", "", report["answers"])
    for step in report["answers_by_step"]:
        yield from _answered("answers by step", _step_name(step["step"], step["occasion"]), step)
    for way, counts in report["answers_by_way"].items():
        for meaning, n in counts.items():
            yield "answers", meaning, f"by {way}", n
    for session in report["attendance"]:
        yield from _attendance(session)
    yield from _counts("cost", "total", report["cost"])
    for sender, part in report["cost_by_sender"].items():
        yield from _counts("cost", sender, {**part["cost"], **part}, skip=("cost",))


def _counts(section: str, key: str, counts: Mapping[str, Any], skip: tuple[str, ...] = ()) -> Iterator[Line]:
    """Without a key of its own, a count's name is the key."""
    for name, value in counts.items():
        if name not in skip and value is not None:
            yield (section, key, name, value) if key else (section, name, "", value)


def _answered(section: str, key: str, row: Mapping[str, Any]) -> Iterator[Line]:
    yield from _counts(section, key, {f"answered {meaning}": n for meaning, n in row["answers"].items()})


def _step_name(name: str, occasion: str) -> str:
    return f"{name}/{occasion}" if occasion else name


def _step(step: Mapping[str, Any]) -> Iterator[Line]:
    name = _step_name(step["name"], step["occasion"])
    for key in ("state", "due", "selected", "held_out", "pending"):
        yield "steps", name, key, step[key]
    for reason, n in step["skipped"].items():
        yield "steps", name, f"skipped {reason}", n
    for status, n in step["messages"].items():
        yield "steps", name, status, n


def _attendance(session: Mapping[str, Any]) -> Iterator[Line]:
    slug = session["session"]
    yield from _counts(
        "attendance", slug, session, skip=("session", "rsvp", "rsvp_by_way", "steps", "groups", "regions")
    )
    yield from _counts("attendance", slug, {f"rsvp {k}": n for k, n in session["rsvp"].items()})
    for way, counts in session["rsvp_by_way"].items():
        yield from _counts("attendance", slug, {f"rsvp {k} by {way}": n for k, n in counts.items()})
    for part, name in (("steps", "step"), ("groups", "group"), ("regions", "code")):
        for row in session[part]:
            yield from _counts(f"attendance {part}", f"{slug}/{row[name] or 'unknown'}", row, skip=(name,))


def _hops(hops: list[Mapping[str, Any]]) -> Iterator[Line]:
    for hop in hops:
        yield from _counts("hops", f"{hop['hop'] + 1} {hop['sender']}", hop["messages"])


def _failures(failures: list[Mapping[str, Any]]) -> Iterator[Line]:
    for row in failures:
        yield "failures", f"{row['reason']} {row['code']}".strip(), row["sender"], row["people"]
