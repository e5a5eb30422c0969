"""Every table, with the keys that hold the invariants of DESIGN 3.

Instants are microseconds since 1970 UTC (`…_us`). `…_sealed` columns are encrypted and bound to their row (sealed.py);
`…_hash` columns are keyed hashes (keys.py). Ids come from `id_source`, before the insert.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from dispatcher.core.status import Status

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Big = BigInteger().with_variant(Integer, "sqlite")
Document = JSON().with_variant(JSONB(), "postgresql")


def _id(*args: Any) -> Column[int]:
    return Column("id", Big, *args, primary_key=True, autoincrement=False)


def _word(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


def _count(name: str, default: int = 0) -> Column[int]:
    return Column(name, Big, nullable=False, server_default=str(default))


def _flag(name: str, *, default: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("true" if default else "false"))


def _us(name: str, *, required: bool = False) -> Column[int]:
    return Column(name, Big, nullable=not required)


# The installation: one data controller, its keys' fingerprints, where ids stand.

installation = Table(
    "installation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("suppression_print", Text, nullable=False),
    Column("secret_print", Text, nullable=False),
    _count("generation"),
    _us("created_us", required=True),
    CheckConstraint("id = 1", name="single"),
)

id_source = Table("id_source", metadata, Column("name", Text, primary_key=True), Column("next_id", Big, nullable=False))

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("token", Big, nullable=False),
    _us("until_us", required=True),
)

# People.

imports = Table(
    "imports",
    metadata,
    _id(),
    Column("file_sha256", Text, nullable=False),
    _word("source"),
    _word("basis"),
    _word("evidence"),
    _word("purpose", "*"),
    _word("actor"),
    _us("started_us", required=True),
    _us("finished_us"),
    Column("counts", Document, nullable=False, server_default="{}"),
)

contacts = Table(
    "contacts",
    metadata,
    _id(),
    Column("identity_hash", LargeBinary, unique=True),
    Column("row_hash", LargeBinary),
    Column("name_sealed", LargeBinary),
    Column("birth_date_sealed", LargeBinary),
    Column("birth_year", SmallInteger),
    _word("salutation"),
    _word("language"),
    _word("region"),
    Column("rw", SmallInteger),
    Column("rt", SmallInteger),
    _word("role"),
    _word("zone"),
    Column("attributes", Document, nullable=False, server_default="{}"),
    _flag("synthetic"),
    _flag("minor"),
    Column("import_id", Big),
    _us("created_us", required=True),
    _us("updated_us", required=True),
    _us("erased_us"),
    Index("ix_contacts_region", "region"),
)

#: Columns of contact files that became attributes: what `where:` may ask for, and its type.
attribute_types = Table(
    "attribute_types",
    metadata,
    Column("name", Text, primary_key=True),
    Column("type", Text, nullable=False),
    _word("heading"),
    Column("import_id", Big),
)

contact_points = Table(
    "contact_points",
    metadata,
    _id(),
    Column("contact_id", Big, ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False),
    Column("media", Text, nullable=False),
    Column("rank", SmallInteger, nullable=False, server_default="0"),
    Column("address_hash", LargeBinary, nullable=False),
    Column("address_sealed", LargeBinary, nullable=False),
    _word("country"),
    _word("line_type"),
    UniqueConstraint("contact_id", "media", "address_hash"),
    Index("ix_contact_points_address_hash", "address_hash"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("group_slug", Text, nullable=False),
    Column("contact_id", Big, ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("contact_id", "group_slug"),
    Index("ix_memberships_group_slug_contact_id", "group_slug", "contact_id"),
    sqlite_with_rowid=False,
)

# Consent: what holds now, and the ledger of how it came to hold.

consents = Table(
    "consents",
    metadata,
    Column("contact_id", Big, ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("media", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    _word("basis"),
    Column("import_id", Big),
    _us("at_us", required=True),
    PrimaryKeyConstraint("contact_id", "purpose", "media"),
    sqlite_with_rowid=False,
)

consent_events = Table(
    "consent_events",
    metadata,
    _id(),
    Column("contact_id", Big, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("media", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    _word("basis"),
    _word("evidence"),
    _word("source"),
    _word("via"),
    Column("import_id", Big),
    _us("at_us", required=True),
    Index("ix_consent_events_contact_id", "contact_id"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_hash", LargeBinary, nullable=False),
    Column("purpose", Text, nullable=False),
    _word("reason"),
    _word("via"),
    _us("at_us", required=True),
    PrimaryKeyConstraint("address_hash", "purpose"),
    sqlite_with_rowid=False,
)

# Events people are invited to.

sessions = Table(
    "sessions",
    metadata,
    Column("slug", Text, primary_key=True),
    _word("title"),
    _word("place"),
    _word("address"),
    _word("region"),
    _word("zone", "Asia/Jakarta"),
    _us("starts_us", required=True),
    _us("ends_us"),
    Column("capacity", Integer),
    _us("updated_us", required=True),
)

session_people = Table(
    "session_people",
    metadata,
    Column("session_slug", Text, ForeignKey("sessions.slug"), nullable=False),
    Column("contact_id", Big, nullable=False),
    _word("rsvp"),
    _word("rsvp_via"),
    _us("rsvp_us"),
    _us("checked_in_us"),
    _word("checked_in_via"),
    PrimaryKeyConstraint("session_slug", "contact_id"),
)

# Senders: configuration is copied here, then the rate lives here (invariant 9).

senders = Table(
    "senders",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("media", Text, nullable=False),
    _word("identity"),
    Column("rate_per_s", Float),
    _word("rate_unit", "message"),
    _count("tat_us"),
    _flag("paused"),
    _word("pause_reason"),
    _us("slow_until_us"),
    _flag("removed"),
    Column("people_per_day", Integer),
    _us("updated_us", required=True),
)

# Plans and what was applied of them.

plans = Table(
    "plans",
    metadata,
    _id(),
    Column("fingerprint", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("document", Document, nullable=False),
    Column("summary", Document, nullable=False),
    Column("samples_sealed", LargeBinary),
    _word("author"),
    _word("author_os"),
    _us("created_us", required=True),
    _word("approver"),
    _word("approver_os"),
    _us("approved_us"),
    _flag("waived"),
    Index("ix_plans_slug_id", "slug", "id"),
    Index("ix_plans_fingerprint", "fingerprint"),
)

campaigns = Table(
    "campaigns",
    metadata,
    _id(),
    Column("slug", Text, nullable=False, unique=True),
    Column("plan_id", Big, ForeignKey("plans.id"), nullable=False),
    Column("fingerprint", Text, nullable=False),
    _word("title"),
    _word("purpose"),
    _word("zone", "Asia/Jakarta"),
    Column("state", Text, nullable=False),
    _word("state_reason"),
    _us("state_us", required=True),
    Column("goal_people", Integer),
    Column("ceilings", Document, nullable=False, server_default="{}"),
    Column("used", Document, nullable=False, server_default="{}"),
    _flag("ceilings_lifted"),
    _us("applied_us", required=True),
    _word("applied_by"),
    CheckConstraint("state IN ('scheduled', 'running', 'paused', 'done', 'cancelled')", name="state"),
)

steps = Table(
    "steps",
    metadata,
    _id(),
    Column("campaign_id", Big, ForeignKey("campaigns.id"), nullable=False),
    Column("name", Text, nullable=False),
    _word("occasion"),
    Column("ordinal", SmallInteger, nullable=False),
    Column("plan_id", Big, ForeignKey("plans.id"), nullable=False),
    Column("state", Text, nullable=False),
    _us("due_us", required=True),
    _us("expires_us", required=True),
    _count("selected"),
    _count("pending"),
    _count("cursor"),
    _us("started_us"),
    _us("expanded_us"),
    _us("finished_us"),
    UniqueConstraint("campaign_id", "name", "occasion"),
    CheckConstraint("state IN ('scheduled', 'expanding', 'expanded', 'done', 'cancelled')", name="state"),
    Index(
        "ix_steps_due_us",
        "due_us",
        postgresql_where=text("state IN ('scheduled', 'expanding')"),
        sqlite_where=text("state IN ('scheduled', 'expanding')"),
    ),
)

#: Where people belong for reports, small and free of personal data: kelurahan, role and groups, each once.
cells = Table(
    "cells",
    metadata,
    _id(),
    _word("region"),
    _word("role"),
    _word("groups"),
    UniqueConstraint("region", "role", "groups"),
)

# Messages: the queue of record (invariants 1 to 6).

messages = Table(
    "messages",
    metadata,
    _id(),
    Column("step_id", Big, nullable=False),
    Column("campaign_id", Big, nullable=False),
    Column("contact_id", Big, nullable=False),
    Column("hop", SmallInteger, nullable=False),
    Column("sender_id", Big, nullable=False),
    Column("cell_id", Big, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    _word("reason"),
    Column("address_hash", LargeBinary, nullable=False),
    Column("address_sealed", LargeBinary),
    Column("body_sealed", LargeBinary),
    Column("units", SmallInteger, nullable=False),
    Column("segments", SmallInteger, nullable=False),
    _word("zone"),
    _us("not_before_us", required=True),
    _word("not_before_rule"),
    _us("not_after_us", required=True),
    _us("expires_us", required=True),
    Column("hop_after_us", Big),
    _us("hop_due_us"),
    Column("attempt", SmallInteger, nullable=False, server_default="0"),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    _word("prior", ""),
    Column("claim_token", Big),
    _us("claim_until_us"),
    _us("lease_until_us"),
    _us("begun_us"),
    _us("ended_us"),
    _word("provider_id"),
    _word("provider_code"),
    Column("parts", SmallInteger, nullable=False, server_default="0"),
    _flag("counted", default=True),
    _flag("has_sibling"),
    _flag("synthetic"),
    # person and number first: the same two indexes find what someone, or a number, gets
    UniqueConstraint("contact_id", "step_id", "hop"),
    UniqueConstraint("address_hash", "step_id", "hop"),
    CheckConstraint("status IN (" + ", ".join(f"'{s}'" for s in Status) + ")", name="status"),
    Index(
        "ix_messages_waiting",
        "sender_id",
        "priority",
        "campaign_id",
        "not_before_us",
        "id",
        postgresql_where=text("status = 'queued'"),
        sqlite_where=text("status = 'queued'"),
    ),
    Index(
        "ix_messages_queued_expires_us",
        "expires_us",
        postgresql_where=text("status = 'queued'"),
        sqlite_where=text("status = 'queued'"),
    ),
    Index(
        "ix_messages_queued_not_after_us",
        "not_after_us",
        postgresql_where=text("status = 'queued'"),
        sqlite_where=text("status = 'queued'"),
    ),
    Index(
        "ix_messages_sending",
        "lease_until_us",
        postgresql_where=text("status = 'sending'"),
        sqlite_where=text("status = 'sending'"),
    ),
    Index(
        "ix_messages_unknown",
        "sender_id",
        "begun_us",
        postgresql_where=text("status = 'unknown'"),
        sqlite_where=text("status = 'unknown'"),
    ),
    Index(
        "ix_messages_hop_due_us",
        "hop_due_us",
        postgresql_where=text("hop_due_us IS NOT NULL"),
        sqlite_where=text("hop_due_us IS NOT NULL"),
    ),
    postgresql_with={"fillfactor": "70"},
)

attempts = Table(
    "attempts",
    metadata,
    Column("message_id", Big, nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("sender_id", Big, nullable=False),
    Column("status", Text, nullable=False),
    _word("reason"),
    _word("provider_id"),
    _word("provider_code"),
    _us("begun_us"),
    _us("ended_us"),
    PrimaryKeyConstraint("message_id", "attempt"),
    sqlite_with_rowid=False,
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
    _word("status"),
    _us("at_us", required=True),
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
    _count("n"),
    PrimaryKeyConstraint("step_id", "hop", "sender_id", "status", "reason", "slot"),
    sqlite_with_rowid=False,
)

cap_uses = Table(
    "cap_uses",
    metadata,
    Column("contact_id", Big, nullable=False),
    Column("period", Text, nullable=False),
    Column("message_id", Big, nullable=False),
    PrimaryKeyConstraint("contact_id", "period", "message_id"),
    Index("ix_cap_uses_message_id", "message_id"),
    sqlite_with_rowid=False,
)

# What providers and people say (invariants 6 and 7).

receipts = Table(
    "receipts",
    metadata,
    _id(),
    Column("sender_id", Big, nullable=False),
    _us("received_us", required=True),
    Column("state", Text, nullable=False),
    Column("message_id", Big),
    Column("attempt", SmallInteger),
    _word("provider_id"),
    _word("status"),
    _word("reason"),
    _word("code"),
    Column("part", SmallInteger, nullable=False, server_default="0"),
    _us("occurred_us"),
    Column("raw_sealed", LargeBinary),
    CheckConstraint("state IN ('folded', 'parked', 'aged', 'unparsed', 'inbound')", name="state"),
    Index("ix_receipts_message_id", "message_id"),
    Index(
        "ix_receipts_parked",
        "sender_id",
        "provider_id",
        postgresql_where=text("state = 'parked'"),
        sqlite_where=text("state = 'parked'"),
    ),
)

inbound = Table(
    "inbound",
    metadata,
    _id(),
    Column("sender_id", Big, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("address_hash", LargeBinary, nullable=False),
    Column("address_sealed", LargeBinary),
    Column("text_sealed", LargeBinary),
    Column("contact_id", Big),
    _word("meaning"),
    _flag("needs_person"),
    _us("handled_us"),
    _us("received_us", required=True),
    UniqueConstraint("sender_id", "provider_id"),
    Index("ix_inbound_address_hash", "address_hash"),
)

answers = Table(
    "answers",
    metadata,
    Column("campaign_id", Big, nullable=False),
    Column("contact_id", Big, nullable=False),
    Column("meaning", Text, nullable=False),
    Column("step_id", Big),
    Column("message_id", Big),
    Column("cell_id", Big),
    _word("via"),
    _word("text_version"),
    _us("at_us", required=True),
    PrimaryKeyConstraint("campaign_id", "contact_id"),
)

#: Who did what, for the record: approvals, pauses, settlements, changes of rates. Never a number, a name or a text.
journal = Table(
    "journal",
    metadata,
    _id(),
    _us("at_us", required=True),
    _word("actor"),
    _word("verb"),
    _word("subject"),
    Column("details", Document, nullable=False, server_default="{}"),
)
