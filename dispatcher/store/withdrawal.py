"""A refusal taken down by an officer, and the erasure of a person. A refusal outlives both (invariant 14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update

from dispatcher.audience.ledger import Word
from dispatcher.store.breaker import note_stop
from dispatcher.store.bulk import any_of, insert_ignore
from dispatcher.store.doors import forget_codes
from dispatcher.store.exchanges import forget_messages
from dispatcher.store.installation import take_ids
from dispatcher.store.ledger import append, blank_person
from dispatcher.store.links import forget_links
from dispatcher.store.tables import (
    answer_events,
    answers,
    consents,
    contact_points,
    contacts,
    inbound,
    memberships,
    messages,
    receipts,
    suppressions,
)

LINK: Final = "link"
"""`via` of a refusal through the recipient's page."""

_BLANK: Final[dict[str, Any]] = {
    "identity_hash": None, "row_hash": None, "name_sealed": None, "birth_date_sealed": None, "birth_year": None,
    "salutation": "", "language": "", "region": "", "rw": None, "rt": None, "role": "", "zone": "", "attributes": {},
    "minor": False,
}  # fmt: skip

_BLANK_REPLY: Final = dict.fromkeys(("text_sealed", "address_sealed", "note_sealed", "reply_sealed"))


def suppress(connection: Connection, address_hash: bytes, purpose: str, reason: str, via: str, now_us: int) -> bool:
    """False where the number had refused that already; the first refusal keeps its date.

    One through a link may be taken back from that link; another one on top of it makes it stand for good.
    """
    row = {"address_hash": address_hash, "purpose": purpose, "reason": reason, "via": via, "at_us": now_us}
    x = suppressions.c
    mine = (x.address_hash == address_hash) & (x.purpose == purpose)
    while insert_ignore(connection, suppressions, [row]) == 0:
        # locked: it may be taken back at this very instant, and then this one stands instead
        if connection.execute(select(x.via).where(mine).with_for_update()).first() is None:
            continue
        if via != LINK:
            connection.execute(update(suppressions).where(mine, x.via == LINK).values(via=via, reason=reason))
        return False
    note_stop(connection, address_hash, now_us)
    return True


def take_back(connection: Connection, address_hash: bytes, at_us: int) -> bool:
    """The refusal that came through a link at that instant is undone; False where it no longer stands so."""
    x = suppressions.c
    mine = (x.address_hash == address_hash) & (x.purpose == "*") & (x.via == LINK) & (x.at_us == at_us)
    return connection.execute(delete(suppressions).where(mine)).rowcount == 1


def withdraw_consent(
    connection: Connection, contact_ids: Sequence[int], purpose: str, reason: str, via: str, now_us: int
) -> int:
    """What these people had agreed to within the purpose ("*": all) is withdrawn, each with an event; how many.

    Whoever agreed to everything goes on agreeing to the rest: an explicit no for the purpose is put beside it, so that
    it also holds for a number that the person gets later.
    """
    c = consents.c
    held = any_of(connection, c.contact_id, contact_ids) & c.granted
    if purpose != "*":
        held &= c.purpose == purpose
    rows = connection.execute(select(consents).where(held).with_for_update()).all()
    connection.execute(update(consents).where(held).values(granted=False, import_id=None, at_us=now_us))
    if purpose != "*":
        rows = [*rows, *_except(connection, contact_ids, purpose, now_us)]
    ids = take_ids(connection, len(rows), now_us) if rows else range(0)
    said = [
        Word(i, row.contact_id, row.purpose, row.media, False, row.basis, reason, "", via, None, now_us)
        for i, row in zip(ids, rows, strict=True)
    ]
    append(connection, said)
    return len(rows)


def _except(connection: Connection, contact_ids: Sequence[int], purpose: str, now_us: int) -> list[Any]:
    """Rows that say no to the purpose, of people who agreed to everything and had said nothing of it."""
    c = consents.c
    spoke = select(c.contact_id).where(c.purpose == purpose, c.media == "*")
    agreed = any_of(connection, c.contact_id, contact_ids) & c.granted & (c.purpose == "*") & c.contact_id.not_in(spoke)
    basis = dict(connection.execute(select(c.contact_id, c.basis).where(agreed)).all())
    new = [
        {"contact_id": i, "purpose": purpose, "media": "*", "granted": False, "basis": basis[i], "at_us": now_us}
        for i in sorted(basis)
    ]
    insert_ignore(connection, consents, new)
    of_purpose = any_of(connection, c.contact_id, sorted(basis)) & (c.purpose == purpose) & (c.media == "*")
    return list(connection.execute(select(consents).where(of_purpose)).all())


def erase_contact(connection: Connection, contact_id: int, now_us: int) -> None:
    """Blanks and deletes everything personal. What stays: counts, cells, statuses, and refusals by keyed hash."""
    numbers = select(contact_points.c.address_hash).where(contact_points.c.contact_id == contact_id)
    hashes = list(connection.execute(numbers).scalars())
    connection.execute(select(contacts.c.id).where(contacts.c.id == contact_id).with_for_update())
    for table in (contact_points, memberships, consents):
        connection.execute(delete(table).where(table.c.contact_id == contact_id))
    blank_person(connection, contact_id)
    forget_codes(connection, contact_id)
    _blank_messages(connection, contact_id)
    forget_links(connection, contact_id)
    _blank_replies(connection, contact_id, hashes)
    for table in (answers, answer_events):
        connection.execute(update(table).where(table.c.contact_id == contact_id).values(text_hash=""))
    connection.execute(
        update(contacts).where(contacts.c.id == contact_id).values(**_BLANK, erased_us=now_us, updated_us=now_us)
    )


def _blank_messages(connection: Connection, contact_id: int) -> None:
    mine = messages.c.contact_id == contact_id
    connection.execute(
        update(receipts)
        .where(receipts.c.message_id.in_(select(messages.c.id).where(mine)), receipts.c.raw_sealed.is_not(None))
        .values(raw_sealed=None)
    )
    connection.execute(update(messages).where(mine).values(body_sealed=None, address_sealed=None))
    # after that update, which waits for attempts that are being recorded: what they keep is seen from here on
    forget_messages(connection, connection.execute(select(messages.c.id).where(mine)).scalars().all())


def _blank_replies(connection: Connection, contact_id: int, hashes: Sequence[bytes]) -> None:
    """Replies of the person, and those of a number that now belongs to nobody; and what an officer wrote of it."""
    still_used = select(contact_points.c.address_hash).where(any_of(connection, contact_points.c.address_hash, hashes))
    kept = set(connection.execute(still_used).scalars())
    orphaned = [address_hash for address_hash in hashes if address_hash not in kept]
    mine = (inbound.c.contact_id == contact_id) | any_of(connection, inbound.c.address_hash, orphaned)
    connection.execute(update(inbound).where(mine).values(**_BLANK_REPLY))
    connection.execute(update(inbound).where(mine, inbound.c.reply_state == "due").values(reply_state="cancelled"))
    # what providers called with: the replies themselves, and receipts of the answers to them
    r, ids = receipts.c, connection.execute(select(inbound.c.id).where(mine)).scalars().all()
    told = any_of(connection, r.id, ids) | any_of(connection, r.message_id, ids)
    connection.execute(update(receipts).where(told, r.raw_sealed.is_not(None)).values(raw_sealed=None))
    # an officer's own words may name the person; that, when and how the number refused stays (invariant 14)
    written = any_of(connection, suppressions.c.address_hash, orphaned) & (suppressions.c.via == "officer")
    connection.execute(update(suppressions).where(written).values(reason=""))
