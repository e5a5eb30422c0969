"""The newcomer's channel: prints what would be sent, and sends nothing."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import replace
from typing import Final, Literal, TextIO

from dispatcher.spi import Accepted, Capabilities, Channel, ChannelConfig, HttpClient, NotSent, OutboundMessage, Outcome

CONTROLS: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What could move the cursor or turn the line around, save the line feed."""


class ConsoleConfig(ChannelConfig):
    media: Literal["sms", "whatsapp"] = "sms"
    show_numbers: bool = False
    stream: Literal["stdout", "stderr"] = "stdout"


class ConsoleChannel(Channel[ConsoleConfig]):
    """A printed message counts as delivered; a stream that was closed sends it back to the queue."""

    name = "console"
    capabilities = Capabilities(media="sms", templates=True)
    Config = ConsoleConfig

    def __init__(self, config: ConsoleConfig, http: HttpClient) -> None:
        super().__init__(config, http)
        self.capabilities = replace(type(self).capabilities, media=config.media)

    @property
    def identity(self) -> str:
        return f"console ({self.config.media})"

    async def send(self, message: OutboundMessage) -> Outcome:
        line = self._line(message)
        try:
            await asyncio.to_thread(_write, getattr(sys, self.config.stream), line)
        except (OSError, ValueError):
            return NotSent(detail="the console's stream is closed")
        return Accepted(final=True)

    def _line(self, message: OutboundMessage) -> str:
        to = message.to if self.config.show_numbers else mask(message.to)
        return f"[{self.config.media} {message.ref}] {to}: {_shown(message)}\n"


def mask(number: str) -> str:
    """`+6281234567890` → `+6281******890`: the country and the operator stay, the person does not."""
    if len(number) < 10:
        return "*" * len(number)
    return number[:5] + "*" * (len(number) - 8) + number[-3:]


def _shown(message: OutboundMessage) -> str:
    if message.template is not None:
        parameters = json.dumps(dict(message.template.parameters), ensure_ascii=False)
        text = f"<template {message.template.id} {message.template.language}> {parameters}"
    else:
        text = message.text or ""
    return CONTROLS.sub("", text).replace("\n", "\n    ")


def _write(stream: TextIO, line: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(line.encode(encoding, "replace").decode(encoding))
    stream.flush()
