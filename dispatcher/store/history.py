"""Everything that happened with a person: the sections of an export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from json import loads
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, or_, select

from dispatcher.core.clock import iso
from dispatcher.store.bulk import any_of
from dispatcher.store.door_codes import door_code
from dispatcher.store.exchanges import of_messages as exchanges_of
from dispatcher.store.keys import Keys
from dispatcher.store.tables import (
    answer_events,
    answers,
    attempts,
    campaigns,
    consent_events,
    door_codes,
    inbound,
    links,
    messages,
    receipts,
    senders,
    session_people,
    skipped,
    steps,
)

Record = dict[str, Any]

#: Columns of the ledger that say nothing of a person.
_PROOF: Final = ("sheet", "seq", "salt", "commitment")


def read_history(
    connection: Connection, keys: Keys, contact_ids: Sequence[int], hashes: Sequence[bytes]
) -> dict[str, list[Record]]:
    """Everything that happened with these people and numbers: the sections of an export, oldest first."""
    mine = any_of(connection, messages.c.contact_id, contact_ids)
    message_ids = list(connection.execute(select(messages.c.id).where(mine)).scalars())
    reply_ids = list(connection.execute(select(inbound.c.id).where(_wrote(connection, contact_ids, hashes))).scalars())
    return {
        "messages": list(_messages(connection, keys, mine)),
        "attempts": _plain(connection, attempts, any_of(connection, attempts.c.message_id, message_ids)),
        "receipts": _plain(connection, receipts, any_of(connection, receipts.c.message_id, [*message_ids, *reply_ids])),
        "replies": list(_inbound(connection, keys, contact_ids, hashes)),
        "answers": _plain(connection, answers, any_of(connection, answers.c.contact_id, contact_ids)),
        "answer_events": _plain(connection, answer_events, any_of(connection, answer_events.c.contact_id, contact_ids)),
        "sessions": _plain(connection, session_people, any_of(connection, session_people.c.contact_id, contact_ids)),
        "door_codes": list(_door_codes(connection, keys, contact_ids)),
        "links": _plain(connection, links, any_of(connection, links.c.contact_id, contact_ids)),
        "exchanges": list(_exchanges(connection, keys, message_ids)),
        "left_out": list(_left_out(connection, contact_ids)),
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


def _exchanges(connection: Connection, keys: Keys, message_ids: Sequence[int]) -> Iterator[Record]:
    """What the wire log kept, redacted as it is."""
    for message_id, attempt, text in exchanges_of(connection, keys.sealer, message_ids):
        yield {"message_id": message_id, "attempt": attempt, "said": loads(text)}


def _door_codes(connection: Connection, keys: Keys, contact_ids: Sequence[int]) -> Iterator[Record]:
    c = door_codes.c
    mine = any_of(connection, c.contact_id, contact_ids)
    for row in connection.execute(select(c.session_slug, c.contact_id).where(mine).order_by(*door_codes.primary_key)):
        code = door_code(keys, row.session_slug, row.contact_id)
        yield {"session_slug": row.session_slug, "contact_id": row.contact_id, "code": code}


def _left_out(connection: Connection, contact_ids: Sequence[int]) -> Iterator[Record]:
    """Steps that the person was not messaged in, and why."""
    joined = skipped.join(steps, steps.c.id == skipped.c.step_id).join(campaigns, campaigns.c.id == steps.c.campaign_id)
    statement = (
        select(campaigns.c.slug, steps.c.name, skipped.c.reason)
        .select_from(joined)
        .where(any_of(connection, skipped.c.contact_id, contact_ids))
        .order_by(skipped.c.step_id)
    )
    for row in connection.execute(statement):
        yield {"campaign": row.slug, "step": row.name, "reason": row.reason}


def _wrote(connection: Connection, contact_ids: Sequence[int], hashes: Sequence[bytes]) -> ColumnElement[bool]:
    c = inbound.c
    return or_(any_of(connection, c.contact_id, contact_ids), any_of(connection, c.address_hash, hashes))


def _inbound(
    connection: Connection, keys: Keys, contact_ids: Sequence[int], hashes: Sequence[bytes]
) -> Iterator[Record]:
    c = inbound.c
    for row in connection.execute(select(inbound).where(_wrote(connection, contact_ids, hashes)).order_by(c.id)):
        yield {
            "id": row.id,
            "number": keys.sealer.open("inbound.address", row.id, row.address_sealed) if row.address_sealed else "",
            "text": keys.sealer.open("inbound.text", row.id, row.text_sealed) if row.text_sealed else "",
            "meaning": row.meaning,
            "received": iso(row.received_us),
            "handled": iso(row.handled_us),
            "answered": keys.sealer.open("inbound.reply", row.id, row.reply_sealed) if row.reply_sealed else "",
            "answered_state": row.reply_state,
            "answered_at": iso(row.reply_begun_us),
            "note": keys.sealer.open("inbound.note", row.id, row.note_sealed) if row.note_sealed else "",
        }


def _plain(connection: Connection, table: Table, condition: ColumnElement[bool]) -> list[Record]:
    """Clear columns as they are, instants as ISO 8601; sealed and hashed ones left out."""
    rows = connection.execute(select(table).where(condition).order_by(*table.primary_key.columns)).mappings()
    return [_shown(row) for row in rows]


def _shown(row: RowMapping) -> Record:
    return {
        name.removesuffix("_us"): iso(value) if name.endswith("_us") else value
        for name, value in row.items()
        if (not name.endswith(("_sealed", "_hash")) or name == "text_hash") and name not in _PROOF
    }
