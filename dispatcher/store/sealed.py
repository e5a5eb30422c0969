"""Personal fields at rest: AES-256-GCM-SIV, bound to their row and column.

A stored value is one byte of format, two of key number, twelve of nonce, then the ciphertext. The associated data is
`column:row id`, so that a value copied to another row or column does not open. GCM-SIV (RFC 8452) tolerates a repeated
nonce, which random 96-bit nonces over many millions of rows make worth having.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from dispatcher.core.errors import DispatcherError

_FORMAT = b"\x01"
_HEADER = 3
_NONCE = 12


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
        self._ciphers = {number: AESGCMSIV(key) for number, key in keys.items()}
        newest = max(keys)
        self._newest = self._ciphers[newest]
        self._header = _FORMAT + newest.to_bytes(2, "big")

    def seal(self, column: str, row_id: int, value: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return self._header + nonce + self._newest.encrypt(nonce, value.encode(), f"{column}:{row_id}".encode())

    def open(self, column: str, row_id: int, stored: bytes) -> str:
        """Raises SealBrokenError."""
        cipher = self._ciphers.get(int.from_bytes(stored[1:_HEADER], "big"))
        if cipher is None or stored[:1] != _FORMAT:
            raise SealBrokenError(column)
        nonce, sealed = stored[_HEADER : _HEADER + _NONCE], stored[_HEADER + _NONCE :]
        try:
            return cipher.decrypt(nonce, sealed, f"{column}:{row_id}".encode()).decode()
        except InvalidTag:
            raise SealBrokenError(column) from None
