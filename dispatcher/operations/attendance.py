"""An attendance sheet, CSV or XLSX, matched with people on record. The same sheet again changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from dispatcher.audience.attendance_sheet import HEADINGS, REASONS, SheetRow, read_headings, read_row
from dispatcher.audience.files import ContactFile, open_rows
from dispatcher.audience.groups import GroupIndex
from dispatcher.audience.reasons import REASONS as ROW_REASONS
from dispatcher.audience.rows import RejectedRow
from dispatcher.core.errors import UsageError
from dispatcher.operations.context import Context
from dispatcher.operations.import_contacts import group_index
from dispatcher.operations.import_rejects import RejectsFile, default_path
from dispatcher.operations.import_rows import normalised
from dispatcher.operations.session_list import require_session
from dispatcher.store import check_ins, doors, sheet_people
from dispatcher.store.installation import record_act, take_ids

VIA: Final = "sheet"
MOST: Final = 100_000
"""Rows of one sheet: they are stored in one commit."""

_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class SheetOptions:
    """`overrides`: heading → field; `guests`: rows that match nobody are counted as guests without a code."""

    overrides: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""
    rejects: Path | None = None
    guests: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class SheetResult:
    """`matched`: people who were invited and came now; `walk_ins`: others on record, and guests who were counted;
    `already`: were checked in before, or stand in the sheet twice; `absent`: rows that say so."""

    rows: int = 0
    matched: int = 0
    already: int = 0
    walk_ins: int = 0
    absent: int = 0
    unmatched: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rejects_file: Path | None = None
    dry_run: bool = False

    def as_json(self) -> dict[str, Any]:
        counts = ("rows", "matched", "already", "walk_ins", "absent", "unmatched")
        return {
            **{name: getattr(self, name) for name in counts},
            "reasons": dict(self.reasons),
            "rejects_file": str(self.rejects_file) if self.rejects_file else None,
            "dry_run": self.dry_run,
        }


class _DryRun(Exception):  # noqa: N818 - no error: it rolls back what was only tried
    def __init__(self, result: SheetResult) -> None:
        super().__init__()
        self.result = result


def take_attendance(
    context: Context, session: str, path: Path, by: str, options: SheetOptions | None = None
) -> SheetResult:
    """UsageError for a session or a file that does not serve; rows that match nobody go to a file with reasons."""
    options = options or SheetOptions()
    target = options.rejects or default_path(path)
    if target.exists() and path.exists() and target.samefile(path):
        raise UsageError("rejects-file", "--rejects names the attendance sheet itself", "Name another file.")
    with context.database.read() as connection:
        require_session(connection, session)
    file = open_rows(path, options.sheet, [*HEADINGS, *options.overrides])
    columns = read_headings(file.header, path.name, options.overrides)

    def take(connection: Connection) -> SheetResult:
        with RejectsFile(target, file.header) as rejects:
            run = _Run(context, connection, session, options, rejects)
            run.take_all(_read(file, columns))
        run.result.rejects_file = rejects.path if rejects.count else None
        if options.dry_run:
            raise _DryRun(run.result)
        counts = run.result.as_json()
        details = {name: counts[name] for name in ("rows", "matched", "already", "walk_ins", "unmatched")}
        record_act(connection, context.now_us(), by, "session attendance", session, details)
        return run.result

    try:
        return context.database.run(take)
    except _DryRun as outcome:
        return outcome.result


def _read(file: ContactFile, columns: Mapping[int, str]) -> Iterator[SheetRow | RejectedRow]:
    with closing(file.rows()) as raw:  # type: ignore[type-var]
        for count, (line, cells, problem) in enumerate(raw):
            if count >= MOST:
                raise UsageError("attendance-file", f"{file.path.name} has more than {MOST} rows", "Split the file.")
            if problem:
                yield _rejected(line, problem, cells)
            elif any(cell.strip() for cell in cells):
                yield read_row(line, cells, columns)


class _Run:
    """One sheet under way, in one transaction."""

    def __init__(
        self, context: Context, connection: Connection, session: str, options: SheetOptions, rejects: RejectsFile
    ) -> None:
        self.result = SheetResult(dry_run=options.dry_run)
        self._context, self._connection, self._session = context, connection, session
        self._guests, self._rejects = options.guests, rejects
        self._groups: GroupIndex = group_index(context.settings)
        self._now_us = context.now_us()
        self._same: Counter[str] = Counter()
        doors.fill_codes(connection, context.keys, session)

    def take_all(self, rows: Iterator[SheetRow | RejectedRow]) -> None:
        while some := list(islice(rows, _AT_ONCE)):
            self._take(some)

    def _take(self, rows: Sequence[SheetRow | RejectedRow]) -> None:
        self.result.rows += len(rows)
        people = _People(self._context, self._connection, self._session, [r for r in rows if isinstance(r, SheetRow)])
        found: list[int] = []
        unknown: list[SheetRow] = []
        for row in rows:
            if isinstance(row, RejectedRow):
                self._reject(row)
            elif row.came is False:
                self.result.absent += 1
            elif row.came is None:
                self._reject(_rejected(row.line, "came-unread", row.cells))
            elif isinstance(match := people.match(row), int):
                found.append(match)
            elif self._guests and match in ("not-known", "nobody"):
                unknown.append(row)
            else:
                self._reject(_rejected(row.line, match, row.cells))
        self._check_in(found)
        self._count(unknown)

    def _check_in(self, found: Sequence[int]) -> None:
        # before they come: coming makes them belong to the session
        invited = doors.coded_among(self._connection, self._session, sorted(set(found)))
        fresh = check_ins.check_in(self._connection, self._session, set(found), VIA, self._now_us)
        self.result.matched += len(fresh & invited)
        self.result.walk_ins += len(fresh - invited)
        self.result.already += len(found) - len(fresh)

    def _count(self, rows: Sequence[SheetRow]) -> None:
        """Each once, however often the sheet is read; two rows alike are two guests."""
        if not rows:
            return
        ids = take_ids(self._connection, len(rows), self._now_us)
        values = [
            {
                "id": identifier,
                "session_slug": self._session,
                "ref": self._ref(row),
                "group_slug": self._groups.match(row.group) or "" if row.group else "",
                "via": VIA,
                "at_us": self._now_us,
            }
            for identifier, row in zip(ids, rows, strict=True)
        ]
        counted = check_ins.count_guests(self._connection, values)
        self.result.walk_ins += counted
        self.result.already += len(rows) - counted

    def _ref(self, row: SheetRow) -> str:
        said = "\x1f".join(cell.strip() for cell in row.cells)
        self._same[key := self._context.keys.hash_identity(f"guest:{self._session}\x1f{said}").hex()] += 1
        return f"sheet-{key}-{self._same[key]}"

    def _reject(self, row: RejectedRow) -> None:
        self._rejects.add(row)
        self.result.reasons[row.code] += 1
        self.result.unmatched += 1


class _People:
    """Whom the rows of a page mean, looked up at once."""

    def __init__(self, context: Context, connection: Connection, session: str, rows: Sequence[SheetRow]) -> None:
        self._context, self._connection, self._session = context, connection, session
        keys = context.keys
        self._hashes = {number: keys.hash_address(number) for row in rows for number in row.numbers}
        self._identities = {
            row.external_id: keys.hash_identity(f"id:{row.external_id}") for row in rows if row.external_id
        }
        codes = {row.code for row in rows if row.code is not None}
        self._by_code = sheet_people.by_codes(connection, session, codes)
        self._by_identity = sheet_people.by_identities(connection, list(self._identities.values()))
        self._by_address = sheet_people.by_addresses(connection, list(self._hashes.values()))

    def match(self, row: SheetRow) -> int | str:
        """The contact, or the reason why there is none. A code that is none of ours may be made good by a number."""
        if row.code is not None and len(found := self._by_code.get(row.code, [])) == 1:
            return found[0]
        if row.external_id and (found := self._by_identity.get(self._identities[row.external_id], [])):
            return found[0]
        people = {one for number in row.numbers for one in self._by_address.get(self._hashes[number], [])}
        if len(people) == 1:
            return people.pop()
        if people:
            return self._among(sorted(people), row.name)
        if row.typed_code and not row.numbers and not row.external_id:
            return "bad-code"
        if row.problem and not row.external_id:
            return row.problem
        return "not-known" if row.numbers or row.external_id else "nobody"

    def _among(self, people: Sequence[int], name: str) -> int | str:
        """Of those who share a number: the one with that name, else the only one who was invited."""
        seal, wanted = self._context.keys.sealer, normalised(name)
        named = [
            known.id
            for known in check_ins.people(self._connection, people)
            if wanted and known.name_sealed
            if normalised(seal.open("contacts.name", known.id, known.name_sealed)) == wanted
        ]
        if len(named) == 1:
            return named[0]
        invited = doors.coded_among(self._connection, self._session, people)
        return invited.pop() if len(invited) == 1 and not wanted else "several"


def _rejected(line: int, code: str, cells: list[str]) -> RejectedRow:
    sentence = REASONS.get(code) or ROW_REASONS[code]
    return RejectedRow(line, code, sentence.en, sentence.id, cells)
