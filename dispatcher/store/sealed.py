"""Personal fields at rest: AES-256-GCM-SIV, bound to their row and column.

A stored value is one byte of format, two of key number, twelve of nonce, then the ciphertext. The associated data is
`column:row id`, so that a value copied to another row or column does not open. GCM-SIV (RFC 8452) tolerates a repeated
nonce, which random 96-bit nonces over many millions of rows make worth having.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from dispatcher.core.errors import DispatcherError

_FORMAT = b"\x01"
_HEADER = 3
_NONCE = 12
_SEALED = _HEADER + _NONCE


class SealBrokenError(DispatcherError):
    """A stored value does not open: it was altered, moved, or sealed by another key."""

    def __init__(self, column: str) -> None:
        super().__init__(
            "seal-broken",
            f"a stored value of {column} does not open with the keys of this installation",
            "Check DISPATCHER_SECRET_KEY; older keys belong in the key file (dispatcher keys).",
        )


class Sealer:
    """Seals with the newest key, opens with any. `keys`: number → 32 bytes; the highest number is the newest."""

    def __init__(self, keys: dict[int, bytes]) -> None:
        self._ciphers = {_FORMAT + number.to_bytes(2, "big"): AESGCMSIV(key) for number, key in keys.items()}
        self._header = max(self._ciphers)
        self._newest = self._ciphers[self._header]

    def seal(self, column: str, row_id: int, value: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return self._header + nonce + self._newest.encrypt(nonce, value.encode(), f"{column}:{row_id}".encode())

    def seal_all(self, column: str, row_ids: Iterable[int], values: Sequence[str]) -> list[bytes | None]:
        """The same for many rows; None for an empty value."""
        nonces = os.urandom(_NONCE * len(values))
        starts = range(0, len(nonces), _NONCE)
        header, encrypt, bound = self._header, self._newest.encrypt, column.encode() + b":%d"
        return [
            header + (nonce := nonces[at : at + _NONCE]) + encrypt(nonce, value.encode(), bound % row_id)
            if value
            else None
            for at, row_id, value in zip(starts, row_ids, values, strict=True)
        ]

    def open(self, column: str, row_id: int, stored: bytes) -> str:
        """Raises SealBrokenError."""
        cipher = self._ciphers.get(stored[:_HEADER])
        if cipher is None:
            raise SealBrokenError(column)
        try:
            plain = cipher.decrypt(stored[_HEADER:_SEALED], stored[_SEALED:], f"{column}:{row_id}".encode())
            return plain.decode()
        except (InvalidTag, ValueError):  # also one that was cut short
            raise SealBrokenError(column) from None
