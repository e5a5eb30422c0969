"""Import a file of contacts: streamed, in batches of one transaction each; the same file again changes nothing.

An import that is interrupted leaves whole batches behind. Running it again continues: rows that are known are told
by their keyed hash, without opening anything.
"""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from dispatcher.audience.columns import Wishes
from dispatcher.audience.groups import Group, GroupIndex
from dispatcher.audience.rows import Context as RowContext
from dispatcher.audience.rows import RejectedRow
from dispatcher.core.clock import from_us
from dispatcher.core.errors import UsageError
from dispatcher.core.phone import mask
from dispatcher.operations.context import Context
from dispatcher.operations.import_reader import Batch, Request, rare_collection, read_batches
from dispatcher.operations.import_rejects import RejectsFile, default_path
from dispatcher.operations.import_result import COUNTS, ImportOptions, ImportResult, SharedNumber
from dispatcher.operations.import_rows import open_reading, reject
from dispatcher.operations.purposes import require_purpose
from dispatcher.settings.model import Settings
from dispatcher.store.drafts import Person, Terms
from dispatcher.store.import_batch import BatchStore, ContactsChanged, Outcome
from dispatcher.store.imports import Provenance, open_record
from dispatcher.store.installation import IdBlock
from dispatcher.store.scratch import Scratch

#: A batch holds the write lock of SQLite, for which sending waits, some tenths of a second at most.
BATCH_ROWS: Final = 4000
_IDS_AT_ONCE: Final = 160_000
#: Shared numbers of which the lines are told.
MAX_LISTED: Final = 100
_ZONE: Final = "Asia/Jakarta"


def nothing_to_address(_connection: Connection, _contact_ids: Sequence[int]) -> None:
    """For an installation in which nothing is queued yet."""


def no_progress(_done: int, _total: int | None = None) -> None:
    """Nobody watches."""


def import_contacts(
    context: Context,
    path: Path,
    options: ImportOptions,
    *,
    progress: Callable[[int, int | None], None] = no_progress,
    on_contacts_changed: ContactsChanged = nothing_to_address,
) -> ImportResult:
    """Raises UsageError for a file or option that does not serve, UnavailableError where the database is away.

    `progress` gets rows done and, for text files, about how many there are. `on_contacts_changed` runs in the
    transaction that changed those contacts (invariant 15).
    """
    require_purpose(context.settings, options.purpose)
    terms = Terms(
        options.purpose,
        options.basis or context.settings.default_basis,
        options.basis or "consent",
        options.evidence,
        options.source or path.name,
    )
    request = _request(context, path, options, terms)
    reading = open_reading(request.path, request.sheet, request.wishes, request.context)
    digest, total = _measure(path)
    result = ImportResult(
        dropped_columns=reading.columns.dropped,
        diagnostics=reading.columns.diagnostics,
        file_format=reading.file.format,
        dry_run=options.dry_run,
    )
    store = _open_store(context, options, terms, digest, on_contacts_changed)
    with ExitStack() as stack:
        stack.enter_context(rare_collection())
        rejects = stack.enter_context(RejectsFile(_rejects_path(options, path), reading.file.header))
        run = _Run(result, rejects, store)
        if options.dry_run:
            run.scratch = Scratch()
            stack.callback(run.scratch.close)
        for batch in stack.enter_context(closing(read_batches(request))):
            run.take(batch)
            progress(result.rows, total)
    run.finish(context)
    return result


def _rejects_path(options: ImportOptions, path: Path) -> Path:
    chosen = options.rejects or default_path(path)
    if chosen.exists() and chosen.samefile(path):
        raise UsageError("rejects-file", "--rejects names the contact file itself", "Name another file.")
    return chosen


