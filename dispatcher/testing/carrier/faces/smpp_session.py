"""The SMS centre's side of one connection: whole PDUs in, answers and `deliver_sm` out."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Final, NamedTuple, cast

import smpp34

RESPONSE: Final = 0x80000000
SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 0x04, 0x05, 0x06, 0x15
BINDS: Final = frozenset({0x01, 0x02, 0x09})
OK, INVALID_COMMAND = 0x00, 0x03
RECEIPTED_MESSAGE_ID, MESSAGE_STATE = 0x001E, 0x0427
GSM, UCS2 = 0x00, 0x08

_HEADER = struct.Struct(">IIII")
_LONGEST = 70_000


class Said(NamedTuple):
    """A receipt, or what a person wrote; `origin` is the person's number."""

    origin: str
    to: str
    octets: bytes
    esm_class: int
    data_coding: int
    tlvs: tuple[smpp34.Tlv, ...] = ()


class SmppSession(asyncio.Protocol):
    """`take(session, command, status, sequence, whole)` gets what is not answered here; `gone(session)` its end."""

    def __init__(
        self,
        take: Callable[[SmppSession, int, int, int, bytes], None],
        gone: Callable[[SmppSession], None],
    ) -> None:
        self._take = take
        self._gone = gone
        self._rest = b""
        self._sequence = 0
        self._transport: asyncio.Transport

    def answer(self, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        self._write(_HEADER.pack(_HEADER.size + len(body), command | RESPONSE, status, sequence) + body)

    def refuse(self, status: int, sequence: int) -> None:
        """By generic_nack."""
        self.answer(RESPONSE, status, sequence)

    def deliver(self, said: Said) -> int:
        """The sequence number under which it will be confirmed."""
        self._sequence = self._sequence % 0x7FFFFFFF + 1
        pdu = smpp34.DeliverSm(
            said.origin.removeprefix("+"),
            said.to,
            said.octets,
            source_addr_ton=1,
            source_addr_npi=1,
            esm_class=said.esm_class,
            data_coding=said.data_coding,
            tlvs=list(said.tlvs),
            sequence_number=self._sequence,
        )
        self._write(pdu.encode())
        return self._sequence

    def reset(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone(self)

    def data_received(self, data: bytes) -> None:
        data, start = self._rest + data, 0
        while len(data) - start >= _HEADER.size and not self._transport.is_closing():
            length, command, status, sequence = _HEADER.unpack_from(data, start)
            if not _HEADER.size <= length <= _LONGEST:
                self.reset()
                return
            if len(data) - start < length:
                break
            self._read(command, status, sequence, data[start : start + length])
            start += length
        self._rest = data[start:]

    def _read(self, command: int, status: int, sequence: int, whole: bytes) -> None:
        if command == ENQUIRE_LINK:
            self.answer(command, OK, sequence)
        elif command == UNBIND:
            self.answer(command, OK, sequence)
            self._transport.close()
        else:
            self._take(self, command, status, sequence, whole)

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)
