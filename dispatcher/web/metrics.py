"""What the web counts. Labels are names of ours; never a number, a name or a text (invariant 12)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()
HOOKS = Counter("dispatcher_hooks_total", "Webhook calls by sender and answer", ["sender", "status"], registry=REGISTRY)
PAGES = Counter("dispatcher_pages_total", "Requests for recipients' pages by answer", ["status"], registry=REGISTRY)
RECEIPTS = Counter(
    "dispatcher_receipts_total", "Receipts by channel and status", ["channel", "status"], registry=REGISTRY
)
REPLIES = Counter("dispatcher_replies_total", "Messages from people by channel", ["channel"], registry=REGISTRY)
UNMAPPED = Counter(
    "dispatcher_unmapped_words_total",
    "Words of providers that an adapter does not know",
    ["channel"],
    registry=REGISTRY,
)
UNPARSED = Counter(
    "dispatcher_unparsed_hooks_total",
    "Verified calls that were kept, but not understood",
    ["channel"],
    registry=REGISTRY,
)
GROUPS = Histogram(
    "dispatcher_ingest_seconds",
    "Time that one transaction of webhook calls took",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
