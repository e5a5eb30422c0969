"""What providers and people say (invariants 6 and 7), and who did what."""

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
)

from dispatcher.store.tables.base import (
    Big,
    Document,
    State,
    flag_column,
    id_column,
    metadata,
    partial_index,
    us_column,
    word_column,
)

receipts = Table(
    "receipts",
    metadata,
    id_column(),
    Column("sender_id", Big, nullable=False),
    us_column("received_us", required=True),
    Column("state", State, nullable=False),
    Column("message_id", Big),
    Column("attempt", SmallInteger),
    word_column("provider_id"),
    word_column("status"),
    word_column("reason"),
    word_column("code"),
    Column("part", SmallInteger, nullable=False, server_default="0"),
    us_column("occurred_us"),
    Column("raw_sealed", LargeBinary),
    CheckConstraint("state IN ('folded', 'parked', 'aged', 'unparsed', 'inbound')", name="state"),
    Index("ix_receipts_message_id", "message_id"),
    partial_index("ix_receipts_parked", "sender_id", "provider_id", where="state = 'parked'"),
)

#: `unsigned`: by a gateway that signs nothing. `reply`: the automatic answer that is due; `no_reply`: why none is.
#: `reply_…`: its text and its life (receipts/reply_life.py); sent from `reply_next_us` to `reply_until_us`.
inbound = Table(
    "inbound",
    metadata,
    id_column(),
    Column("sender_id", Big, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("address_hash", LargeBinary, nullable=False),
    Column("address_sealed", LargeBinary),
    Column("text_sealed", LargeBinary),
    Column("contact_id", Big),
    word_column("meaning"),
    flag_column("needs_person"),
    us_column("handled_us"),
    us_column("received_us", required=True),
    Column("campaign_id", Big),
    flag_column("unsigned"),
    word_column("handled_by"),
    Column("note_sealed", LargeBinary),
    word_column("reply"),
    word_column("no_reply"),
    Column("reply_state", State, nullable=False, server_default=""),
    Column("reply_sealed", LargeBinary),
    us_column("reply_next_us"),
    us_column("reply_until_us"),
    Column("reply_attempt", SmallInteger, nullable=False, server_default="0"),
    Column("reply_token", Big),
    us_column("reply_begun_us"),
    word_column("reply_provider_id"),
    word_column("reply_code"),
    UniqueConstraint("sender_id", "provider_id"),
    Index("ix_inbound_address_hash", "address_hash"),
    Index("ix_inbound_sender_id_received_us", "sender_id", "received_us"),
    partial_index("ix_inbound_reply_due", "sender_id", "reply_next_us", where="reply_state = 'due'"),
    partial_index("ix_inbound_reply_begun", "reply_begun_us", where="reply_state = 'begun'"),
)

#: What a person says to a campaign now. `text_version`: fingerprint, step and hop of what was answered; `text_hash`: of
#: the very words that the person got.
answers = Table(
    "answers",
    metadata,
    Column("campaign_id", Big, nullable=False),
    Column("contact_id", Big, nullable=False),
    Column("meaning", Text, nullable=False),
    Column("step_id", Big),
    Column("message_id", Big),
    Column("cell_id", Big),
    word_column("via"),
    word_column("text_version"),
    us_column("at_us", required=True),
    word_column("text_hash"),
    PrimaryKeyConstraint("campaign_id", "contact_id"),
)

#: Every answer there was, so that a change of mind erases none.
answer_events = Table(
    "answer_events",
    metadata,
    Column("campaign_id", Big, nullable=False),
    Column("contact_id", Big, nullable=False),
    us_column("at_us", required=True),
    Column("meaning", Text, nullable=False),
    Column("step_id", Big),
    Column("message_id", Big),
    Column("cell_id", Big),
    word_column("via"),
    word_column("text_version"),
    word_column("text_hash"),
    PrimaryKeyConstraint("campaign_id", "contact_id", "at_us", "meaning"),
    Index("ix_answer_events_contact_id", "contact_id"),
    sqlite_with_rowid=False,
)

#: Who did what, for the record: approvals, pauses, settlements, changes of rates. Never a number, a name or a text.
journal = Table(
    "journal",
    metadata,
    id_column(),
    us_column("at_us", required=True),
    word_column("actor"),
    word_column("verb"),
    word_column("subject"),
    Column("details", Document, nullable=False, server_default="{}"),
)
