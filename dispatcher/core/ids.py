"""Identifiers made before the insert: 53-bit, so that JSON readers keep every digit.

An id is (seconds since 1970) << 20 plus a counter kept in SQL, so ids are unique over all workers, ascend in time,
and are not handed out again by a database restored from a backup.
"""

from __future__ import annotations

SEQUENCE_BITS = 20
MAX_ID = (1 << 53) - 1


def floor_at(now_us: int) -> int:
    """The lowest id that may be handed out at this instant."""
    return (now_us // 1_000_000) << SEQUENCE_BITS
