"""A number says stop: it is suppressed, and what waits for it is cancelled, in one commit (invariants 8 and 14)."""

from __future__ import annotations

from sqlalchemy import Connection

from dispatcher.store.cancel import cancel_queued_for_address
from dispatcher.store.withdrawal import suppress


def stop_address(connection: Connection, address_hash: bytes, purpose: str, reason: str, via: str, now_us: int) -> int:
    """How many waiting messages were cancelled. `purpose` "*": all of them."""
    suppress(connection, address_hash, purpose, reason, via, now_us)
    return cancel_queued_for_address(connection, address_hash, now_us, "opted_out", purpose)
