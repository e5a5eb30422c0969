from __future__ import annotations

import hashlib
import hmac

from tests.integration.contacts.conftest import KEYS


def test_numbers_are_hashed_by_hmac_under_the_suppression_key() -> None:
    """Invariant 14: a refusal is found by this hash for good."""
    number = "+6281234567890"
    expected = hmac.new(b"s" * 32, b"address:" + number.encode(), hashlib.sha256).digest()[:16]
    assert KEYS.hash_address(number) == KEYS.hash_address(number) == expected


def test_identities_are_hashed_by_keyed_blake2b() -> None:
    expected = hashlib.blake2b(b"id:7", key=b"s" * 32, digest_size=16, person=b"identity").digest()
    assert KEYS.hash_identity("id:7") == KEYS.hash_identity("id:7") == expected
