"""Appends messages as JSON lines to a folder, for a gateway of one's own to pick up.

Each process writes a file of its own, `<folder>/messages-<pid>-<token>.jsonl`, readable by its owner only. A batch is
on the disk (fsync) before it counts as handed over; where the disk is full the file is cut back to where it began.
Read the files while nothing is being sent, or move them away first: the next batch then begins a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import secrets
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from dispatcher.spi import (
    Accepted,
    Ambiguous,
    Capabilities,
    Channel,
    ChannelConfig,
    Check,
    HttpClient,
    Misconfigured,
    NotSent,
    OutboundMessage,
    Outcome,
)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FiledropConfig(ChannelConfig):
    folder: Path
    media: Literal["sms", "whatsapp"] = "sms"


class FiledropChannel(Channel[FiledropConfig]):
    name = "filedrop"
    capabilities = Capabilities(media="sms", templates=True, batch_size=500, concurrency=1)
    Config = FiledropConfig

    def __init__(self, config: FiledropConfig, http: HttpClient) -> None:
        super().__init__(config, http)
        self.capabilities = replace(type(self).capabilities, media=config.media)
        self._file = DropFile(config.folder)

    @property
    def identity(self) -> str:
        return f"filedrop ({self.config.media})"

    async def send(self, message: OutboundMessage) -> Outcome:
        return (await self.send_batch([message]))[0]

    async def send_batch(self, messages: Sequence[OutboundMessage]) -> Sequence[Outcome]:
        lines = b"".join(map(_line, messages))
        outcome = await asyncio.to_thread(self._file.append, lines)
        return [outcome] * len(messages)

    async def check(self) -> Sequence[Check]:
        problem = await asyncio.to_thread(_problem_with, self.config.folder)
        fix = "" if problem is None else "create the folder and let the worker's user write to it"
        return [Check("folder", problem is None, problem or "writable", fix)]

    async def close(self) -> None:
        await asyncio.to_thread(self._file.close)


class DropFile:
    """One process's file. `append` is all or nothing, also where the task that waits for it is cancelled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fd = -1
        self._path = folder
        self._turn = threading.Lock()

    def append(self, lines: bytes) -> Outcome:
        with self._turn:
            return self._append(lines)

    def close(self) -> None:
        with self._turn:
            self._close()

    def _append(self, lines: bytes) -> Outcome:
        try:
            self._open()
            start = os.fstat(self._fd).st_size
        except OSError as error:
            if error.errno in FULL:
                return NotSent(detail="the disk is full")
            return Misconfigured(detail=f"cannot write to the folder: {os.strerror(error.errno or 0)}")
        try:
            _write_whole(self._fd, lines)
            os.fsync(self._fd)
        except OSError as error:
            return self._take_back(start, error)
        return Accepted(final=True)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        """Anew where a reader moved or removed the file: lines written to it would be lost."""
        if self._fd >= 0 and _is_at(self._fd, self._path):
            return
        self._close()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = self._folder / f"messages-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _take_back(self, start: int, error: OSError) -> Outcome:
        """Only a full disk, and a file that is as it was before, prove that nothing was handed over."""
        what = os.strerror(error.errno or 0)
        try:
            os.ftruncate(self._fd, start)
        except OSError:
            with contextlib.suppress(OSError):
                self._close()
            return Ambiguous(detail=f"half a batch may stand in the file: {what}")
        return NotSent(detail=what) if error.errno in FULL else Ambiguous(detail=what)


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _write_whole(fd: int, lines: bytes) -> None:
    rest = memoryview(lines)
    while rest:
        written = os.write(fd, rest)
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rest = rest[written:]


def _line(message: OutboundMessage) -> bytes:
    template = message.template and {
        "id": message.template.id,
        "language": message.template.language,
        "parameters": dict(message.template.parameters),
    }
    record = {
        "ref": message.ref,
        "to": message.to,
        "text": message.text,
        "template": template,
        "segments": message.segments,
        "valid_for_s": message.valid_for_s,
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _problem_with(folder: Path) -> str | None:
    if not folder.is_dir():
        return "there is no such folder"
    return None if os.access(folder, os.W_OK | os.X_OK) else "the folder is not writable"
