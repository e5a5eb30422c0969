"""One person: found by number or id, and everything that is held on them."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, func, select

from dispatcher.audience.minors import adult_on, is_minor
from dispatcher.audience.recipient import media_of
from dispatcher.core.clock import iso
from dispatcher.store.keys import Keys
from dispatcher.store.tables import (
    consents,
    contact_points,
    contacts,
    imports,
    memberships,
    messages,
    suppressions,
)

Record = dict[str, Any]


#: Sealed columns, and the names they are bound to.
_SEALED: Final = {
    "name_sealed": "contacts.name",
    "birth_date_sealed": "contacts.birth_date",
}
_PLAIN: Final = (
    "id", "birth_year", "salutation", "language", "region", "rw", "rt", "role", "zone", "attributes",
    "synthetic",
)  # fmt: skip


def find_by_address(connection: Connection, address_hash: bytes) -> list[int]:
    """Everyone who has the number, ascending."""
    statement = select(contact_points.c.contact_id).where(contact_points.c.address_hash == address_hash).distinct()
    return sorted(connection.execute(statement).scalars())


def exists(connection: Connection, contact_id: int) -> bool:
    statement = select(contacts.c.id).where(contacts.c.id == contact_id, contacts.c.erased_us.is_(None))
    return connection.execute(statement).first() is not None


def address_hashes(connection: Connection, contact_id: int) -> list[bytes]:
    statement = select(contact_points.c.address_hash).where(contact_points.c.contact_id == contact_id).distinct()
    return sorted(connection.execute(statement).scalars())


def read_contact(connection: Connection, keys: Keys, contact_id: int, on: date) -> Record:
    """The person as stored, opened; numbers in full. `on`: the day for which `minor` is said."""
    row = connection.execute(select(contacts).where(contacts.c.id == contact_id)).one()
    opened = {
        name.removesuffix("_sealed"): keys.sealer.open(bound, row.id, getattr(row, name)) if getattr(row, name) else ""
        for name, bound in _SEALED.items()
    }
    groups = select(memberships.c.group_slug).where(memberships.c.contact_id == contact_id)
    return {
        **{name: getattr(row, name) for name in _PLAIN},
        **opened,
        "minor": row.minor and is_minor(adult_on(_date(opened["birth_date"])), on),
        "groups": sorted(connection.execute(groups).scalars()),
        "numbers": _numbers(connection, keys, contact_id),
        "consents": _consents(connection, contact_id),
        "source": _source(connection, row.import_id),
        "created": iso(row.created_us),
        "updated": iso(row.updated_us),
        "erased": iso(row.erased_us),
    }


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _numbers(connection: Connection, keys: Keys, contact_id: int) -> list[Record]:
    p = contact_points.c
    rows = connection.execute(select(contact_points).where(p.contact_id == contact_id).order_by(p.rank, p.id))
    return [
        {
            "number": keys.sealer.open("contact_points.address", row.id, row.address_sealed),
            "media": media,
            "country": row.country,
            "line_type": row.line_type,
            "refused": refusals(connection, row.address_hash),
        }
        for row in rows
        for media in media_of(row.media)
    ]


def refusals(connection: Connection, address_hash: bytes) -> list[Record]:
    """What this number refused: purpose ("*" is everything), since when, how."""
    rows = connection.execute(select(suppressions).where(suppressions.c.address_hash == address_hash))
    return [{"purpose": r.purpose, "reason": r.reason, "via": r.via, "at": iso(r.at_us)} for r in rows]


def _consents(connection: Connection, contact_id: int) -> list[Record]:
    c = consents.c
    rows = connection.execute(select(consents).where(c.contact_id == contact_id).order_by(c.purpose, c.media))
    return [
        {"purpose": r.purpose, "media": r.media, "granted": r.granted, "basis": r.basis, "at": iso(r.at_us)}
        for r in rows
    ]


def _source(connection: Connection, import_id: int | None) -> Record | None:
    row = connection.execute(select(imports).where(imports.c.id == import_id)).first()
    if row is None:
        return None
    return {"import": row.id, "file": row.source, "basis": row.basis, "evidence": row.evidence}


def message_counts(connection: Connection, contact_id: int) -> dict[str, int]:
    statement = select(messages.c.status, func.count()).where(messages.c.contact_id == contact_id)
    return {row[0]: row[1] for row in connection.execute(statement.group_by(messages.c.status))}
