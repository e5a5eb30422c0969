"""What people wrote, as the gateway passes it on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dispatcher.spi import HookAnswer, HookRequest
from dispatcher.spi import Inbound as Said
from dispatcher_channels.http_gateway import hooks
from dispatcher_channels.http_gateway.config import Inbound
from dispatcher_channels.http_gateway.paths import find, text_at

MAX_MESSAGES: Final = 1000
_MILLISECONDS_FROM: Final = 100_000_000_000


def parse(request: HookRequest, config: Inbound) -> HookAnswer | None:
    """None where the call is no reply; ValueError where it cannot be read."""
    body = hooks.read(request, config)
    items = [item for item in find(body, config.messages)[:MAX_MESSAGES] if _is_reply(item, config)]
    if not items:
        return None
    reply = config.reply.encode()
    return HookAnswer((), tuple(_said(item, config) for item in items), reply, "text/plain" if reply else "")


def _is_reply(item: Any, config: Inbound) -> bool:
    return bool(text_at(item, config.sender)) and bool(text_at(item, config.text))


def _said(item: Any, config: Inbound) -> Said:
    sender, text, at = (text_at(item, path) for path in (config.sender, config.text, config.at))
    return Said(text_at(item, config.id), sender, text, occurred_us=_instant_us(at))


def _instant_us(text: str) -> int | None:
    """None where it cannot be told."""
    if text.isascii() and text.isdecimal() and len(text) <= 13:
        number = int(text)
        return number * 1000 if number >= _MILLISECONDS_FROM else number * 1_000_000
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    if instant.tzinfo is None:
        return None
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