class _Run:
    """One import under way."""

    def __init__(self, result: ImportResult, rejects: RejectsFile, store: BatchStore) -> None:
        self.scratch: Scratch | None = None
        self._result, self._rejects, self._store = result, rejects, store
        self._shared: set[int] = set()

    def take(self, batch: Batch) -> None:
        people = batch.people
        outcome = self._store.preview(people, self.scratch) if self.scratch else self._store.store(people)
        taken = [reject("id_taken", person.line, person.cells or []) for person in outcome.taken]
        rejected = sorted([*taken, *batch.rejected])
        for row in rejected:
            self._rejects.add(row)
        self._count(people, rejected, outcome)
        self._list_shared(people, outcome)

    def _count(
        self,
        people: Sequence[Person],
        rejected: Sequence[RejectedRow],
        outcome: Outcome,
    ) -> None:
        result = self._result
        result.rows += len(people) + len(rejected) - len(outcome.taken)
        for name in ("created", "updated", "unchanged", "suppressed"):
            setattr(result, name, getattr(result, name) + getattr(outcome, name))
        result.rejected += len(rejected)
        result.reasons.update(row.code for row in rejected)
        result.minors += sum(1 for person in people if person.minor)
        for person in people:
            if person.notes:
                result.notes.update(note for note in person.notes if note != "minor")

    def _list_shared(self, people: Sequence[Person], outcome: Outcome) -> None:
        if not outcome.shared:
            return
        fresh = {h: lines for h, lines in outcome.shared.items() if _short(h) not in self._shared}
        self._shared.update(map(_short, fresh))
        self._result.shared_numbers = len(self._shared)
        room = MAX_LISTED - len(self._result.shared)
        if room > 0:
            numbers = {number.hash: number.e164 for person in people for number in person.numbers}
            self._result.shared += [
                SharedNumber(mask(numbers[h]), tuple(lines)) for h, lines in islice(fresh.items(), room)
            ]

    def finish(self, context: Context) -> None:
        result, record = self._result, self._store.record
        result.rejects_file = self._rejects.path if self._rejects.count else None
        if not self.scratch:
            record.finish(context.database, {name: getattr(result, name) for name in COUNTS})
        if record.is_stored or record.wrote:
            result.import_id = record.id


def _short(digest: bytes) -> int:
    """Eight bytes are enough to count with, and a set of them stays small."""
    return int.from_bytes(digest[:8], "big")


def _request(context: Context, path: Path, options: ImportOptions, terms: Terms) -> Request:
    index = group_index(context.settings)
    today = from_us(context.now_us(), _ZONE).date()
    return Request(
        path,
        options.sheet,
        Wishes(dict(options.overrides), options.keep, context.settings.attributes),
        RowContext(today, options.country, groups=_groups(options.groups, index), index=index),
        context.keys,
        f"{terms.purpose}\x1f{terms.basis}\x1f{terms.said_basis}",
        BATCH_ROWS,
    )


def group_index(settings: Settings) -> GroupIndex:
    """The known groups and those that the settings declare."""
    return GroupIndex(
        Group(slug, declared.label, declared.label_en or declared.label) for slug, declared in settings.groups.items()
    )


def _groups(names: Iterable[str], index: GroupIndex) -> tuple[str, ...]:
    found = []
    for name in names:
        slug = index.match(name)
        if slug is None:
            raise UsageError(
                "unknown-group",
                f'there is no group "{name}"',
                f"Known: {', '.join(sorted(index.groups))}. More can be declared in the settings.",
            )
        found.append(slug)
    return tuple(dict.fromkeys(found))


def _measure(path: Path) -> tuple[str, int | None]:
    """SHA-256, and about how many rows a text file has."""
    digest, lines = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            lines += block.count(b"\n")
    return digest.hexdigest(), None if path.suffix.lower() == ".xlsx" else max(lines - 1, 0) or None


def _open_store(
    context: Context,
    options: ImportOptions,
    terms: Terms,
    digest: str,
    on_contacts_changed: ContactsChanged,
) -> BatchStore:
    provenance = Provenance(
        digest, terms.source, terms.basis, terms.evidence, terms.purpose, _operator(), _recorded(options)
    )
    ids = IdBlock(context.database, _IDS_AT_ONCE)
    record = open_record(context.database, None if options.dry_run else ids, provenance)
    return BatchStore(context.database, context.keys.sealer, ids, record, terms, on_contacts_changed)


def _recorded(options: ImportOptions) -> dict[str, Any]:
    return {
        "groups": list(options.groups),
        "map": [list(pair) for pair in options.overrides],
        "keep": list(options.keep),
        "basis": options.basis,
        "sheet": options.sheet,
        "country": options.country,
    }


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
