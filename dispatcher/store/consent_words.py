"""Words of consent that came with an import: what holds tells its import, and moves to the ledger when it changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, literal, select

from dispatcher.store.bulk import insert
from dispatcher.store.installation import take_ids
from dispatcher.store.tables import consent_events, consents, imports


def imported_words(connection: Connection, condition: ColumnElement[bool]) -> Sequence[RowMapping]:
    """Those among the consents that the ledger does not have yet, as it would have them but for an id."""
    return connection.execute(_imported(condition)).mappings().all()


def _imported(condition: ColumnElement[bool]) -> Select[Any]:
    return (
        select(consents, imports.c.evidence, imports.c.source, literal("import").label("via"))
        .join(imports, imports.c.id == consents.c.import_id)
        .where(condition)
        .order_by(consents.c.contact_id, consents.c.purpose, consents.c.media)
    )


def keep_words(connection: Connection, condition: ColumnElement[bool], now_us: int) -> None:
    """Writes them to the ledger. The caller replaces, withdraws or deletes these consents in the same transaction."""
    words = connection.execute(_imported(condition).with_for_update(of=consents)).mappings().all()
    if words:
        ids = take_ids(connection, len(words), now_us)
        insert(connection, consent_events, [{"id": i, **word} for i, word in zip(ids, words, strict=True)])
