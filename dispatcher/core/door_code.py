"""Codes for the door: 40 bits as eight signs that people can read out (Crockford's Base32), shown `7K3M-Q2XD`.

In a QR code they stand as `D:7K3MQ2XD`, so that a scanner tells them from everything else.
"""

from __future__ import annotations

import re
from typing import Final

BITS: Final = 40
_SIGNS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = BITS // 5
_VALUES: Final = {sign: value for value, sign in enumerate(_SIGNS)} | {"O": 0, "I": 1, "L": 1}
_FILLING: Final = re.compile(r"[\s\-‐‑–—_.]+")
_LONGEST: Final = 64


def spell(number: int) -> str:
    signs = "".join(_SIGNS[number >> shift & 31] for shift in range(BITS - 5, -1, -5))
    return f"{signs[: _LENGTH // 2]}-{signs[_LENGTH // 2 :]}"


def read(text: str) -> int | None:
    """As scanned or as typed: capitals, spaces and dashes do not count, O is 0, I and L are 1. None: no such code."""
    if len(text) > _LONGEST:
        return None
    signs = _FILLING.sub("", text).upper().removeprefix("D:")
    if len(signs) != _LENGTH or any(sign not in _VALUES for sign in signs):
        return None
    number = 0
    for sign in signs:
        number = number << 5 | _VALUES[sign]
    return number
