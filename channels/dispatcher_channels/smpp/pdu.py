"""PDUs that need no library: the header, the bind, empty ones; and cutting a stream into whole PDUs."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

HEADER: Final = struct.Struct(">IIII")
LONGEST: Final = 70_000
"""The longest body, a `message_payload` of 64 KiB, and some room."""

RESPONSE: Final = 0x80000000
GENERIC_NACK: Final = 0x80000000
SUBMIT_SM: Final = 0x00000004
DELIVER_SM: Final = 0x00000005
UNBIND: Final = 0x00000006
BIND_TRANSCEIVER: Final = 0x00000009
ENQUIRE_LINK: Final = 0x00000015

OK: Final = 0x00
INVALID_COMMAND: Final = 0x03
INVALID_LENGTH: Final = 0x02
TEMPORARY: Final = 0x64
"""ESME_RX_T_APPN: the receiver could not take it now; the SMS centre repeats it."""

RECEIPTED_MESSAGE_ID: Final = 0x001E
MESSAGE_PAYLOAD: Final = 0x0424
MESSAGE_STATE: Final = 0x0427
"""Tags of optional parameters (SMPP 3.4, 5.3.2)."""

_VERSION = 0x34


class Pdu(NamedTuple):
    """`whole`: with its header. `status` means something in responses only."""

    command: int
    status: int
    sequence: int
    whole: bytes

    @property
    def text(self) -> str:
        """The C string that the body begins with: a message id, or the SMS centre's name."""
        return self.whole[HEADER.size :].partition(b"\0")[0].decode("latin-1")


class BrokenStreamError(Exception):
    """What came is no PDU, and where the next one begins cannot be told."""


class Stream:
    """Cuts what arrives into PDUs."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Pdu]:
        """BrokenStreamError after the last PDU that could be read."""
        data = self._rest + data if self._rest else data
        start, end = 0, len(data)
        while end - start >= HEADER.size:
            length, command, status, sequence = HEADER.unpack_from(data, start)
            if not HEADER.size <= length <= LONGEST:
                raise BrokenStreamError
            if end - start < length:
                break
            yield Pdu(command, status, sequence, data[start : start + length])
            start += length
        self._rest = data[start:]


def pdu(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return HEADER.pack(HEADER.size + len(body), command, status, sequence) + body


def bind_transceiver(sequence: int, system_id: str, password: str, system_type: str) -> bytes:
    """SMPP 3.4, 4.1.5; the address range is left to the SMS centre."""
    strings = b"".join(value.encode("ascii") + b"\0" for value in (system_id, password, system_type))
    return pdu(BIND_TRANSCEIVER, OK, sequence, strings + bytes((_VERSION, 0, 0)) + b"\0")
