"""To which words somebody answered: the version of the text, and a hash of the very words that reached them."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from sqlalchemy import Connection

from dispatcher.campaign.fingerprint import short
from dispatcher.render.content import decode
from dispatcher.store.keys import Keys
from dispatcher.store.pledges import read_words


class Words(NamedTuple):
    """`text_version`: fingerprint, step and hop. `text_hash`: SHA-256, "" where the text is gone."""

    text_version: str
    text_hash: str


def words_of(connection: Connection, keys: Keys, message_id: int) -> Words:
    """Of a template, the hash is of what is stored of it."""
    row = read_words(connection, message_id)
    version = f"{short(row.fingerprint)}/{row.name}/{row.hop}"
    if row.body_sealed is None:
        return Words(version, "")
    body = keys.sealer.open("messages.body", message_id, row.body_sealed)
    return Words(version, hashlib.sha256((decode(body).text or body).encode()).hexdigest())
