"""People a step means, a page at a time, opened and ready to be decided on. A handful of statements per page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from json import loads
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Text, case, cast, func, select, type_coerce

from dispatcher.audience.minors import adult_on
from dispatcher.audience.recipient import Point, Recipient, media_of
from dispatcher.store.among import among
from dispatcher.store.keys import Keys
from dispatcher.store.tables import consents, contact_points, contacts, memberships, suppressions

_COLUMNS: Final = (
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
)
_UNIT, _RECORD = "\x1f", "\x1e"  # between the parts of a text made of several: in no name and no purpose
_NOTHING: Final[Mapping[str, object]] = {}


def load_page(connection: Connection, selection: Select[Any], keys: Keys) -> list[Recipient]:
    """`selection` yields contact ids, ascending; see store/targeting.py."""
    return _complete(connection, selection.with_only_columns(*_columns(connection)), keys)


def load_people(connection: Connection, ids: Iterable[int], keys: Keys) -> dict[int, Recipient]:
    """These people; erased ones are missing."""
    statement = select(*_columns(connection)).where(
        among(connection, contacts.c.id, sorted(set(ids))), contacts.c.erased_us.is_(None)
    )
    return {r.id: r for r in _complete(connection, statement, keys)}


def _columns(connection: Connection) -> tuple[ColumnElement[Any], ...]:
    """What there are several of comes as one text a person: few texts differ, and each is read once."""
    is_text = connection.dialect.name == "sqlite"
    attributes = (type_coerce if is_text else cast)(contacts.c.attributes, Text)
    c = consents.c
    word = c.purpose + _UNIT + c.media + case((c.granted, f"{_UNIT}1"), else_=f"{_UNIT}0")
    return (
        *_COLUMNS,
        attributes,
        _together(connection, memberships.c.group_slug, memberships.c.contact_id == contacts.c.id),
        _together(connection, word, c.contact_id == contacts.c.id),
        case((contacts.c.minor, func.coalesce(contacts.c.birth_date_sealed, b""))),
    )


def _together(connection: Connection, text: ColumnElement[str], mine: ColumnElement[bool]) -> ColumnElement[str]:
    joined = (func.string_agg if connection.dialect.name == "postgresql" else func.group_concat)(text, _RECORD)
    return select(joined).where(mine).scalar_subquery()


def _complete(connection: Connection, statement: Select[Any], keys: Keys) -> list[Recipient]:
    rows = connection.execute(statement).all()
    if not rows:
        return []
    points, refused = _points(connection, [row[0] for row in rows])
    open_name = keys.sealer.open
    # by position: by name, fifteen fields of each row would cost more than anything else here
    return [
        Recipient(
            i,
            open_name("contacts.name", i, name) if name else "",
            salutation,
            language,
            region,
            rw,
            rt,
            role,
            zone,
            synthetic,
            _NOTHING if attributes == "{}" else loads(attributes),
            _groups(groups),
            points.get(i, ()),
            _consents(granted),
            refused,
            None if born is None else _adult_on(keys, i, born),
        )
        for (
            i, name, salutation, language, region, rw, rt, role, zone, synthetic, attributes, groups, granted, born,
        ) in rows
    ]  # fmt: skip


def _adult_on(keys: Keys, contact_id: int, born: bytes) -> date:
    """Only of those marked as minors the birth date is opened."""
    text = keys.sealer.open("contacts.birth_date", contact_id, born) if born else ""
    return adult_on(date.fromisoformat(text) if text else None)


@lru_cache(maxsize=4096)
def _groups(together: str | None) -> tuple[str, ...]:
    return tuple(sorted(together.split(_RECORD))) if together else ()


@lru_cache(maxsize=4096)
def _consents(together: str | None) -> Mapping[tuple[str, str], bool]:
    each = [word.split(_UNIT) for word in together.split(_RECORD)] if together else []
    return {(purpose, media): granted == "1" for purpose, media, granted in each}


def _points(
    connection: Connection, ids: Sequence[int]
) -> tuple[dict[int, tuple[Point, ...]], Mapping[bytes, frozenset[str]]]:
    """Numbers by person, and what was refused by number."""
    p, s = contact_points.c, suppressions.c
    purposes = _together(connection, s.purpose, s.address_hash == p.address_hash)
    columns = (p.contact_id, p.id, p.media, p.rank, p.address_hash, p.address_sealed, p.country, purposes)
    points: dict[int, tuple[Point, ...]] = {}
    refused: dict[bytes, frozenset[str]] = {}
    for contact_id, point_id, media, *point, purposes in connection.execute(
        select(*columns).where(among(connection, p.contact_id, ids))
    ).all():
        for medium in media_of(media):
            points[contact_id] = (*points.get(contact_id, ()), Point(point_id, medium, *point))
        if purposes:
            refused[point[1]] = frozenset(purposes.split(_RECORD))
    return points, refused


def open_address(keys: Keys, point: Point) -> str:
    """E.164. Raises SealBrokenError."""
    return keys.sealer.open("contact_points.address", point.id, point.address_sealed)
