"""References and parts: which attempt a receipt speaks of, and what several parts amount to."""

from __future__ import annotations


def make_ref(message_id: int, attempt: int) -> str:
    """`<message>.<attempt>`: unique for ever, free of personal data."""
    return f"{message_id}.{attempt}"
