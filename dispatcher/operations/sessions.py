"""List, import and change sessions: the events people are invited to. What campaigns make of it: session_course.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from dispatcher.audience.files import open_rows
from dispatcher.audience.reasons import REASONS as ROW_REASONS
from dispatcher.audience.rows import RejectedRow
from dispatcher.audience.session_headings import CODE_HEADINGS, read_headings
from dispatcher.audience.session_rows import REASONS, SessionProblem, read_code, read_session
from dispatcher.campaign.standing import Standing, changed
from dispatcher.core.clock import iso
from dispatcher.core.errors import UsageError
from dispatcher.operations.context import Context
from dispatcher.operations.control import resume_campaign
from dispatcher.operations.expand import Expander
from dispatcher.operations.import_rejects import RejectsFile, default_path
from dispatcher.operations.session_course import Course, take_course
from dispatcher.operations.session_list import as_dict, require_session
from dispatcher.store.attendance import promote
from dispatcher.store.installation import record_act
from dispatcher.store.sessions import change_session, put_sessions, table_of, told_people

SAID: Final = frozenset({"title", "place", "address", "starts", "ends"})
"""Of what stands of a session, what people were told."""

MOST: Final = 10_000
"""Sessions in one file: they are read at once, and change in one commit."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file: what it says of one session, by field."""

    line: int
    code: str
    given: Mapping[str, str]
    cells: list[str]


