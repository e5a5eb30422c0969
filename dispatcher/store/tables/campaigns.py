"""What is to happen: sessions, senders, plans, applied campaigns and their steps."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
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
    count_column,
    flag_column,
    id_column,
    metadata,
    partial_index,
    us_column,
    word_column,
)

# Events people are invited to. `rsvp`: yes, no, waiting, or "" where nothing was said; `promoted_us`: when somebody who
# waited got a place.

sessions = Table(
    "sessions",
    metadata,
    Column("slug", Text, primary_key=True),
    word_column("title"),
    word_column("place"),
    word_column("address"),
    word_column("region"),
    word_column("zone", "Asia/Jakarta"),
    us_column("starts_us", required=True),
    us_column("ends_us"),
    Column("capacity", Integer),
    us_column("updated_us", required=True),
)

#: `checked_in_ref` names the request that checked the person in: the same one again is no double.
session_people = Table(
    "session_people",
    metadata,
    Column("session_slug", Text, ForeignKey("sessions.slug"), nullable=False),
    Column("contact_id", Big, nullable=False),
    word_column("rsvp"),
    word_column("rsvp_via"),
    us_column("rsvp_us"),
    us_column("promoted_us"),
    us_column("checked_in_us"),
    word_column("checked_in_via"),
    word_column("checked_in_ref"),
    PrimaryKeyConstraint("session_slug", "contact_id"),
)

# Senders: configuration is copied here, then the rate lives here (invariant 9). `people_slot_us`: rows that wait for
# `people_per_day` were promised the places of people messaged up to then. `file_rate`: what the settings said of the
# rate when that last counted.

senders = Table(
    "senders",
    metadata,
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("media", Text, nullable=False),
    word_column("identity"),
    Column("rate_per_s", Float),
    word_column("rate_unit", "message"),
    count_column("tat_us"),
    flag_column("paused"),
    word_column("pause_reason"),
    us_column("slow_until_us"),
    flag_column("removed"),
    Column("people_per_day", Integer),
    Column("spacing_us", Big),
    count_column("people_slot_us"),
    Column("file_rate", Text),
    us_column("updated_us", required=True),
)

# Plans and what was applied of them.

plans = Table(
    "plans",
    metadata,
    id_column(),
    Column("fingerprint", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("document", Document, nullable=False),
    Column("summary", Document, nullable=False),
    Column("samples_sealed", LargeBinary),
    word_column("author"),
    word_column("author_os"),
    us_column("created_us", required=True),
    word_column("approver"),
    word_column("approver_os"),
    us_column("approved_us"),
    flag_column("waived"),
    Index("ix_plans_slug_id", "slug", "id"),
    Index("ix_plans_fingerprint", "fingerprint"),
)

campaigns = Table(
    "campaigns",
    metadata,
    id_column(),
    Column("slug", Text, nullable=False, unique=True),
    Column("plan_id", Big, ForeignKey("plans.id"), nullable=False),
    Column("fingerprint", Text, nullable=False),
    word_column("title"),
    word_column("purpose"),
    word_column("zone", "Asia/Jakarta"),
    Column("state", Text, nullable=False),
    word_column("state_reason"),
    us_column("state_us", required=True),
    Column("goal_people", Integer),
    Column("ceilings", Document, nullable=False, server_default="{}"),
    Column("used", Document, nullable=False, server_default="{}"),
    flag_column("ceilings_lifted"),
    flag_column("breaker_off"),
    us_column("applied_us", required=True),
    word_column("applied_by"),
    CheckConstraint("state IN ('scheduled', 'running', 'paused', 'done', 'cancelled')", name="state"),
)

steps = Table(
    "steps",
    metadata,
    id_column(),
    Column("campaign_id", Big, ForeignKey("campaigns.id"), nullable=False),
    Column("name", Text, nullable=False),
    word_column("occasion"),
    Column("ordinal", SmallInteger, nullable=False),
    Column("plan_id", Big, ForeignKey("plans.id"), nullable=False),
    Column("state", Text, nullable=False),
    us_column("due_us", required=True),
    us_column("expires_us", required=True),
    count_column("selected"),
    count_column("pending"),
    count_column("cursor"),
    us_column("started_us"),
    us_column("expanded_us"),
    us_column("finished_us"),
    UniqueConstraint("campaign_id", "name", "occasion"),
    CheckConstraint("state IN ('scheduled', 'expanding', 'expanded', 'done', 'cancelled')", name="state"),
    partial_index("ix_steps_due_us", "due_us", where="state IN ('scheduled', 'expanding')"),
)

#: Where people belong for reports, small and free of personal data: kelurahan, role and groups, each once.
cells = Table(
    "cells",
    metadata,
    id_column(),
    word_column("region"),
    word_column("role"),
    word_column("groups"),
    UniqueConstraint("region", "role", "groups"),
)
