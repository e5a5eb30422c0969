"""The code by which a person who was invited to a session is known at its door."""

from __future__ import annotations

from typing import Final

from dispatcher.core.door_code import BITS, spell
from dispatcher.store.keys import Keys

_MAC_BITS: Final = 64


def door_number(keys: Keys, session: str, contact_id: int) -> int:
    """40 bits of a keyed hash: it says nothing of the person, and is another one for each session."""
    return int(keys.mac("door", f"{session}|{contact_id}"), 16) >> (_MAC_BITS - BITS)


def door_code(keys: Keys, session: str, contact_id: int) -> str:
    """`7K3M-Q2XD`."""
    return spell(door_number(keys, session, contact_id))
