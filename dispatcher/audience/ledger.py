"""The arithmetic of the consent ledger: a salted commitment for each event, a running digest for each sheet.

A sheet is an import, or a day for what was said otherwise. Its digest covers the commitments in their order; it shows
that no event was put in, taken out or altered. An event whose personal fields and salt were erased keeps its
commitment, from which nothing can be guessed without the salt, so the digest still verifies.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from json import dumps
from typing import Final, NamedTuple

from dispatcher.core.clock import DAY_US

SALT_BYTES: Final = 16
_FORMAT: Final = b"dispatcher consent event 1\n"
EMPTY: Final = hashlib.sha256(b"dispatcher consent sheet 1\n").digest()
"""The digest of a sheet without events."""


class Word(NamedTuple):
    """What somebody said of a purpose on a medium ("*": all), how we know, and since when."""

    id: int
    contact_id: int
    purpose: str
    media: str
    granted: bool
    basis: str
    evidence: str
    source: str
    via: str
    import_id: int | None
    at_us: int


def sheet_of(import_id: int | None, at_us: int) -> int:
    """The import, or the number of the day (UTC) since 1970: ids are far above those."""
    return at_us // DAY_US if import_id is None else import_id


def salts(count: int) -> list[bytes]:
    """Fresh ones."""
    together = os.urandom(SALT_BYTES * count)
    return [together[at : at + SALT_BYTES] for at in range(0, len(together), SALT_BYTES)]


def commitment(word: Word, salt: bytes) -> bytes:
    """32 bytes that fit this word and this salt only."""
    return commitments((word,), (salt,))[0]


def commitments(words: Iterable[Word], salts: Iterable[bytes]) -> list[bytes]:
    """One for each. Words that say the same of many people, as those of an import, are written out once."""
    made: list[bytes] = []
    said: tuple[object, ...] = ()
    tail = b""
    for word, salt in zip(words, salts, strict=True):
        if word[2:] != said:
            said = word[2:]
            rest = [*word[2:4], bool(word.granted), *word[5:]]
            tail = dumps(rest, ensure_ascii=False, separators=(",", ":"))[1:].encode()
        body = b"%b%b[%d,%d,%b" % (_FORMAT, salt, word.id, word.contact_id, tail)
        made.append(hashlib.sha256(body).digest())
    return made


def extend(digest: bytes, commitments: Iterable[bytes]) -> bytes:
    """The digest of a sheet after these."""
    for one in commitments:
        digest = hashlib.sha256(digest + one).digest()
    return digest


class Sheet(NamedTuple):
    """A sheet as it should be."""

    id: int
    events: int
    digest: bytes


class Event(NamedTuple):
    """As stored. `is_erased`: its person was erased, so that it need not fit its commitment."""

    word: Word
    seq: int
    salt: bytes | None
    commitment: bytes
    is_erased: bool


def first_fault(sheet: Sheet, events: Iterable[Event]) -> str:
    """What does not fit, in words that name the event's id; "" where everything does. `events`: in their order."""
    digest, count = EMPTY, 0
    for event in events:
        if event.seq != count:
            return f"an event is missing or was put in before event {event.word.id}"
        if event.salt is None:
            if not event.is_erased:
                return f"event {event.word.id} lost its salt, though nobody was erased"
        elif commitment(event.word, event.salt) != event.commitment:
            return f"event {event.word.id} was altered"
        digest, count = extend(digest, (event.commitment,)), count + 1
    if count != sheet.events:
        return f"it has {count} event(s) and should have {sheet.events}"
    return "" if digest == sheet.digest else "its events are not those that its digest was taken of"
