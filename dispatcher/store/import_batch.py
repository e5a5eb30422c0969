"""A batch of an import: who is known, what changes, and the writing of it in one transaction.

Identities are looked up in one query, sealing is done between two transactions, and the second one makes sure that
nothing moved in between. Nothing is written where every row is known already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, delete, select, text
from sqlalchemy.exc import IntegrityError

from dispatcher.store import draft_rows
from dispatcher.store.bulk import any_of, insert_ignore, update_by_id
from dispatcher.store.draft_rows import Rows, rows_of
from dispatcher.store.drafts import Consent, Draft, Number, Person, Terms
from dispatcher.store.engine import Database
from dispatcher.store.imports import ImportRecord
from dispatcher.store.installation import IdBlock
from dispatcher.store.load import load
from dispatcher.store.scratch import Scratch
from dispatcher.store.sealed import Sealer
from dispatcher.store.tables import (
    consent_events,
    consents,
    contact_points,
    contacts,
    memberships,
    suppressions,
)

#: Called in the transaction that changed these contacts (invariant 15).
ContactsChanged = Callable[[Connection, Sequence[int]], None]

_TRIES: Final = 5
_IMPORT_LOCK: Final = 7310050302
_WAL_PAGES: Final = 16_000


class _MovedError(Exception):
    """Someone else wrote to these contacts since we looked."""


@dataclass(slots=True)
class Outcome:
    """What became of a batch. `taken`: rows whose own id belongs to somebody else. `shared`: hash → lines."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    suppressed: int = 0
    taken: list[Person] = field(default_factory=list)
    shared: dict[bytes, list[int]] = field(default_factory=dict)


@dataclass(slots=True)
class _Known:
    drafts: dict[bytes, Draft]
    owners: dict[bytes, set[int]]
    refused: set[bytes]


@dataclass(slots=True)
class BatchStore:
    """Stores the batches of one import."""

    database: Database
    sealer: Sealer
    ids: IdBlock
    record: ImportRecord
    terms: Terms
    on_contacts_changed: ContactsChanged
    _provisional: int = 0

    def store(self, people: Sequence[Person]) -> Outcome:
        """Folds the rows into contacts, in order. Raises UnavailableError; what was committed before stays."""
        for _ in range(_TRIES - 1):
            try:
                return self._store(people)
            except (IntegrityError, _MovedError):
                continue
        return self._store(people)

    def preview(self, people: Sequence[Person], scratch: Scratch) -> Outcome:
        """What `store` would do, without a write; `scratch` remembers the batches before."""
        with self.database.read() as connection:
            known = self._look_up(connection, people)
        scratch.recall(known.drafts, known.owners, people, self.record.id)
        outcome, drafts = self._fold(people, known)
        scratch.remember(drafts)
        return outcome

    def _store(self, people: Sequence[Person]) -> Outcome:
        with self.database.read() as connection:
            known = self._look_up(connection, people)
        outcome, drafts = self._fold(people, known)
        if drafts:
            now_us = self.database.now_us()
            draft_rows.assign_ids(drafts, self.ids)
            rows = rows_of(drafts, self.sealer, self.ids, self.record.id, self.terms, now_us)
            with self.database.begin() as connection:
                self._write(connection, drafts, rows)
            self.record.wrote = True
        return outcome

    def _look_up(self, connection: Connection, people: Sequence[Person]) -> _Known:
        drafts = _drafts(connection, {person.identity for person in people})
        changed = {
            draft.id: draft
            for person in people
            if (draft := drafts.get(person.identity)) and not draft.knows(person.row_hash)
        }
        if changed:
            _complete(connection, changed, self.terms.purpose)
        hashes = list({number.hash for person in people for number in person.numbers})
        return _Known(drafts, _owners(connection, hashes), _refused(connection, hashes))

    def _fold(self, people: Sequence[Person], known: _Known) -> tuple[Outcome, list[Draft]]:
        """The outcome, and the contacts to write: in the order in which the file names them first."""
        outcome = Outcome()
        touched: dict[bytes, Draft] = {}
        lines: dict[bytes, list[int]] = {}
        for person in people:
            draft = known.drafts.get(person.identity)
            if draft is None:
                draft = known.drafts[person.identity] = self._new_draft(person)
                outcome.created += 1
            elif draft.knows(person.row_hash):
                outcome.unchanged += 1
            elif self._is_another(draft, person):
                outcome.taken.append(person)
                continue
            else:
                outcome.updated += 1
            if not draft.knows(person.row_hash):
                draft.fold(person, self.record.id, self.terms)
                touched[person.identity] = draft
            _note_numbers(person, draft, known.owners, lines)
            if known.refused and any(number.hash in known.refused for number in person.numbers):
                outcome.suppressed += 1
        outcome.shared = {h: found for h, found in lines.items() if len(known.owners[h]) > 1}
        return outcome, list(touched.values())

    def _new_draft(self, person: Person) -> Draft:
        self._provisional -= 1
        return Draft(self._provisional, person.identity)

    def _is_another(self, draft: Draft, person: Person) -> bool:
        """The file's own id points to a contact with neither this name nor any of these numbers."""
        if person.row.external_id is None or draft.is_new or not draft.stored_numbers or not draft.name_sealed:
            return False
        if any((number.media, number.hash) in draft.stored_numbers for number in person.numbers):
            return False
        name = draft.name or self.sealer.open("contacts.name", draft.id, draft.name_sealed)
        return name.casefold() != person.row.name.casefold()

    def _write(self, connection: Connection, drafts: list[Draft], rows: Rows) -> None:
        if self.database.is_sqlite:
            # index pages are written back once for several batches, not for each
            connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _IMPORT_LOCK})
        changed = sorted((draft for draft in drafts if not draft.is_new), key=lambda draft: draft.id)
        _require_unmoved(connection, changed)
        self.record.begin(connection)
        load(connection, contacts, draft_rows.CONTACT, rows.new_contacts)
        update_by_id(connection, contacts, draft_rows.CONTACT_UPDATE, rows.changed_contacts)
        if rows.dropped_points:
            connection.execute(
                delete(contact_points).where(any_of(connection, contact_points.c.id, rows.dropped_points))
            )
        update_by_id(connection, contact_points, ("rank",), rows.moved_points)
        load(connection, contact_points, draft_rows.POINT, rows.points)
        load(connection, memberships, draft_rows.MEMBERSHIP, rows.new_memberships)
        insert_ignore(connection, memberships, rows.more_memberships)
        if rows.replaced_consents:
            connection.execute(
                delete(consents).where(
                    any_of(connection, consents.c.contact_id, rows.replaced_consents),
                    consents.c.purpose == self.terms.purpose,
                    consents.c.media == "*",
                )
            )
        load(connection, consents, draft_rows.CONSENT, rows.consents)
        load(connection, consent_events, draft_rows.CONSENT_EVENT, rows.consent_events)
        if changed:
            self.on_contacts_changed(connection, [draft.id for draft in changed])


