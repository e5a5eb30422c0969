"""The installation's secrets and what is derived of them.

`DISPATCHER_SECRET_KEY` seals personal fields and signs our own links and hook references. The suppression key is its
own: it hashes numbers, is made on the first run and is never rotated, because a refusal must outlive everything else
(invariant 14).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher.core.errors import UsageError

if TYPE_CHECKING:
    from dispatcher.store.sealed import Sealer

HASH_BYTES = 16
_MAC_CHARACTERS = 16
_SHA256_BLOCK = 64


class Keys:
    """All keyed operations of one installation."""

    def __init__(self, suppression_key: bytes, secret_key: bytes) -> None:
        self._suppression_key = suppression_key
        self._secret_key = secret_key
        self._inner, self._outer = _padded(suppression_key, 0x36, b"address:"), _padded(suppression_key, 0x5C)
        self._identity = hashlib.blake2b(key=suppression_key, digest_size=HASH_BYTES, person=b"identity")

    def __reduce__(self) -> tuple[type[Keys], tuple[bytes, bytes]]:
        """For child processes of ours, through a pipe and never anywhere else."""
        return Keys, (self._suppression_key, self._secret_key)

    def _derive(self, purpose: bytes) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(SHA256(), 32, salt=None, info=b"dispatcher:" + purpose).derive(self._secret_key)

    @cached_property
    def sealer(self) -> Sealer:
        """Derived when it is used, as the next two: many commands open nothing, and need no cryptography."""
        from dispatcher.store.sealed import Sealer

        return Sealer({1: self._derive(b"seal")})

    @cached_property
    def _mac_key(self) -> bytes:
        return self._derive(b"mac")

    @cached_property
    def _link(self) -> hashlib.blake2b:
        return hashlib.blake2b(key=self._derive(b"link"), digest_size=HASH_BYTES, person=b"link")

    def hash_address(self, e164: str) -> bytes:
        """By which a number is looked up and suppressed: 16 bytes of HMAC-SHA256 under the suppression key."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(e164.encode())
        outer.update(inner.digest())
        return outer.digest()[:HASH_BYTES]

    def hash_identity(self, identity: str) -> bytes:
        """By which a person or a row of a file is known again: keyed BLAKE2b (RFC 7693), cheaper than HMAC."""
        digest = self._identity.copy()
        digest.update(identity.encode())
        return digest.digest()

    def hash_link(self, token: str) -> bytes:
        """By which the token of a link is looked up: whoever reads the table can neither follow nor make one."""
        digest = self._link.copy()
        digest.update(token.encode())
        return digest.digest()

    def mac(self, purpose: str, value: str) -> str:
        """A short, URL-safe authenticator for references that leave the house."""
        digest = hmac.digest(self._mac_key, f"{purpose}:{value}".encode(), "sha256")
        return digest.hex()[:_MAC_CHARACTERS]

    def mac_matches(self, purpose: str, value: str, mac: str) -> bool:
        return hmac.compare_digest(self.mac(purpose, value), mac)

    @property
    def suppression_print(self) -> str:
        """Tells keys apart without revealing them."""
        return hashlib.sha256(b"print:" + self._suppression_key).hexdigest()[:16]

    @property
    def secret_print(self) -> str:
        return hashlib.sha256(b"print:" + self._secret_key).hexdigest()[:16]


def _padded(key: bytes, pad: int, start: bytes = b"") -> hashlib._Hash:
    """Half of HMAC (RFC 2104), its key taken in once: the module of that name costs twice as much a number."""
    return hashlib.sha256(bytes(byte ^ pad for byte in key.ljust(_SHA256_BLOCK, b"\0")) + start)


def read_or_make(path: Path) -> str:
    """The secret in a 0600 file, made on the first run. Two processes that race agree on one."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(path)
        return path.read_text().strip()
    except OSError as error:
        raise _unusable(path, error) from None


def _make(path: Path) -> None:
    """Whole or not at all; the loser of a race keeps the winner's key."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _unusable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        "state-dir",
        f"the state folder {path.parent} cannot be used ({error.strerror})",
        "Free space there, or set DISPATCHER_STATE_DIR to a folder that this user can write.",
    )


def load_keys(secret: str | None, suppression: str | None, state_dir: Path) -> Keys:
    """`secret` and `suppression` come from the environment; what is missing lives in the state folder."""
    secret = secret or read_or_make(state_dir / "secret.key")
    suppression = suppression or read_or_make(state_dir / "suppression.key")
    return Keys(_bytes_of(suppression, "DISPATCHER_SUPPRESSION_KEY"), _bytes_of(secret, "DISPATCHER_SECRET_KEY"))


def _bytes_of(secret: str, name: str) -> bytes:
    if len(secret) < 32:
        raise UsageError("weak-key", f"{name} is shorter than 32 characters", "Make one: openssl rand -hex 32")
    return hashlib.sha256(secret.encode()).digest()
