"""A report as titled tables in a person's language: what text, HTML and XLSX show alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from dispatcher.core.money import Money
from dispatcher.outreach.funnel import ORDER, Funnel
from dispatcher.outreach.labels import label, percent

Value = str | int
Report = Mapping[str, Any]

_TURNOUT: Final = ("invited", "said_yes", "waiting", "declined", "came", "uninvited", "guests", "no_show")


@dataclass(frozen=True, slots=True)
class Section:
    """`rows` are as wide as `headings`; whole numbers stay numbers. `note` says how to read them."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    note: str = ""


def funnel_of(report: Mapping[str, Any]) -> Funnel:
    """Of a status, a report or one of their steps."""
    return Funnel(report["selected"], report["held_out"], report["skipped"], report["pending"], report["messages"], ())


def sections(report: Report, language: str) -> list[Section]:
    """Those that have something to say, in the order in which they are read."""
    made = _Sections(language)
    found = (
        made.reach(report),
        made.visits(report),
        made.funnel(report),
        made.steps(report),
        made.hops(report),
        made.groups(report),
        made.regions(report),
        made.failures(report),
        made.answers(report),
        made.answers_by_step(report),
        made.attendance(report),
        made.attendance_steps(report),
        made.attendance_groups(report),
        made.attendance_regions(report),
        made.cost(report),
    )
    return [section for section in found if section.rows]


