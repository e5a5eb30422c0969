"""Whom the rows of an attendance sheet mean: many at once, by code, own id or number."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, select

from dispatcher.store.bulk import any_of
from dispatcher.store.tables import contact_points, contacts, door_codes


def by_codes(connection: Connection, session: str, codes: Collection[int]) -> dict[int, list[int]]:
    """Code → contacts."""
    c = door_codes.c
    mine = (c.session_slug == session) & any_of(connection, c.code, sorted(codes))
    return _grouped(connection.execute(select(c.code, c.contact_id).where(mine).order_by(c.contact_id)))


def by_identities(connection: Connection, identities: Collection[bytes]) -> dict[bytes, list[int]]:
    """Keyed hash of an own id → the contact."""
    mine = any_of(connection, contacts.c.identity_hash, sorted(identities)) & contacts.c.erased_us.is_(None)
    return _grouped(connection.execute(select(contacts.c.identity_hash, contacts.c.id).where(mine)))


def by_addresses(connection: Connection, hashes: Collection[bytes]) -> dict[bytes, list[int]]:
    """Keyed hash of a number → everyone who has it."""
    p = contact_points.c
    mine = any_of(connection, p.address_hash, sorted(hashes))
    statement = select(p.address_hash, p.contact_id).where(mine).distinct().order_by(p.contact_id)
    return _grouped(connection.execute(statement))


def _grouped(rows: Iterable[Any]) -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = {}
    for key, contact_id in rows:
        found.setdefault(key, []).append(contact_id)
    return found
