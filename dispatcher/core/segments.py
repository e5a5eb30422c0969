"""How a text travels as SMS: its encoding, its length in units, and its parts (GSM 03.38, 3GPP TS 23.038 and 23.040).

160 septets alone or 153 a part; with any character outside the GSM alphabet UCS-2: 70 code units alone or 67 a part.
We bill by the *surrogate-pair rule*: a part ends early only to keep an escape sequence or a surrogate pair whole. That
is what carriers and the standard require. Twilio's own calculator also keeps whole graphemes (an emoji with its skin
tone) in one part and now and then counts one part more; the plan's count is then a
floor, and the receipt's count decides.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal, NamedTuple

GSM_ALONE, GSM_PART = 160, 153
UCS2_ALONE, UCS2_PART = 70, 67

BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = "\f^{}\\[~]|€"  # two septets each: escape and character

_GSM_ESCAPE: Final = 0x1B
_OCTET_OF: Final = {ord(character): chr(i + (i >= _GSM_ESCAPE)) for i, character in enumerate(BASIC)} | {
    ord(character): f"\x1b{octet}"
    for character, octet in zip(EXTENSION, "\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65", strict=True)
}
_CHARACTER_OF: Final = {octets: chr(character) for character, octets in _OCTET_OF.items()}

_OUTSIDE = re.compile(f"[^{re.escape(BASIC + EXTENSION)}]")
_EXTENDED = re.compile(f"[{re.escape(EXTENSION)}]")
_SEPTETS = re.compile("\x1b?.", re.DOTALL)
_ESCAPE = "\x1b"  # no character of the alphabet, so it can stand for the first half of a pair
#: Anything but the ASCII of one septet a character, which is all that most texts consist of.
_ASCII_SPECIAL = re.compile(r"[^\n\r !-Z_a-z]")

_GSM_FOR: Final = {
    **dict.fromkeys(map(ord, "‘’‚‛′´`ʼ"), "'"),
    **dict.fromkeys(map(ord, "“”„‟″«»"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—―−•·"), "-"),
    **dict.fromkeys(map(ord, "\t\u00a0\u1680\u202f\u205f\u3000"), " "),
    **dict.fromkeys(range(0x2000, 0x200B), " "),
    **dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"), ""),
    **dict.fromkeys(map(ord, "\u0085\u2028\u2029\v"), "\n"),
    ord("…"): "...",
    ord("×"): "x",
}  # fmt: skip


class Segments(NamedTuple):
    """`units` are septets (gsm7) or UTF-16 code units (ucs2); `segments` is 0 for an empty text.

    `forced_by` holds what forces UCS-2: each such character once, with the index of its first occurrence.
    """

    encoding: Literal["gsm7", "ucs2"]
    units: int
    segments: int
    forced_by: tuple[tuple[str, int], ...] = ()


def measure(text: str) -> Segments:
    if text.isascii() and _ASCII_SPECIAL.search(text) is None:
        return Segments("gsm7", len(text), _even_parts(len(text), GSM_ALONE, GSM_PART))
    if _OUTSIDE.search(text) is None:
        units = len(text) + len(_EXTENDED.findall(text))
        return Segments("gsm7", units, len(_gsm_parts(text)))
    units = len(text.encode("utf-16-be", "surrogatepass")) // 2
    even = units == len(text)  # no surrogate pairs
    segments = _even_parts(units, UCS2_ALONE, UCS2_PART) if even else len(_ucs2_parts(text))
    return Segments("ucs2", units, segments, _forced_by(text))


def split(text: str) -> list[str]:
    """The parts in order; joined they are the text again. Empty for an empty text."""
    return _ucs2_parts(text) if _OUTSIDE.search(text) else _gsm_parts(text)


def gsm_octets(text: str) -> bytes:
    """One septet an octet, unpacked, as SMPP carries the default alphabet; "?" for what is not in it."""
    return text.translate(_OCTET_OF).encode("ascii", "replace")


def gsm_text(octets: bytes) -> str:
    """The reverse; an escape that means nothing is a space, and an octet above 0x7F is U+FFFD (3GPP TS 23.038)."""
    return _SEPTETS.sub(lambda match: _CHARACTER_OF.get(match[0], _unknown(match[0])), octets.decode("latin-1"))


def _unknown(septets: str) -> str:
    return " " if septets.startswith(_ESCAPE) else "\ufffd"


def replacements(text: str) -> str:
    """The text with typographic characters in their GSM spelling; letters and emoji stay, whatever they cost."""
    if text.isascii() and _ASCII_SPECIAL.search(text) is None:
        return text
    return unicodedata.normalize("NFC", text).translate(_GSM_FOR)


def _forced_by(text: str) -> tuple[tuple[str, int], ...]:
    first: dict[str, int] = {}
    for match in _OUTSIDE.finditer(text):
        first.setdefault(match[0], match.start())
    return tuple(first.items())


def _even_parts(units: int, alone: int, part: int) -> int:
    if units <= alone:
        return 1 if units else 0
    return -(-units // part)


def _gsm_parts(text: str) -> list[str]:
    septets = _EXTENDED.sub(lambda match: _ESCAPE + match[0], text)
    if len(septets) <= GSM_ALONE:
        return [text] if text else []
    parts, start = [], 0
    while start < len(septets):
        end = start + GSM_PART
        if septets[end - 1 : end] == _ESCAPE:
            end -= 1
        parts.append(septets[start:end].replace(_ESCAPE, ""))
        start = end
    return parts


def _ucs2_parts(text: str) -> list[str]:
    octets = text.encode("utf-16-be", "surrogatepass")
    if len(octets) <= 2 * UCS2_ALONE:
        return [text] if text else []
    parts, start = [], 0
    while start < len(octets):
        end = start + 2 * UCS2_PART
        if end < len(octets) and 0xD8 <= octets[end - 2] <= 0xDB and 0xDC <= octets[end] <= 0xDF:
            end -= 2
        parts.append(octets[start:end].decode("utf-16-be", "surrogatepass"))
        start = end
    return parts
