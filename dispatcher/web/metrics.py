"""What the web counts. Labels are names of ours; never a number, a name or a text (invariant 12)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

REGISTRY = CollectorRegistry()
HOOKS = Counter("dispatcher_hooks_total", "Webhook calls by sender and answer", ["sender", "status"], registry=REGISTRY)
RECEIPTS = Counter(
    "dispatcher_receipts_total", "Receipts by channel and status", ["channel", "status"], registry=REGISTRY
)
UNMAPPED = Counter(
    "dispatcher_unmapped_words_total",
    "Words of providers that an adapter does not know",
    ["channel"],
    registry=REGISTRY,
)
