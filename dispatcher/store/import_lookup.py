"""What the database knows of the people and numbers in a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from dispatcher.store.bulk import SQLITE_HASHES, any_of
from dispatcher.store.drafts import Consent, Draft, Number, StoredNumber
from dispatcher.store.keys import HASH_BYTES
from dispatcher.store.tables import consents, contact_points, contacts, suppressions


class MovedError(Exception):
    """Someone else wrote to these contacts since we looked."""


def _among(connection: Connection, columns: str, table: str, key: str, values: list[bytes]) -> Sequence[Any]:
    """Driver SQL: an IN of thousands costs SQLAlchemy more than the database."""
    if connection.dialect.name == "postgresql":
        statement = f"SELECT {columns} FROM {table} WHERE {key} = ANY(%s)"  # noqa: S608  names are ours
        return connection.exec_driver_sql(statement, (values,)).all()
    statement = f"SELECT {columns} FROM {table} WHERE {key} IN ({SQLITE_HASHES.format(name='hashes', size=HASH_BYTES)})"  # noqa: S608
    return connection.exec_driver_sql(statement, {"hashes": b"".join(values)}).all()


def drafts(connection: Connection, identities: Iterable[bytes]) -> dict[bytes, Draft]:
    rows = _among(connection, "identity_hash, id, row_hash, import_id", "contacts", "identity_hash", list(identities))
    return {
        identity: Draft(number, identity, is_new=False, hashes=hashes or b"", stored_hashes=hashes, import_id=import_id)
        for identity, number, hashes, import_id in rows
    }


_FIELDS: Final = (
    "name_sealed", "birth_date_sealed", "birth_year", "minor", "salutation", "language", "region", "rw", "rt", "role",
    "zone", "attributes", "synthetic",
)  # fmt: skip


def complete(connection: Connection, found: dict[int, Draft], purpose: str) -> None:
    """Reads the rest of the contacts that will change."""
    ids = sorted(found)
    columns = [contacts.c[name] for name in _FIELDS]
    for row in connection.execute(select(contacts.c.id, *columns).where(any_of(connection, contacts.c.id, ids))):
        for name, value in zip(_FIELDS, row[1:], strict=True):
            setattr(found[row.id], name, value)
    points = select(contact_points).where(any_of(connection, contact_points.c.contact_id, ids))
    for row in connection.execute(points.order_by(contact_points.c.rank, contact_points.c.id)):
        draft = found[row.contact_id]
        draft.stored_numbers[row.address_hash] = StoredNumber(row.id, row.media, row.rank)
        draft.numbers[row.address_hash] = Number(row.media, "", row.address_hash, row.country, row.line_type, row.rank)
    held = select(consents.c.contact_id, consents.c.granted, consents.c.basis).where(
        any_of(connection, consents.c.contact_id, ids), consents.c.purpose == purpose, consents.c.media == "*"
    )
    for row in connection.execute(held):
        found[row.contact_id].consent = found[row.contact_id].consent_before = Consent(row.granted, row.basis)


def owners(connection: Connection, hashes: list[bytes]) -> dict[bytes, set[int]]:
    found: dict[bytes, set[int]] = {}
    for address_hash, contact_id in _among(
        connection, "address_hash, contact_id", "contact_points", "address_hash", hashes
    ):
        found.setdefault(address_hash, set()).add(contact_id)
    return found


def refused(connection: Connection, hashes: list[bytes]) -> set[bytes]:
    if connection.execute(select(suppressions.c.purpose).limit(1)).first() is None:
        return set()
    return {row[0] for row in _among(connection, "address_hash", "suppressions", "address_hash", hashes)}


def require_unmoved(connection: Connection, changed: list[Draft]) -> None:
    """Locks the contacts; another import or an erasure may have written to them since they were read."""
    if not changed:
        return
    statement = select(contacts.c.id, contacts.c.row_hash).where(
        any_of(connection, contacts.c.id, [draft.id for draft in changed]), contacts.c.erased_us.is_(None)
    )
    now = {row.id: row.row_hash for row in connection.execute(statement.order_by(contacts.c.id).with_for_update())}
    if any(draft.id not in now or now[draft.id] != draft.stored_hashes for draft in changed):
        raise MovedError
