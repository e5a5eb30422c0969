"""Messages: the queue of record (invariants 1 to 6), and the counters kept beside it (invariant 11)."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from dispatcher.core.status import Status
from dispatcher.store.tables.base import (
    Big,
    Document,
    State,
    count_column,
    flag_column,
    id_column,
    metadata,
    options,
    partial_index,
    us_column,
    word_column,
)

#: `country`: of the number; NULL in rows of before it was kept here: contact_points knows it.
messages = Table(
    "messages",
    metadata,
    id_column(),
    Column("step_id", Big, nullable=False),
    Column("campaign_id", Big, nullable=False),
    Column("contact_id", Big, nullable=False),
    Column("hop", SmallInteger, nullable=False),
    Column("sender_id", Big, nullable=False),
    Column("cell_id", Big, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("status", State, nullable=False),
    word_column("reason"),
    Column("address_hash", LargeBinary, nullable=False),
    Column("address_sealed", LargeBinary),
    Column("body_sealed", LargeBinary),
    Column("units", SmallInteger, nullable=False),
    Column("segments", SmallInteger, nullable=False),
    Column("country", Text),
    word_column("zone"),
    us_column("not_before_us", required=True),
    word_column("not_before_rule"),
    us_column("not_after_us", required=True),
    us_column("expires_us", required=True),
    Column("hop_after_us", Big),
    us_column("hop_due_us"),
    Column("attempt", SmallInteger, nullable=False, server_default="0"),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    word_column("prior", ""),
    Column("claim_token", Big),
    us_column("claim_until_us"),
    us_column("lease_until_us"),
    us_column("begun_us"),
    us_column("ended_us"),
    word_column("provider_id"),
    word_column("provider_code"),
    Column("parts", SmallInteger, nullable=False, server_default="0"),
    flag_column("counted", default=True),
    flag_column("has_sibling"),
    flag_column("synthetic"),
    # person and number first: the same two indexes find what someone, or a number, gets
    UniqueConstraint("contact_id", "step_id", "hop"),
    UniqueConstraint("address_hash", "step_id", "hop"),
    # for reports: only who asks for this very expression gets the index (store/by_step.py)
    Index("ix_messages_by_step", text("(step_id + 0)")),
    CheckConstraint("status IN (" + ", ".join(f"'{s}'" for s in Status) + ")", name="status"),
    partial_index(
        "ix_messages_waiting", "sender_id", "priority", "campaign_id", "not_before_us", "id", where="status = 'queued'"
    ),
    # the two below say more than `queued`, so that they offer themselves only to those who look for what is too late
    # (store/upkeep.py): with nothing waiting, statistics take all indexes of what waits for equally small
    partial_index("ix_messages_queued_expires_us", "expires_us", where="status = 'queued' AND expires_us + 0 > 0"),
    partial_index(
        "ix_messages_queued_not_after_us", "not_after_us", where="status = 'queued' AND not_after_us + 0 > 0"
    ),
    partial_index("ix_messages_sending", "lease_until_us", where="status = 'sending'"),
    partial_index("ix_messages_unknown", "sender_id", "begun_us", where="status = 'unknown'"),
    partial_index("ix_messages_hop_due_us", "hop_due_us", where="hop_due_us IS NOT NULL"),
    # what is dead is met by every look for what waits: a fiftieth of ten million is bearable, a fifth is not
    info=options(
        postgresql_with={
            "fillfactor": "70",
            "autovacuum_vacuum_scale_factor": "0.02",
            "autovacuum_analyze_scale_factor": "0.02",
        }
    ),
)

attempts = Table(
    "attempts",
    metadata,
    Column("message_id", Big, nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("sender_id", Big, nullable=False),
    Column("status", Text, nullable=False),
    word_column("reason"),
    word_column("provider_id"),
    word_column("provider_code"),
    us_column("begun_us"),
    us_column("ended_us"),
    PrimaryKeyConstraint("message_id", "attempt"),
    sqlite_with_rowid=False,
)

#: What was said to and by the provider in an attempt, redacted (delivery/redact.py), and sealed all the same.
exchanges = Table(
    "exchanges",
    metadata,
    Column("message_id", Big, nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    us_column("at_us", required=True),
    Column("wire_sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("message_id", "attempt"),
    Index("ix_exchanges_at_us", "at_us"),
)

#: The parts of a message, and the names that the provider gave them: for channels that do not echo our reference.
provider_refs = Table(
    "provider_refs",
    metadata,
    Column("sender_id", Big, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("message_id", Big, nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("part", SmallInteger, nullable=False, server_default="0"),
    word_column("status"),
    us_column("at_us", required=True),
    PrimaryKeyConstraint("sender_id", "provider_id", "message_id", "attempt"),
    Index("ix_provider_refs_message_id", "message_id"),
)

skipped = Table(
    "skipped",
    metadata,
    Column("step_id", Big, nullable=False),
    Column("contact_id", Big, nullable=False),
    Column("cell_id", Big, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("step_id", "contact_id"),
    sqlite_with_rowid=False,
)

#: Counters kept in the commit of the rows (invariant 11). `slot` spreads writers; `hop` -1 counts people by best hop.
tallies = Table(
    "tallies",
    metadata,
    Column("step_id", Big, nullable=False),
    Column("hop", SmallInteger, nullable=False),
    Column("sender_id", Big, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("slot", SmallInteger, nullable=False),
    count_column("n"),
    PrimaryKeyConstraint("step_id", "hop", "sender_id", "status", "reason", "slot"),
    sqlite_with_rowid=False,
)

#: Where the counters of a campaign stood, by which the breaker sees what a moving window held. `kind`: whose window.
breaker_marks = Table(
    "breaker_marks",
    metadata,
    Column("campaign_id", Big, nullable=False),
    Column("kind", Text, nullable=False),
    us_column("at_us", required=True),
    count_column("ended"),
    count_column("told"),
    Column("faults", Document, nullable=False, server_default="{}"),
    PrimaryKeyConstraint("campaign_id", "kind", "at_us"),
    sqlite_with_rowid=False,
)

#: The message after which a number refused.
stops = Table(
    "stops",
    metadata,
    Column("message_id", Big, nullable=False),
    Column("campaign_id", Big, nullable=False),
    us_column("begun_us", required=True),
    us_column("at_us", required=True),
    PrimaryKeyConstraint("message_id"),
    Index("ix_stops_campaign_id_begun_us", "campaign_id", "begun_us"),
    sqlite_with_rowid=False,
)

#: Whom a sender messaged lately: only of senders with `people_per_day` or `spacing`, and for as long as those ask.
recent_people = Table(
    "recent_people",
    metadata,
    Column("sender_id", Big, nullable=False),
    Column("address_hash", LargeBinary, nullable=False),
    Column("message_id", Big, nullable=False),
    us_column("at_us", required=True),
    PrimaryKeyConstraint("sender_id", "address_hash"),
    Index("ix_recent_people_sender_id_at_us", "sender_id", "at_us"),
    sqlite_with_rowid=False,
)
