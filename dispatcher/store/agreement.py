"""Consent that a person gave to an officer's face: what holds from now on, and its word in the ledger."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from dispatcher.audience.ledger import Word
from dispatcher.store.installation import take_ids
from dispatcher.store.ledger import append
from dispatcher.store.tables import consents, contacts

c = consents.c


def grant_consent(connection: Connection, contact_id: int, *, basis: str, evidence: str, via: str, now_us: int) -> bool:
    """For every purpose and medium. False where just that held already. A number's refusal is not touched."""
    connection.execute(select(contacts.c.id).where(contacts.c.id == contact_id).with_for_update())
    mine = (c.contact_id == contact_id) & (c.purpose == "*") & (c.media == "*")
    held = connection.execute(select(c.granted, c.basis).where(mine)).first()
    if held is not None and tuple(held) == (True, basis):
        return False
    connection.execute(delete(consents).where(mine))
    said = {"contact_id": contact_id, "purpose": "*", "media": "*", "granted": True, "basis": basis, "at_us": now_us}
    connection.execute(insert(consents).values(**said))
    (identifier,) = take_ids(connection, 1, now_us)
    append(connection, [Word(identifier, contact_id, "*", "*", True, basis, evidence, "", via, None, now_us)])
    return True