@dataclass(slots=True)
class SessionImport:
    """Counts as of `contacts import`; `course`: what came of it for campaigns."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rejects_file: Path | None = None
    course: Course = field(default_factory=Course)
    dry_run: bool = False

    def as_json(self) -> dict[str, Any]:
        counts = ("rows", "created", "updated", "unchanged", "rejected")
        return {
            **{name: getattr(self, name) for name in counts},
            "reasons": dict(self.reasons),
            "rejects_file": str(self.rejects_file) if self.rejects_file else None,
            **course_as_dict(self.course),
            "dry_run": self.dry_run,
        }


def set_session(context: Context, code: str, given: Mapping[str, str], by: str) -> dict[str, Any]:
    """Change what is given of one session. UsageError for a code that is not there, or a value that does not serve."""
    expander = Expander(context)

    def change(connection: Connection) -> tuple[Standing, tuple[str, ...], Course]:
        standing = require_session(connection, code, lock=True)
        session = _read(code, given, standing)
        return session, changed(standing, session), _store(expander, connection, by, {code: standing}, [session])

    session, others, course = expander.run(change)
    _go_on(context, course, by)
    return {**as_dict(session), "changed": list(others), **course_as_dict(course)}


def _read(code: str, given: Mapping[str, str], standing: Standing) -> Standing:
    try:
        return read_session(code, given, standing)
    except SessionProblem as problem:
        raise UsageError(f"session-{problem.code}", f"{code}: {REASONS[problem.code].en}") from None


def import_sessions(
    context: Context, path: Path, by: str, *, sheet: str = "", rejects: Path | None = None, dry_run: bool = False
) -> SessionImport:
    """New sessions and changed ones from a CSV or XLSX file, in one commit. The same file again changes nothing."""
    target = _rejects_path(path, rejects)
    header, rows, refused = _read_file(path, sheet)
    expander, result = Expander(context), SessionImport(dry_run=dry_run)

    def store(connection: Connection) -> tuple[Course, list[RejectedRow], Counter[str]]:
        table = table_of(connection, [row.code for row in rows], lock=True)
        found, wrong = _laid_over(rows, table)
        fates = Counter(_fate(session, table.get(session.code)) for session in found)
        course = _store(expander, connection, by, table, found)
        if dry_run:
            raise _DryRun(course, wrong, fates)
        return course, wrong, fates

    try:
        course, wrong, fates = expander.run(store)
    except _DryRun as outcome:
        course, wrong, fates = outcome.course, outcome.wrong, outcome.fates
    else:
        _go_on(context, course, by)
    result.course = course
    result.created, result.updated, result.unchanged = fates["created"], fates["updated"], fates["unchanged"]
    _write_rejects(result, target, header, sorted([*refused, *wrong]))
    result.rows = fates.total() + result.rejected
    return result


class _DryRun(Exception):  # noqa: N818 - no error: it rolls back what was only tried
    def __init__(self, course: Course, wrong: list[RejectedRow], fates: Counter[str]) -> None:
        super().__init__()
        self.course, self.wrong, self.fates = course, wrong, fates


def _fate(session: Standing, before: Standing | None) -> str:
    if before is None:
        return "created"
    return "unchanged" if session == before else "updated"


def _store(
    expander: Expander, connection: Connection, by: str, before: Mapping[str, Standing], found: Sequence[Standing]
) -> Course:
    """New and changed sessions, who changed them, and what comes of it, in one commit."""
    now_us = expander.context.now_us()
    others = [session for session in found if before.get(session.code) != session]
    put_sessions(connection, [session for session in others if session.code not in before], now_us)
    for session in others:
        if session.code in before:
            change_session(connection, session, now_us)
            promote(connection, session.code, now_us)  # there may be more places now
    moved = [session.code for session in others if session.code in before]
    course = take_course(expander.revision, connection, moved, now_us) if moved else Course()
    for session in others:
        if session.code in before and SAID.intersection(changed(before[session.code], session)):
            people = told_people(connection, session.code)
            course.told |= {session.code: people} if people else {}
    for session in others:
        fields = changed(before[session.code], session) if session.code in before else ()
        verb = "session set" if session.code in before else "session import"
        record_act(connection, now_us, by, verb, session.code, {"changed": list(fields)})
    return course


def _go_on(context: Context, course: Course, by: str) -> None:
    """Campaigns that only waited for their texts to be written anew."""
    for slug in course.to_rewrite:
        resume_campaign(context, slug, by, "texts written anew after a session was changed")


def _read_file(path: Path, sheet: str) -> tuple[tuple[str, ...], list[Row], list[RejectedRow]]:
    """UsageError for a file that does not serve; rows without a usable code come back as rejected."""
    file = open_rows(path, sheet, CODE_HEADINGS)
    columns = read_headings(file.header, path.name)
    rows: list[Row] = []
    refused: list[RejectedRow] = []
    seen: set[str] = set()
    with closing(file.rows()) as raw:  # type: ignore[type-var]
        for line, cells, problem in raw:
            if len(rows) + len(refused) >= MOST:
                raise UsageError("session-file", f"{path.name} has more than {MOST} rows", "Split the file.")
            if problem:
                refused.append(_rejected(line, problem, cells))
                continue
            given = {name: cells[column] for name, column in columns.items()}
            try:
                code = read_code(given.pop("code"))
                if code in seen:
                    raise SessionProblem("code-twice")
            except SessionProblem as wrong:
                refused.append(_rejected(line, wrong.code, cells))
                continue
            seen.add(code)
            rows.append(Row(line, code, given, cells))
    return file.header, rows, refused


def _laid_over(rows: Iterable[Row], table: Mapping[str, Standing]) -> tuple[list[Standing], list[RejectedRow]]:
    found: list[Standing] = []
    wrong: list[RejectedRow] = []
    for row in rows:
        try:
            found.append(read_session(row.code, row.given, table.get(row.code)))
        except SessionProblem as problem:
            wrong.append(_rejected(row.line, problem.code, row.cells))
    return found, wrong


def _rejected(line: int, code: str, cells: list[str]) -> RejectedRow:
    sentence = REASONS.get(code) or ROW_REASONS[code]
    return RejectedRow(line, code, sentence.en, sentence.id, cells)


def _rejects_path(path: Path, chosen: Path | None) -> Path:
    target = chosen or default_path(path)
    if target.exists() and path.exists() and target.samefile(path):
        raise UsageError("rejects-file", "--rejects names the session file itself", "Name another file.")
    return target


def _write_rejects(result: SessionImport, target: Path, header: Sequence[str], rows: Sequence[RejectedRow]) -> None:
    with RejectsFile(target, header) as file:
        for row in rows:
            file.add(row)
            result.reasons[row.code] += 1
        result.rejected = file.count
    result.rejects_file = file.path if rows else None


def course_as_dict(course: Course) -> dict[str, Any]:
    """`moved`: steps that are due at another time; `paused`: campaigns that wait for an approval."""
    moved = [
        {"campaign": one.campaign, "step": one.step, "occasion": one.occasion, "due": iso(one.due_us, one.zone)}
        for one in course.moved
    ]
    return {"moved": moved, "paused": course.paused, "rewritten": course.to_rewrite, "told": course.told}
