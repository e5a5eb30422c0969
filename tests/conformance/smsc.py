"""An SMS centre on loopback that misbehaves on request, written from SMPP 3.4 and apart from the adapter's own PDUs.

    async with Smsc(reply(status=0x58)) as smsc: ...

A script serves one submit_sm; scripts take turns, the last one for ever.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import smpp34

HEADER: Final = struct.Struct(">IIII")
SUBMIT, DELIVER, UNBIND, BIND, ENQUIRE = 0x04, 0x05, 0x06, 0x09, 0x15
RESPONSE: Final = 0x80000000


def encode(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return HEADER.pack(16 + len(body), command, status, sequence) + body


def deliver_sm(text: bytes, *, esm_class: int = 4, sequence: int = 1, **more: Any) -> bytes:
    said = smpp34.DeliverSm("6281234567890", "62811", text, esm_class=esm_class, sequence_number=sequence, **more)
    return said.encode()


class Conversation:
    """One connection."""

    def __init__(self, smsc: Smsc, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.smsc, self.reader, self.writer = smsc, reader, writer

    async def read(self) -> tuple[int, int, int, bytes]:
        """Command, status, sequence, and all of it."""
        head = await self.reader.readexactly(16)
        length, command, status, sequence = HEADER.unpack(head)
        return command, status, sequence, head + await self.reader.readexactly(length - 16)

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def reset(self) -> None:
        self.writer.transport.abort()

    async def serve(self) -> None:
        smsc = self.smsc
        while True:
            command, status, sequence, whole = await self.read()
            if command & RESPONSE:
                smsc.answers.put_nowait((command, status, sequence))
            elif command == BIND:
                smsc.binds.append(whole)
                self.write(encode(BIND | RESPONSE, smsc.bind_status, sequence, b"centre\0"))
            elif command == ENQUIRE:
                smsc.enquiries += 1
                if smsc.answers_enquiries:
                    self.write(encode(ENQUIRE | RESPONSE, 0, sequence))
            elif command == UNBIND:
                smsc.unbinds += 1
                if smsc.answers_unbind:
                    self.write(encode(UNBIND | RESPONSE, 0, sequence))
            elif command == SUBMIT:
                said = smpp34.decode(whole)
                assert isinstance(said, smpp34.SubmitSm)
                smsc.submits.append(said)
                script = smsc.scripts.pop(0) if len(smsc.scripts) > 1 else smsc.scripts[0]
                await script(self, said)


Script = Callable[[Conversation, smpp34.SubmitSm], Awaitable[None]]


def reply(status: int = 0, message_id: str | None = None, *, command: int = SUBMIT | RESPONSE) -> Script:
    async def script(conversation: Conversation, said: smpp34.SubmitSm) -> None:
        name = f"id{len(conversation.smsc.submits)}" if message_id is None else message_id
        body = b"" if status else name.encode() + b"\0"
        conversation.write(encode(command, status, said.sequence_number, body))

    return script


async def hold(conversation: Conversation, said: smpp34.SubmitSm) -> None:
    """No answer until `release`."""
    conversation.smsc.held.append((conversation, said))


async def drop(conversation: Conversation, said: smpp34.SubmitSm) -> None:
    conversation.reset()


def say(data: bytes) -> Script:
    """Bytes of any kind in place of an answer."""

    async def script(conversation: Conversation, said: smpp34.SubmitSm) -> None:
        conversation.write(data)

    return script


def also(data: bytes, then: Script | None = None) -> Script:
    """An answer, and more bytes after it."""

    async def script(conversation: Conversation, said: smpp34.SubmitSm) -> None:
        await (then or reply())(conversation, said)
        conversation.write(data)

    return script


class Smsc:
    def __init__(self, *scripts: Script) -> None:
        self.scripts: list[Script] = list(scripts) or [reply()]
        self.submits: list[smpp34.SubmitSm] = []
        self.binds: list[bytes] = []
        self.held: list[tuple[Conversation, smpp34.SubmitSm]] = []
        self.answers: asyncio.Queue[tuple[int, int, int]] = asyncio.Queue()
        self.conversations: list[Conversation] = []
        self.enquiries = self.unbinds = self.bind_status = 0
        self.answers_enquiries = self.answers_unbind = True
        self.tls: ssl.SSLContext | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Smsc:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"smpp://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for conversation in self.conversations:
            conversation.reset()
        await asyncio.gather(*self._open, return_exceptions=True)

    @property
    def open(self) -> int:
        return len(self._open)

    def release(self, held: Sequence[tuple[Conversation, smpp34.SubmitSm]] | None = None) -> None:
        for conversation, said in held or self.held:
            name = b"late%d\0" % said.sequence_number
            conversation.write(encode(SUBMIT | RESPONSE, 0, said.sequence_number, name))
        self.held.clear()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.002)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        conversation = Conversation(self, reader, writer)
        self.conversations.append(conversation)
        try:
            await conversation.serve()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()
        finally:
            self._open.discard(task)
