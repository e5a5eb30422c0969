"""Which keys of what a channel says and hears are nobody's business: the wire log keeps their values only redacted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Private:
    """Names of headers, and of keys of the query, of a form and of JSON at any depth.

    Case, `-` and `_` do not matter, and a key covers all that is below it. Besides these, the engine knows common names
    of credentials (`authorization`, `cookie`, and whatever holds `token`, `secret`, `password` or `signature`).
    """

    numbers: tuple[str, ...] = ()
    """Kept masked: `+62812****789`."""

    texts: tuple[str, ...] = ()
    """Names and texts, whole or in part; kept as their length."""

    secrets: tuple[str, ...] = ()
    """Credentials, and addresses that hold one; nothing of them is kept."""
