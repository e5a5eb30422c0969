"""Submit a message: its PDUs, one per part, and what the answers mean together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple
from zlib import crc32

import smpp34

from dispatcher.spi import (
    Accepted,
    Ambiguous,
    Misconfigured,
    NotSent,
    OutboundMessage,
    Outcome,
    Reason,
    Rejected,
    Throttled,
    gsm_octets,
    measure,
    split,
)
from dispatcher_channels.smpp import ids
from dispatcher_channels.smpp.config import SmppConfig
from dispatcher_channels.smpp.pdu import GENERIC_NACK, MESSAGE_PAYLOAD, RESPONSE, SUBMIT_SM, Pdu
from dispatcher_channels.smpp.words import ERRORS, code_of

GSM: Final = 0x00
UCS2: Final = 0x08
UDHI: Final = 0x40
RECEIPT_WANTED: Final = 1
LONGEST_VALIDITY_S: Final = 63 * 86_400
"""What an SMS centre can hold at all (3GPP TS 23.040, validity period)."""


class Part(NamedTuple):
    """What goes into one submit_sm."""

    octets: bytes
    data_coding: int
    esm_class: int = 0
    in_payload: bool = False


Encoder = Callable[[int], bytes]


def parts_of(message: OutboundMessage, concatenation: str) -> list[Part]:
    """By a user data header, each part within one SMS; or whole, in `message_payload`, for the SMS centre to part."""
    text = message.text or ""
    texts = split(text)
    is_gsm = measure(text).encoding == "gsm7"
    encode, coding = (gsm_octets, GSM) if is_gsm else (_ucs2, UCS2)
    if len(texts) <= 1:
        return [Part(encode(text), coding)]
    if concatenation == "payload":
        return [Part(encode(text), coding, in_payload=True)]
    reference = crc32(message.ref.encode()) & 0xFF
    return [
        Part(bytes((5, 0, 3, reference, len(texts), i)) + encode(one), coding, UDHI) for i, one in enumerate(texts, 1)
    ]


def encoders(message: OutboundMessage, config: SmppConfig) -> Iterator[Encoder]:
    """One for each PDU; it takes the sequence number."""
    source, ton, npi = config.source
    fixed = partial(
        smpp34.SubmitSm,
        source,
        message.to.removeprefix("+"),
        source_addr_ton=ton,
        source_addr_npi=npi,
        dest_addr_ton=config.to_ton,
        dest_addr_npi=config.to_npi,
        registered_delivery=RECEIPT_WANTED,
        validity_period=validity(message.valid_for_s),
    )
    for part in parts_of(message, config.concatenation):
        yield partial(_encoded, fixed, part)


def validity(seconds: int | None) -> str:
    """Relative, as YYMMDDhhmmss000R (SMPP 3.4, 7.1.1): "" leaves it to the SMS centre."""
    if seconds is None:
        return ""
    minutes, second = divmod(min(max(seconds, 1), LONGEST_VALIDITY_S), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    months, day = divmod(days, 30)
    return f"00{months:02}{day:02}{hour:02}{minute:02}{second:02}000R"


def refusal(answer: Pdu) -> Outcome | None:
    """None: it was taken. A generic_nack refuses too; anything else that is no answer to a submit tells nothing."""
    if answer.command not in (SUBMIT_SM | RESPONSE, GENERIC_NACK):
        return Ambiguous(detail="an answer that is not one to a submit")
    if answer.status == 0:
        return None if answer.command != GENERIC_NACK else Ambiguous(detail="a refusal without a reason")
    code = code_of(answer.status)
    known = ERRORS.outcome(code)
    return known or Rejected(Reason.PROVIDER, code, "refused with a status that is not in errors.toml")


def after_others(outcome: Outcome) -> Outcome:
    """Of a part whose message is partly taken already: whatever would send it all again is not known to be unsent."""
    if isinstance(outcome, NotSent | Throttled | Misconfigured):
        return Ambiguous(outcome.code, "some parts were taken, and others were not")
    return outcome


def accepted(answers: list[Pdu], message: OutboundMessage, config: SmppConfig) -> Accepted:
    named = [ids.of_answer(answer.text, config.receipt_ids) for answer in answers]
    return Accepted(tuple(filter(None, named)), max(len(answers), measure(message.text or "").segments))


def _encoded(make: Callable[..., smpp34.SubmitSm], part: Part, sequence: int) -> bytes:
    pdu = make(
        b"" if part.in_payload else part.octets,
        esm_class=part.esm_class,
        data_coding=part.data_coding,
        tlvs=[smpp34.Tlv(MESSAGE_PAYLOAD, part.octets)] if part.in_payload else [],
        sequence_number=sequence,
    )
    return pdu.encode()


def _ucs2(text: str) -> bytes:
    return text.encode("utf-16-be", "replace")