class _Sections:
    def __init__(self, language: str) -> None:
        self._language = language

    def _label(self, word: str) -> str:
        return label(word, self._language)

    def _section(self, word: str, headings: Iterable[str], rows: Iterable[Sequence[Value]], note: str = "") -> Section:
        titles = tuple(self._label(heading) if heading else "" for heading in headings)
        return Section(self._label(word), titles, tuple(map(tuple, rows)), self._label(note) if note else "")

    def reach(self, report: Report) -> Section:
        reach = report["reach"]
        rows: list[tuple[Value, Value]] = [(self._label("reached"), reach["people"])]
        if reach["goal"]:
            rows += [
                (self._label("goal"), reach["goal"]),
                (self._label("share"), percent(reach["share"], self._language)),
            ]
        rows += [
            (self._label(word), reach[word]) for word in ("read", "unconfirmed", "households_estimate") if reach[word]
        ]
        notes = ["note_reach", *(["note_households"] if reach["households_estimate"] else [])]
        found = self._section("reach", ("", "people"), rows)
        return replace(found, note=" ".join(map(self._label, notes)))

    def visits(self, report: Report) -> Section:
        """Of recipients' pages, where there are any."""
        visits = report["visits"]
        seen = [("visited", visits["people"]), *((word, visits[word]) for word in ("shared", "previewed"))]
        rows = [(self._label(word), n) for word, n in seen if n]
        rows += [
            (f"{self._label('step')}: {self._step(row['step'], row['occasion'])}", row["people"])
            for row in visits["steps"]
            if len(visits["steps"]) > 1
        ]
        return self._section("visits", ("", "people"), rows, "note_visits")

    @staticmethod
    def _step(name: str, occasion: str) -> str:
        return f"{name} · {occasion}" if occasion else name

    def funnel(self, report: Report) -> Section:
        funnel = funnel_of(report)
        rows = [("selected", funnel.selected), ("held_out", funnel.held_out)]
        labelled: list[tuple[Value, Value]] = [(self._label(word), n) for word, n in rows if n or word == "selected"]
        labelled += [
            (f"{self._label('skipped')}: {self._label(reason)}", n) for reason, n in sorted(funnel.skipped.items()) if n
        ]
        labelled += [(self._label("pending"), funnel.pending)] if funnel.pending else []
        labelled += [(self._label(word), funnel.people[word]) for word in ORDER if funnel.people.get(word)]
        return self._section("funnel", ("", "people"), labelled, "note_steps" if len(report["steps"]) > 1 else "")

    def steps(self, report: Report) -> Section:
        rows = []
        for step in report["steps"]:
            counts = dict(funnel_of(step).stages())
            left_out = step["held_out"] + sum(step["skipped"].values())
            failed = step["messages"].get("failed", 0)
            name = self._step(step["name"], step["occasion"])
            due = step["due"].replace("T", " ")[:16]
            numbers = (step["selected"], left_out, counts["accepted"], counts["delivered"], counts["read"], failed)
            rows.append((name, due, self._label(step["state"]), *numbers))
        headings = (
            *("step", "starts", "state", "selected", "skipped"),
            *("accepted", "delivered", "read", "failed"),
        )
        return self._section("steps", headings, rows)

    def hops(self, report: Report) -> Section:
        rows = [
            (hop["hop"] + 1, hop["sender"], self._label(word), hop["messages"][word])
            for hop in report["hops"]
            for word in ORDER
            if hop["messages"].get(word)
        ]
        return self._section("hops", ("hop", "sender", "state", "messages"), rows)

    def _coverage(self, row: Mapping[str, Any], report: Report) -> tuple[int, ...]:
        visited = (row["visited"],) if report["visits"]["people"] else ()
        answered = (sum(row["answers"].values()),) if report["answers"] else ()
        return (
            row["people"],
            row["reached"],
            row["read"],
            *visited,
            *answered,
            row["failed"],
            row["households_estimate"],
        )

    def _covered(self, report: Report) -> tuple[str, ...]:
        visited = ("visited",) if report["visits"]["people"] else ()
        answered = ("answered",) if report["answers"] else ()
        return ("selected", "reached", "read", *visited, *answered, "failed", "households_estimate")

    def groups(self, report: Report) -> Section:
        rows = [(row["label"], *self._coverage(row, report)) for row in report["groups"]]
        return self._section("groups", ("group", *self._covered(report)), rows, "note_groups")

    def regions(self, report: Report) -> Section:
        """Indented by level, so that the tree is seen."""
        rows: list[tuple[Value, ...]] = [
            (self._indented(row), *self._coverage(row, report)) for row in report["regions"]
        ]
        return self._section("regions", ("region", *self._covered(report)), rows)

    def _indented(self, row: Mapping[str, Any]) -> str:
        depth: int = max(row["code"].count(".") - 1, 0)
        return f"{'   ' * depth}{row['name'] or self._label('none')}"

    def failures(self, report: Report) -> Section:
        rows = [
            (self._label(row["reason"]), row["code"], row["sender"], row["people"], row["explanation"])
            for row in report["failures"]
        ]
        return self._section("failures", ("reason", "code", "sender", "people", "explanation"), rows, "note_failures")

    def answers(self, report: Report) -> Section:
        by_link = report["answers_by_way"].get("link")
        if not by_link:
            return self._section("answers", ("answer", "people"), report["answers"].items())
        rows = [(meaning, people, by_link.get(meaning, 0)) for meaning, people in report["answers"].items()]
        return self._section("answers", ("answer", "people", "by_link"), rows, "note_by_link")

    def answers_by_step(self, report: Report) -> Section:
        """Where more than one step was answered."""
        found = report["answers_by_step"]
        rows = [
            (self._step(step["step"], step["occasion"]), meaning, people)
            for step in found
            for meaning, people in step["answers"].items()
            if len(found) > 1
        ]
        return self._section("answers_by_step", ("step", "answer", "people"), rows)

    def attendance(self, report: Report) -> Section:
        rows = [
            (
                row["title"],
                row["place"],
                row["starts"].replace("T", " ")[:16],
                "-" if row["capacity"] is None else row["capacity"],
                *self._turnout(row),
            )
            for row in report["attendance"]
        ]
        headings = ("session", "place", "starts", "capacity", *_TURNOUT)
        return self._section("attendance", headings, rows, "note_attendance")

    def attendance_steps(self, report: Report) -> Section:
        rows: list[tuple[Value, ...]] = [
            (session["title"], step["step"], step["invited"], step["said_yes"], step["came"])
            for session in report["attendance"]
            for step in session["steps"]
        ]
        return self._section("attendance_steps", ("session", "step", "invited", "said_yes", "came"), rows, "note_steps")

    def attendance_groups(self, report: Report) -> Section:
        rows = [
            (session["title"], row["label"], *self._turnout(row))
            for session in report["attendance"]
            for row in session["groups"]
        ]
        return self._section("attendance_groups", ("session", "group", *_TURNOUT), rows, "note_groups")

    def attendance_regions(self, report: Report) -> Section:
        rows = [
            (session["title"], self._indented(row), *self._turnout(row))
            for session in report["attendance"]
            for row in session["regions"]
        ]
        return self._section("attendance_regions", ("session", "region", *_TURNOUT), rows)

    def _turnout(self, row: Mapping[str, Any]) -> tuple[Value, ...]:
        return tuple("-" if row[word] is None else row[word] for word in _TURNOUT)

    def cost(self, report: Report) -> Section:
        rows: list[tuple[Value, ...]] = [
            (name, part["messages"], part["segments"], self._money(part["cost"]))
            for name, part in report["cost_by_sender"].items()
        ]
        if rows:
            parts = report["cost_by_sender"].values()
            messages, segments = (sum(part[key] for part in parts) for key in ("messages", "segments"))
            rows.append((self._label("total"), messages, segments, self._money(report["cost"])))
        if report["cost_converted"]:
            dates = ", ".join(f"{rate['base']} {rate['on']}" for rate in report["exchange"])
            rows.append((f"{self._label('exchanged')} ({dates})", "", "", self._money(report["cost_converted"])))
        found = self._section("cost", ("sender", "messages", "segments", "cost"), rows)
        if not report["unpriced"]:
            return found
        return replace(found, note=f"{self._label('note_unpriced')} {', '.join(report['unpriced'])}.")

    def _money(self, amounts: Mapping[str, str]) -> str:
        return Money.from_json(amounts).formatted(self._language) if amounts else "-"
