"""The consent ledger: events are appended, with a digest for each import or day, and never change.

A trigger refuses everything else, except that erasure blanks evidence, source and salt (migration 0006).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, and_, select, update

from dispatcher.audience.ledger import EMPTY, Event, Sheet, Word, commitments, extend, first_fault, salts, sheet_of
from dispatcher.store.bulk import insert_ignore
from dispatcher.store.load import load
from dispatcher.store.tables import consent_events, consent_sheets, contacts

_COLUMNS: Final = (*Word._fields, "sheet", "seq", "salt", "commitment")
_PAGE: Final = 2000

e, s = consent_events.c, consent_sheets.c


def append(connection: Connection, words: Sequence[Word]) -> None:
    """In the transaction of what they tell of. Their sheets stay locked until its commit."""
    sheets: dict[int, list[Word]] = {}
    for word in words:
        sheets.setdefault(sheet_of(word.import_id, word.at_us), []).append(word)
    for sheet, said in sorted(sheets.items()):
        _append_to(connection, sheet, said)


def _append_to(connection: Connection, sheet: int, words: Sequence[Word]) -> None:
    insert_ignore(connection, consent_sheets, [{"id": sheet, "events": 0, "digest": EMPTY}])
    before = connection.execute(select(consent_sheets).where(s.id == sheet).with_for_update()).one()
    fresh = salts(len(words))
    made = commitments(words, fresh)
    rows = [
        (*word, sheet, seq, salt, one)
        for seq, (word, salt, one) in enumerate(zip(words, fresh, made, strict=True), before.events)
    ]
    load(connection, consent_events, _COLUMNS, rows)
    connection.execute(
        update(consent_sheets)
        .where(s.id == sheet)
        .values(events=before.events + len(rows), digest=extend(before.digest, made))
    )


def blank_person(connection: Connection, contact_id: int) -> None:
    """What is personal in the events of someone who is erased; without its salt a commitment tells nothing."""
    mine = (e.contact_id == contact_id) & e.salt.is_not(None)
    connection.execute(update(consent_events).where(mine).values(evidence="", source="", salt=None))


def sheets(connection: Connection) -> list[Sheet]:
    """Ascending: days, then imports."""
    return [Sheet(row.id, row.events, bytes(row.digest)) for row in connection.execute(_sheets())]


def _sheets() -> Any:
    return select(consent_sheets).order_by(s.id)


def faults(connection: Connection) -> Iterator[tuple[int, str]]:
    """(sheet, what does not fit with it), of the whole ledger, read once and a page at a time. In one snapshot."""
    known = {sheet.id: sheet for sheet in sheets(connection)}
    for sheet_id, events in groupby(_events(connection), key=lambda found: found[0]):
        sheet = known.pop(sheet_id, Sheet(sheet_id, 0, EMPTY))
        if fault := first_fault(sheet, (event for _, event in events)):
            yield sheet_id, fault
    yield from ((sheet.id, f"its {sheet.events} event(s) are gone") for sheet in known.values() if sheet.events)


def _events(connection: Connection) -> Iterator[tuple[int, Event]]:
    columns = (*(e[name] for name in _COLUMNS), contacts.c.erased_us)
    # pages by the index of (sheet, seq) would cost every import; this sorts once
    statement = (
        select(*columns)
        .select_from(consent_events.outerjoin(contacts, and_(contacts.c.id == e.contact_id)))
        .order_by(e.sheet, e.seq, e.id)
    )
    for row in connection.execute(statement.execution_options(yield_per=_PAGE)):
        *word, sheet, seq, salt, made, erased_us = row
        yield sheet, Event(Word(*word), seq, salt and bytes(salt), bytes(made or b""), erased_us is not None)


def digest_after(connection: Connection, sheet: int, events: int) -> bytes:
    """Of the first so many events of a sheet."""
    made = select(e.commitment).where(e.sheet == sheet, e.seq < events).order_by(e.seq, e.id)
    rows = connection.execute(made.execution_options(yield_per=_PAGE)).scalars()
    return extend(EMPTY, (bytes(one or b"") for one in rows))
