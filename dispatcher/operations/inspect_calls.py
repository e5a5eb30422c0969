"""What providers called with about a message: kept sealed as it came, shown redacted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dispatcher.core.errors import UsageError
from dispatcher.delivery import wirelog
from dispatcher.delivery.redact import Redaction, Redactor
from dispatcher.operations.context import Context
from dispatcher.receipts.fold import make_ref
from dispatcher.render.content import decode
from dispatcher.spi import OutboundMessage, Private

MARK = "m"
"""The key under which our own address carries the reference and its MAC."""


def shown_call(context: Context, message: Any, receipt: Any) -> dict[str, Any] | None:
    """None where it came together with another one, which shows it, or its person was erased."""
    if receipt.raw_sealed is None or message.address_sealed is None or message.body_sealed is None:
        return None
    sealer = context.keys.sealer
    content = decode(sealer.open("messages.body", message.id, message.body_sealed))
    sent = OutboundMessage(
        ref=make_ref(message.id, receipt.attempt or message.attempt),
        to=sealer.open("messages.address", message.id, message.address_sealed),
        text=content.text,
        template=content.template,
    )
    redaction = Redaction(Redactor(_private(context, receipt.channel or ""), _secrets(context)), sent)
    return wirelog.call(sealer.open("receipts.raw", receipt.id, receipt.raw_sealed), redaction)


def _private(context: Context, channel: str) -> Private:
    """Of the class: to look at a message needs no credentials. What is found by itself is redacted in any case."""
    try:
        declared = context.channels.get(channel).private
    except UsageError:
        declared = Private()
    private = declared if isinstance(declared, Private) else Private()
    return replace(private, secrets=(*private.secrets, MARK))


def _secrets(context: Context) -> frozenset[str]:
    """Of all senders, as far as they can be read here: providers quote."""
    senders = context.settings.senders.values()
    return frozenset().union(*(context.environment.filled_in(sender.options) for sender in senders))
