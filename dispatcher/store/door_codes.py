"""The code by which a person who was invited to a session is known at its door."""

from __future__ import annotations

from dispatcher.core.door_code import BITS, spell
from dispatcher.store.keys import Keys


def door_number(keys: Keys, session: str, contact_id: int) -> int:
    """40 bits of a keyed hash: it says nothing of the person, and is another one for each session."""
    return int.from_bytes(keys.hash_identity(f"door:{session}|{contact_id}")[: BITS // 8], "big")


def door_code(keys: Keys, session: str, contact_id: int) -> str:
    """`7K3M-Q2XD`."""
    return spell(door_number(keys, session, contact_id))
