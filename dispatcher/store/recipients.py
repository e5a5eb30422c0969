"""People a step means, a page at a time, opened and ready to be decided on. A handful of statements per page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from dispatcher.audience.recipient import Point, Recipient
from dispatcher.store.bulk import any_of
from dispatcher.store.keys import Keys
from dispatcher.store.tables import consents, contact_points, contacts, memberships, suppressions

_COLUMNS = (
    contacts.c.id,
    contacts.c.name_sealed,
    contacts.c.salutation,
    contacts.c.language,
    contacts.c.region,
    contacts.c.rw,
    contacts.c.rt,
    contacts.c.role,
    contacts.c.zone,
    contacts.c.synthetic,
    contacts.c.attributes,
)


def load_page(connection: Connection, selection: Select[Any], keys: Keys) -> list[Recipient]:
    """`selection` yields contact ids, ascending; see store/targeting.py."""
    rows = connection.execute(selection.with_only_columns(*_COLUMNS)).all()
    return _complete(connection, rows, keys)


def load_people(connection: Connection, ids: Iterable[int], keys: Keys) -> dict[int, Recipient]:
    """These people; erased ones are missing."""
    statement = select(*_COLUMNS).where(
        any_of(connection, contacts.c.id, sorted(set(ids))), contacts.c.erased_us.is_(None)
    )
    return {r.id: r for r in _complete(connection, connection.execute(statement).all(), keys)}


def _complete(connection: Connection, rows: Sequence[Any], keys: Keys) -> list[Recipient]:
    if not rows:
        return []
    ids = [row.id for row in rows]
    points = _points(connection, ids)
    hashes = {point.address_hash for found in points.values() for point in found}
    refused = _refused(connection, hashes)
    groups = _groups(connection, ids)
    granted = _consents(connection, ids)
    nothing: tuple[str, ...] = ()
    nobody: dict[tuple[str, str], bool] = {}
    open_name = keys.sealer.open
    # by position: by name, fifteen fields of each row would cost more than anything else here
    return [
        Recipient(
            i,
            open_name("contacts.name", i, name) if name else "",
            *known,  # type: ignore[call-arg]
            tuple(groups.get(i, nothing)),
            tuple(points.get(i, ())),
            granted.get(i, nobody),
            refused,
        )
        for i, name, *known in rows
    ]


def _points(connection: Connection, ids: Sequence[int]) -> dict[int, list[Point]]:
    p = contact_points.c
    columns = (p.contact_id, p.id, p.media, p.rank, p.address_hash, p.address_sealed, p.country)
    found: dict[int, list[Point]] = {}
    for contact_id, *values in connection.execute(select(*columns).where(any_of(connection, p.contact_id, ids))).all():
        found.setdefault(contact_id, []).append(Point(*values))
    return found


def open_address(keys: Keys, point: Point) -> str:
    """E.164. Raises SealBrokenError."""
    return keys.sealer.open("contact_points.address", point.id, point.address_sealed)


def _refused(connection: Connection, hashes: Iterable[bytes]) -> dict[bytes, frozenset[str]]:
    statement = select(suppressions.c.address_hash, suppressions.c.purpose).where(
        any_of(connection, suppressions.c.address_hash, list(hashes))
    )
    found: dict[bytes, set[str]] = {}
    for row in connection.execute(statement).all():
        found.setdefault(bytes(row.address_hash), set()).add(row.purpose)
    return {key: frozenset(purposes) for key, purposes in found.items()}


def _groups(connection: Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    statement = (
        select(memberships.c.contact_id, memberships.c.group_slug)
        .where(any_of(connection, memberships.c.contact_id, ids))
        .order_by(memberships.c.contact_id, memberships.c.group_slug)
    )
    found: dict[int, list[str]] = {}
    for contact_id, group in connection.execute(statement).all():
        found.setdefault(contact_id, []).append(group)
    return found


def _consents(connection: Connection, ids: Sequence[int]) -> dict[int, dict[tuple[str, str], bool]]:
    c = consents.c
    statement = select(c.contact_id, c.purpose, c.media, c.granted).where(any_of(connection, c.contact_id, ids))
    found: dict[int, dict[tuple[str, str], bool]] = {}
    for contact_id, purpose, media, granted in connection.execute(statement).all():
        found.setdefault(contact_id, {})[purpose, media] = granted
    return found
