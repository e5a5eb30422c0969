"""A batch of an import: who is known, what changes, and the writing of it in one transaction.

Identities are looked up in one query, sealing is done between two transactions, and the second one makes sure that
nothing moved in between. Nothing is written where every row is known already.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, delete, text
from sqlalchemy.exc import IntegrityError

from dispatcher.store import draft_rows, import_lookup
from dispatcher.store.bulk import any_of, insert_ignore, update_by_id
from dispatcher.store.draft_rows import Rows, rows_of
from dispatcher.store.drafts import Draft, Person, Terms
from dispatcher.store.engine import Database
from dispatcher.store.imports import ImportRecord
from dispatcher.store.installation import IdBlock
from dispatcher.store.ledger import append
from dispatcher.store.load import load
from dispatcher.store.newcomers import Held, add_newcomers, newcomers_among, shared_numbers
from dispatcher.store.scratch import Scratch
from dispatcher.store.sealed import Sealer
from dispatcher.store.seen import SeenIds
from dispatcher.store.tables import consents, contact_points, contacts, memberships

#: Called in the transaction that changed these contacts (invariant 15).
ContactsChanged = Callable[[Connection, Sequence[int]], None]

_TRIES: Final = 5
_IMPORT_LOCK: Final = 7310050302
_WAL_PAGES: Final = 16_000
_CACHE_KIB: Final = 65_536


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
    _unchanged: SeenIds = field(default_factory=SeenIds)
    """Contacts of whom a row of this file is known already: another row adds to it, as it would in a new file."""

    def store(self, people: Sequence[Person]) -> Outcome:
        """Folds the rows into contacts, in order. Raises UnavailableError; what was committed before stays."""
        for _ in range(_TRIES - 1):
            try:
                return self._store(people)
            except (IntegrityError, import_lookup.MovedError):
                continue
        return self._store(people)

    def preview(self, people: Sequence[Person], scratch: Scratch) -> Outcome:
        """What `store` would do, without a write; `scratch` remembers the batches before."""
        with self.database.read() as connection:
            known = self._look_up(connection, people)
        scratch.recall(known.drafts, known.owners, people, self.record.id)
        outcome, drafts, _ = self._fold(people, known, new=())
        scratch.remember(drafts)
        return outcome

    def _store(self, people: Sequence[Person]) -> Outcome:
        with self.database.read() as connection:
            known = self._look_up(connection, people)
        outcome, drafts, newcomers = self._fold(people, known, newcomers_among(people, known.drafts))
        if drafts or newcomers:
            now_us = self.database.now_us()
            draft_rows.assign_ids(drafts, self.ids)
            rows = rows_of(drafts, self.sealer, self.ids, self.record.id, self.terms, now_us)
            add_newcomers(rows, newcomers, self.sealer, self.ids, self.record.id, self.terms, now_us)
            with self.database.begin() as connection:
                self._write(connection, drafts, rows)
            self.record.wrote = True
        return outcome

    def _look_up(self, connection: Connection, people: Sequence[Person]) -> _Known:
        drafts = import_lookup.drafts(connection, {person.identity for person in people})
        changed = {
            draft.id: draft
            for person in people
            if (draft := drafts.get(person.identity)) and not draft.knows(person.row_hash)
        }
        if changed:
            import_lookup.complete(connection, changed, self.terms.purpose)
        hashes = list({number.hash for person in people for number in person.numbers})
        return _Known(drafts, import_lookup.owners(connection, hashes), import_lookup.refused(connection, hashes))

    def _fold(
        self, people: Sequence[Person], known: _Known, new: Container[bytes]
    ) -> tuple[Outcome, list[Draft], list[Person]]:
        """The outcome, and who is to be written: contacts in the order in which the file names them first, and those
        with an identity in `new` as they are."""
        outcome = Outcome()
        touched: dict[bytes, Draft] = {}
        newcomers: list[Person] = []
        held: list[Held] = []
        for person in people:
            if person.identity in new:
                newcomers.append(person)
                self._provisional -= 1
                held += [(number.hash, self._provisional, person.line) for number in person.numbers]
                continue
            draft = known.drafts.get(person.identity)
            if draft is not None and draft.knows(person.row_hash):
                outcome.unchanged += 1
                self._unchanged.add(draft.id)
            elif draft is not None and self._is_another(draft, person):
                outcome.taken.append(person)
                continue
            else:
                if draft is None:
                    draft = known.drafts[person.identity] = self._new_draft(person)
                    outcome.created += 1
                else:
                    outcome.updated += 1
                if draft.id in self._unchanged:
                    draft.import_id = self.record.id
                draft.fold(person, self.record.id, self.terms)
                touched[person.identity] = draft
            held += [(number.hash, draft.id, person.line) for number in person.numbers]
        outcome.created += len(newcomers)
        outcome.shared = shared_numbers(held, known.owners)
        if known.refused:
            outcome.suppressed = len({line for number, _, line in held if number in known.refused})
        return outcome, list(touched.values()), newcomers

    def _new_draft(self, person: Person) -> Draft:
        self._provisional -= 1
        return Draft(self._provisional, person.identity)

    def _is_another(self, draft: Draft, person: Person) -> bool:
        """The file's own id points to a contact with neither this name nor any of these numbers."""
        if person.cells is None or draft.is_new or not draft.stored_numbers or not draft.name_sealed:
            return False
        if any(number.hash in draft.stored_numbers for number in person.numbers):
            return False
        name = draft.name or self.sealer.open("contacts.name", draft.id, draft.name_sealed)
        return name.casefold() != person.name.casefold()

    def _write(self, connection: Connection, drafts: list[Draft], rows: Rows) -> None:
        if self.database.is_sqlite:
            # index pages stay at hand, and are written back once for several batches
            connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _IMPORT_LOCK})
        changed = sorted((draft for draft in drafts if not draft.is_new), key=lambda draft: draft.id)
        import_lookup.require_unmoved(connection, changed)
        self.record.begin(connection)
        load(connection, contacts, draft_rows.CONTACT, rows.new_contacts)
        update_by_id(connection, contacts, draft_rows.CONTACT_UPDATE, rows.changed_contacts)
        if rows.dropped_points:
            connection.execute(
                delete(contact_points).where(any_of(connection, contact_points.c.id, rows.dropped_points))
            )
        update_by_id(connection, contact_points, draft_rows.POINT_UPDATE, rows.moved_points)
        load(connection, contact_points, draft_rows.POINT, rows.points)
        load(connection, memberships, draft_rows.MEMBERSHIP, rows.new_memberships)
        insert_ignore(connection, memberships, rows.more_memberships)
        if rows.replaced_consents:
            replaced = (
                any_of(connection, consents.c.contact_id, rows.replaced_consents)
                & (consents.c.purpose == self.terms.purpose)
                & (consents.c.media == "*")
            )
            connection.execute(delete(consents).where(replaced))
        load(connection, consents, draft_rows.CONSENT, rows.consents)
        append(connection, rows.words)
        if changed:
            self.on_contacts_changed(connection, [draft.id for draft in changed])
