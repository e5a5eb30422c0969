"""Every table, with the keys that hold the invariants of DESIGN 3.

Instants are microseconds since 1970 UTC (`…_us`). `…_sealed` columns are encrypted and bound to their row (sealed.py);
`…_hash` columns are keyed hashes (keys.py). Ids come from `id_source`, before the insert.
"""

from dispatcher.store.tables.base import Big, Document, complete, metadata
from dispatcher.store.tables.campaigns import campaigns, cells, plans, senders, session_people, sessions, steps
from dispatcher.store.tables.doors import door_codes, doors, guests
from dispatcher.store.tables.events import answer_events, answers, inbound, journal, receipts
from dispatcher.store.tables.installation import id_source, installation, leases, restores
from dispatcher.store.tables.links import links
from dispatcher.store.tables.messages import (
    attempts,
    breaker_marks,
    exchanges,
    messages,
    provider_refs,
    recent_people,
    skipped,
    stops,
    tallies,
)
from dispatcher.store.tables.people import (
    attribute_types,
    consent_events,
    consent_sheets,
    consents,
    contact_points,
    contacts,
    imports,
    memberships,
    suppressions,
)

__all__ = [
    "Big",
    "Document",
    "answer_events",
    "answers",
    "attempts",
    "attribute_types",
    "breaker_marks",
    "campaigns",
    "cells",
    "complete",
    "consent_events",
    "consent_sheets",
    "consents",
    "contact_points",
    "contacts",
    "door_codes",
    "doors",
    "exchanges",
    "guests",
    "id_source",
    "imports",
    "inbound",
    "installation",
    "journal",
    "leases",
    "links",
    "memberships",
    "messages",
    "metadata",
    "plans",
    "provider_refs",
    "receipts",
    "recent_people",
    "restores",
    "senders",
    "session_people",
    "sessions",
    "skipped",
    "steps",
    "stops",
    "suppressions",
    "tallies",
]
