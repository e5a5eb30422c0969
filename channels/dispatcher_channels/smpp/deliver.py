"""Read a `deliver_sm`: a receipt, by TLV or by text, or a message from a person."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Final
from zoneinfo import ZoneInfo

import smpp34

from dispatcher.spi import HookAnswer, Inbound, Reason, Receipt, Status, gsm_text
from dispatcher_channels.smpp import ids, pdu
from dispatcher_channels.smpp.config import SmppConfig
from dispatcher_channels.smpp.words import ERRORS, MESSAGE_STATE, SPELLINGS, STATES

RECEIPT: Final = 0x04
INTERMEDIATE: Final = 0x20
UDHI: Final = 0x40
_KIND: Final = 0x3C
_FIELD: Final = re.compile(
    r"\b(id|stat|err|done\s*date)\s*:\s*(?!(?:sub|dlvrd|submit|done|stat|err|text)\b[\sa-z]*:)(\S+)", re.IGNORECASE
)
_WORD: Final = re.compile(r"[A-Z0-9_]{1,20}")
_TEXT: Final = re.compile(r"\btext\s*:", re.IGNORECASE)
_FORMATS: Final = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S"}
_SAME_REPLY_S = 3600


def read(whole: bytes, config: SmppConfig) -> HookAnswer:
    """Never raises: what cannot be read is a diagnostic."""
    try:
        said = smpp34.decode(whole)
    except smpp34.SmppError:
        return HookAnswer(unmapped=("deliver_sm (unreadable)",))
    if not isinstance(said, smpp34.DeliverSm):
        return HookAnswer(unmapped=("deliver_sm (unreadable)",))
    tlvs = {tlv.tag: tlv.value for tlv in said.tlvs}
    if said.esm_class & _KIND in (RECEIPT, INTERMEDIATE) or pdu.RECEIPTED_MESSAGE_ID in tlvs:
        return _receipt(said, tlvs, config)
    return _inbound(said, tlvs, config)


def _receipt(said: smpp34.DeliverSm, tlvs: Mapping[int, bytes], config: SmppConfig) -> HookAnswer:
    """TLVs win over the text: their meaning is standard, the text's is a convention."""
    told = _fields(_octets(said, tlvs).decode("latin-1"))
    by_tlv = tlvs.get(pdu.RECEIPTED_MESSAGE_ID, b"").partition(b"\0")[0].decode("latin-1")
    identifier, word = by_tlv or told.get("id", ""), _state(tlvs) or told.get("stat", "").upper()
    word = SPELLINGS.get(word, word)
    status = STATES.get(word)
    if status is None or not identifier:
        return HookAnswer(unmapped=(_unmapped(word, identifier),))
    code, reason = "", None
    if status is Status.FAILED:
        error = told.get("err", "")
        code = f"{word} {error}" if error.strip("0") and _WORD.fullmatch(error.upper()) else word
        reason = ERRORS[word].reason if word in ERRORS else Reason.OTHER
    occurred_us = _instant_us(told.get("donedate", ""), config.receipt_zone)
    named = ids.of_receipt(identifier, config.receipt_ids)
    return HookAnswer((Receipt(status, "", named, reason, code, occurred_us),))


def _fields(text: str) -> dict[str, str]:
    """Up to `text:`, which quotes the message itself. Names in lower case without spaces, the first of each."""
    head = _TEXT.split(text, maxsplit=1)[0]
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(head):
        fields.setdefault("".join(name.lower().split()), value)
    return fields


def _state(tlvs: Mapping[int, bytes]) -> str:
    number = int.from_bytes(tlvs.get(pdu.MESSAGE_STATE, b"\xff"), "big")
    return MESSAGE_STATE[number] if number < len(MESSAGE_STATE) else ""


def _instant_us(date: str, zone: str) -> int | None:
    """Of 10 or 12 digits; None where it is none, or where nobody said which zone it is in."""
    pattern = _FORMATS.get(len(date)) if date.isascii() and date.isdecimal() else None
    if not zone or pattern is None:
        return None
    try:
        instant = datetime.strptime(date, pattern).replace(tzinfo=_zone(zone))
    except ValueError:
        return None
    return int(instant.astimezone(UTC).timestamp()) * 1_000_000


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _inbound(said: smpp34.DeliverSm, tlvs: Mapping[int, bytes], config: SmppConfig) -> HookAnswer:
    """A long message of a person comes in parts, and each counts as one."""
    octets = _octets(said, tlvs)
    if said.esm_class & UDHI and octets:
        octets = octets[octets[0] + 1 :]
    text = _text(octets, said.data_coding)
    if text is None:
        return HookAnswer(unmapped=(f"data_coding {said.data_coding}",))
    sender = _e164(said.source_addr, said.source_addr_ton, config.country_code)
    return HookAnswer(inbound=(Inbound(_name(said, octets), sender, text),))


def _octets(said: smpp34.DeliverSm, tlvs: Mapping[int, bytes]) -> bytes:
    return said.short_message or tlvs.get(pdu.MESSAGE_PAYLOAD, b"")


def _text(octets: bytes, coding: int) -> str | None:
    """SMPP 3.4, 5.2.19; None for what is no text."""
    if coding in (0x00, 0xF1):
        return gsm_text(octets)
    if coding in (0x01, 0x03):
        return octets.decode("latin-1")
    return octets.decode("utf-16-be", "replace") if coding == 0x08 else None


def _e164(address: str, ton: int, country_code: str) -> str:
    digits = address.removeprefix("+")
    if ton != 1 and digits.startswith("0"):
        return f"+{country_code}{digits[1:]}"
    return f"+{digits}"


def _name(said: smpp34.DeliverSm, octets: bytes) -> str:
    """SMPP names no message from a person: the same words of the same person within the hour are a repetition."""
    hour = int(time.time()) // _SAME_REPLY_S
    key = b"\0".join((said.source_addr.encode(), said.destination_addr.encode(), b"%d" % hour, octets))
    return blake2b(key, digest_size=16).hexdigest()


def _unmapped(word: str, identifier: str) -> str:
    """Diagnostics are logged: only what looks like a word passes."""
    if not identifier:
        return "receipt without an id"
    return f"stat {word}" if _WORD.fullmatch(word) and not word.isdecimal() else "stat (unreadable)"
