"""People left out by chance, so that a campaign's effect can be measured against them."""

from __future__ import annotations

from hashlib import blake2b

_WHOLE = 1 << 64


def share_of(salt: str, contact_id: int) -> float:
    """A number in [0, 1) that is the same for a person every time, and unrelated between salts."""
    digest = blake2b(b"%d" % contact_id, digest_size=8, key=salt.encode()[:64]).digest()
    return int.from_bytes(digest, "big") / _WHOLE


def is_held_out(campaign: str, share: float, contact_id: int) -> bool:
    """The same people for every step of a campaign."""
    return share > 0 and share_of(f"holdout:{campaign}", contact_id) < share