def _note_numbers(person: Person, draft: Draft, owners: dict[bytes, set[int]], lines: dict[bytes, list[int]]) -> None:
    for number in person.numbers:
        owners.setdefault(number.hash, set()).add(draft.id)
        if (known := lines.get(number.hash)) is None:
            lines[number.hash] = [person.row.line]
        elif known[-1] != person.row.line:
            known.append(person.row.line)


def _drafts(connection: Connection, identities: Iterable[bytes]) -> dict[bytes, Draft]:
    c = contacts.c
    statement = select(c.identity_hash, c.id, c.row_hash, c.import_id)
    rows = connection.execute(statement.where(any_of(connection, c.identity_hash, list(identities))))
    return {
        identity: Draft(number, identity, is_new=False, hashes=hashes or b"", stored_hashes=hashes, import_id=import_id)
        for identity, number, hashes, import_id in rows
    }


_FIELDS: Final = (
    "name_sealed", "birth_date_sealed", "birth_year", "minor", "salutation", "language", "region", "rw", "rt", "role",
    "zone", "attributes", "synthetic",
)  # fmt: skip


def _complete(connection: Connection, drafts: dict[int, Draft], purpose: str) -> None:
    """Reads the rest of the contacts that will change."""
    ids = sorted(drafts)
    columns = [contacts.c[name] for name in _FIELDS]
    for row in connection.execute(select(contacts.c.id, *columns).where(any_of(connection, contacts.c.id, ids))):
        for name, value in zip(_FIELDS, row[1:], strict=True):
            setattr(drafts[row.id], name, value)
    points = select(contact_points).where(any_of(connection, contact_points.c.contact_id, ids))
    for row in connection.execute(points.order_by(contact_points.c.rank, contact_points.c.id)):
        draft = drafts[row.contact_id]
        draft.stored_numbers[row.media, row.address_hash] = (row.id, row.rank)
        draft.numbers[row.media, row.address_hash] = Number(
            row.media, "", row.address_hash, row.country, row.line_type, row.rank
        )
    held = select(consents.c.contact_id, consents.c.granted, consents.c.basis).where(
        any_of(connection, consents.c.contact_id, ids), consents.c.purpose == purpose, consents.c.media == "*"
    )
    for row in connection.execute(held):
        drafts[row.contact_id].consent = drafts[row.contact_id].consent_before = Consent(row.granted, row.basis)


def _owners(connection: Connection, hashes: list[bytes]) -> dict[bytes, set[int]]:
    c = contact_points.c
    owners: dict[bytes, set[int]] = {}
    statement = select(c.address_hash, c.contact_id).where(any_of(connection, c.address_hash, hashes))
    for address_hash, contact_id in connection.execute(statement):
        owners.setdefault(address_hash, set()).add(contact_id)
    return owners


def _refused(connection: Connection, hashes: list[bytes]) -> set[bytes]:
    if connection.execute(select(suppressions.c.purpose).limit(1)).first() is None:
        return set()
    statement = select(suppressions.c.address_hash).where(any_of(connection, suppressions.c.address_hash, hashes))
    return set(connection.execute(statement).scalars())


def _require_unmoved(connection: Connection, drafts: list[Draft]) -> None:
    """Locks the contacts; another import or an erasure may have written to them since they were read."""
    if not drafts:
        return
    statement = select(contacts.c.id, contacts.c.row_hash).where(
        any_of(connection, contacts.c.id, [draft.id for draft in drafts]), contacts.c.erased_us.is_(None)
    )
    now = {row.id: row.row_hash for row in connection.execute(statement.order_by(contacts.c.id).with_for_update())}
    if any(draft.id not in now or now[draft.id] != draft.stored_hashes for draft in drafts):
        raise _MovedError
