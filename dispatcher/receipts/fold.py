"""Which attempt a receipt speaks of, and what the receipts of several parts amount to."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from typing import NamedTuple

from dispatcher.core.ids import MAX_ID
from dispatcher.core.status import RANK, Status, climb

_LONGEST_REF = 48


class Ref(NamedTuple):
    """Our reference, as it came back. `mac` is empty where the provider signs its calls."""

    message_id: int
    attempt: int
    mac: str = ""

    @property
    def bare(self) -> str:
        return make_ref(self.message_id, self.attempt)


def make_ref(message_id: int, attempt: int) -> str:
    """`<message>.<attempt>`: unique for ever, free of personal data."""
    return f"{message_id}.{attempt}"


@lru_cache(maxsize=4096)
def parse_ref(text: str) -> Ref | None:
    """`<message>.<attempt>` or `<message>.<attempt>.<mac>`; None for anything else, whoever sent it.

    Remembered: the checks, the journal and the fold of one call ask one after the other.
    """
    parts = text.split(".")
    if len(text) > _LONGEST_REF or len(parts) not in (2, 3) or not all(p.isascii() and p.isdigit() for p in parts[:2]):
        return None
    message_id, attempt = int(parts[0]), int(parts[1])
    if not (0 < message_id <= MAX_ID and 0 < attempt < 1 << 15):
        return None
    return Ref(message_id, attempt, *parts[2:])


def hear_part(heard: MutableMapping[str, Status], part: str, status: Status, parts: int) -> Status | None:
    """Keep a word about one part in `heard`; returns what it makes of the message, None where nothing.

    Fed to the message's own climb, any order and repetition ends in the same state: each answer only grows with what
    was heard, and a failed part fails the message until all parts are delivered after all.
    """
    heard[part] = climb(heard.get(part, Status.QUEUED), status)
    return Status.FAILED if status is Status.FAILED else fold_parts(heard.values(), parts)


def fold_parts(statuses: Iterable[Status], parts: int) -> Status | None:
    """A message of several parts: delivered when all are, failed when one is, else as far as the least of them.

    `statuses`: one for each part that was heard of. None where nothing can be said yet.
    """
    taken = [status for status in statuses if RANK[status] >= RANK[Status.ACCEPTED]]
    if not taken:
        return None
    if Status.FAILED in taken:
        return Status.FAILED
    return min(taken, key=RANK.__getitem__) if len(taken) >= parts else Status.ACCEPTED
