"""What a channel can do. The engine and the conformance suite read it instead of guessing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dispatcher.core.media import Media

ReceiptMode = Literal["push", "poll", "session", "none"]
CostUnit = Literal["message", "segment"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Defaults are the cautious ones: an adapter claims only what its provider documents."""

    media: Media
    """Which contact points it serves."""

    receipts: ReceiptMode = "none"
    """`push`: over webhooks; `poll`: by `lookup`; `session`: over the connection that sends, see `Channel.attached`."""

    inbound: bool = False
    templates: bool = False
    """Sends provider-held templates by id with parameters."""

    template_query: bool = False
    """`template` can tell what the provider holds under an id."""

    free_text: bool = True
    """May send text of our own at any time (WhatsApp: only within 24 hours of the person's last message)."""

    max_characters: int = 1600
    cost_unit: CostUnit = "segment"
    batch_size: int = 1
    """How many messages one provider call may carry; 1: `send` is called per message, concurrently."""

    concurrency: int = 64
    """How many calls may be under way at once, per worker process."""

    timeout_s: float = 8.0
    """The longest that one `send` takes. Above 9 s the sender is refused: an attempt's lease would not cover it."""

    echoes_ref: bool = False
    """Every receipt carries our `ref`; otherwise receipts match by (sender, provider id) within 7 days."""

    signs_hooks: bool = False
    """The provider signs its webhooks; otherwise the engine adds a MAC to `m`."""

    lookup: bool = False
    """`lookup` can find what an ambiguous send became."""

    absence_is_proof: bool = False
    """A look-up that finds nothing after `settle_time_s` proves that the message was not sent."""

    settle_time_s: float = 120.0
    deduplicates: bool = False
    """The provider refuses a second send with the same `ref`."""

    synthetic_only: bool = False
    """A pretend carrier: the only kind that made-up contacts may be sent through."""
