"""The code by which somebody shows at the door of a session that they are invited."""

from __future__ import annotations

from typing import Final

from dispatcher.store.keys import Keys

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BITS: Final = 40


def door_code(keys: Keys, session: str, contact_id: int) -> str:
    """`XXXX-XXXX`, in Crockford's base 32; always the same for a person and a session, and no personal data."""
    number = int.from_bytes(keys.hash_identity(f"door:{session}|{contact_id}")[: _BITS // 8], "big")
    code = "".join(_CROCKFORD[number >> shift & 31] for shift in range(_BITS - 5, -1, -5))
    return f"{code[:4]}-{code[4:]}"
