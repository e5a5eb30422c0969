"""One spelling for message ids, where answers and receipts use two."""

from __future__ import annotations

from typing import Literal

Notation = Literal["as-is", "hex", "decimal"]
_BASES = {"hex": (10, 16), "decimal": (16, 10)}


def of_answer(identifier: str, receipts: Notation) -> str:
    """As the answer to a submit spells it → the spelling that is kept."""
    return identifier if receipts == "as-is" else _decimal(identifier, _BASES[receipts][0])


def of_receipt(identifier: str, receipts: Notation) -> str:
    return identifier if receipts == "as-is" else _decimal(identifier, _BASES[receipts][1])


def _decimal(identifier: str, base: int) -> str:
    """Leading zeros and case go with it; an id that is no such number stays as it is."""
    if not (identifier.isascii() and identifier.isalnum()):
        return identifier
    try:
        return str(int(identifier, base))
    except ValueError:
        return identifier
