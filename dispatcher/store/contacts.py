"""One person: found by number or id, and everything that is held on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, func, or_, select

from dispatcher.audience.recipient import media_of
from dispatcher.core.clock import iso
from dispatcher.store.bulk import any_of
from dispatcher.store.keys import Keys
from dispatcher.store.tables import (
    answers,
    attempts,
    campaigns,
    consent_events,
    consents,
    contact_points,
    contacts,
    imports,
    inbound,
    memberships,
    messages,
    receipts,
    senders,
    session_people,
    steps,
    suppressions,
)

Record = dict[str, Any]

#: Columns of the ledger that say nothing of a person.
_PROOF: Final = ("sheet", "seq", "salt", "commitment")

#: Sealed columns, and the names they are bound to.
_SEALED: Final = {
    "name_sealed": "contacts.name",
    "birth_date_sealed": "contacts.birth_date",
}
_PLAIN: Final = (
    "id", "birth_year", "minor", "salutation", "language", "region", "rw", "rt", "role", "zone", "attributes",
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


def read_contact(connection: Connection, keys: Keys, contact_id: int) -> Record:
    """The person as stored, opened; numbers in full."""
    row = connection.execute(select(contacts).where(contacts.c.id == contact_id)).one()
    opened = {
        name.removesuffix("_sealed"): keys.sealer.open(bound, row.id, getattr(row, name)) if getattr(row, name) else ""
        for name, bound in _SEALED.items()
    }
    groups = select(memberships.c.group_slug).where(memberships.c.contact_id == contact_id)
    return {
        **{name: getattr(row, name) for name in _PLAIN},
        **opened,
        "groups": sorted(connection.execute(groups).scalars()),
        "numbers": _numbers(connection, keys, contact_id),
        "consents": _consents(connection, contact_id),
        "source": _source(connection, row.import_id),
        "created": iso(row.created_us),
        "updated": iso(row.updated_us),
        "erased": iso(row.erased_us),
    }


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


def read_history(
    connection: Connection, keys: Keys, contact_ids: Sequence[int], hashes: Sequence[bytes]
) -> dict[str, list[Record]]:
    """Everything that happened with these people and numbers: the sections of an export, oldest first."""
    mine = any_of(connection, messages.c.contact_id, contact_ids)
    message_ids = list(connection.execute(select(messages.c.id).where(mine)).scalars())
    return {
        "messages": list(_messages(connection, keys, mine)),
        "attempts": _plain(connection, attempts, any_of(connection, attempts.c.message_id, message_ids)),
        "receipts": _plain(connection, receipts, any_of(connection, receipts.c.message_id, message_ids)),
        "replies": list(_inbound(connection, keys, contact_ids, hashes)),
        "answers": _plain(connection, answers, any_of(connection, answers.c.contact_id, contact_ids)),
        "sessions": _plain(connection, session_people, any_of(connection, session_people.c.contact_id, contact_ids)),
        "consent_events": _plain(
            connection,
            consent_events,
            any_of(connection, consent_events.c.contact_id, contact_ids),
        ),
    }


def _messages(connection: Connection, keys: Keys, mine: ColumnElement[bool]) -> Iterator[Record]:
    columns = (*messages.c, campaigns.c.slug, steps.c.name.label("step"), senders.c.name.label("sender"))
    joined = (
        messages.outerjoin(campaigns, campaigns.c.id == messages.c.campaign_id)
        .outerjoin(steps, steps.c.id == messages.c.step_id)
        .outerjoin(senders, senders.c.id == messages.c.sender_id)
    )
    for row in connection.execute(select(*columns).select_from(joined).where(mine).order_by(messages.c.id)):
        yield {
            "id": row.id,
            "campaign": row.slug,
            "step": row.step,
            "sender": row.sender,
            "status": row.status,
            "reason": row.reason,
            "number": keys.sealer.open("messages.address", row.id, row.address_sealed) if row.address_sealed else "",
            "text": keys.sealer.open("messages.body", row.id, row.body_sealed) if row.body_sealed else "",
            "begun": iso(row.begun_us),
            "ended": iso(row.ended_us),
        }


def _inbound(
    connection: Connection, keys: Keys, contact_ids: Sequence[int], hashes: Sequence[bytes]
) -> Iterator[Record]:
    c = inbound.c
    mine = or_(any_of(connection, c.contact_id, contact_ids), any_of(connection, c.address_hash, hashes))
    for row in connection.execute(select(inbound).where(mine).order_by(c.id)):
        yield {
            "id": row.id,
            "number": keys.sealer.open("inbound.address", row.id, row.address_sealed) if row.address_sealed else "",
            "text": keys.sealer.open("inbound.text", row.id, row.text_sealed) if row.text_sealed else "",
            "meaning": row.meaning,
            "received": iso(row.received_us),
        }


def _plain(connection: Connection, table: Table, condition: ColumnElement[bool]) -> list[Record]:
    """Clear columns as they are, instants as ISO 8601; sealed and hashed ones left out."""
    rows = connection.execute(select(table).where(condition).order_by(*table.primary_key.columns)).mappings()
    return [_shown(row) for row in rows]


def _shown(row: RowMapping) -> Record:
    return {
        name.removesuffix("_us"): iso(value) if name.endswith("_us") else value
        for name, value in row.items()
        if not name.endswith(("_sealed", "_hash")) and name not in _PROOF
    }
