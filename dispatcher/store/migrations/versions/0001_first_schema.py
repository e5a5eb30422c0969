"""First schema"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("campaign_id", Big, nullable=False),
        sa.Column("contact_id", Big, nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("step_id", Big, nullable=True),
        sa.Column("message_id", Big, nullable=True),
        sa.Column("cell_id", Big, nullable=True),
        sa.Column("via", sa.Text(), server_default="", nullable=False),
        sa.Column("text_version", sa.Text(), server_default="", nullable=False),
        sa.Column("at_us", Big, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "contact_id", name=op.f("pk_answers")),
    )
    op.create_table(
        "attempts",
        sa.Column("message_id", Big, nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("sender_id", Big, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("provider_id", sa.Text(), server_default="", nullable=False),
        sa.Column("provider_code", sa.Text(), server_default="", nullable=False),
        sa.Column("begun_us", Big, nullable=True),
        sa.Column("ended_us", Big, nullable=True),
        sa.PrimaryKeyConstraint("message_id", "attempt", name=op.f("pk_attempts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attribute_types",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("heading", sa.Text(), server_default="", nullable=False),
        sa.Column("import_id", Big, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_attribute_types")),
    )
    op.create_table(
        "cap_uses",
        sa.Column("contact_id", Big, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("message_id", Big, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "period", "message_id", name=op.f("pk_cap_uses")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cap_uses_message_id", "cap_uses", ["message_id"], unique=False)
    op.create_table(
        "cells",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("region", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.Column("groups", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cells")),
        sa.UniqueConstraint("region", "role", "groups", name=op.f("uq_cells_region_role_groups")),
    )
    op.create_table(
        "consent_events",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("contact_id", Big, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("basis", sa.Text(), server_default="", nullable=False),
        sa.Column("evidence", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("via", sa.Text(), server_default="", nullable=False),
        sa.Column("import_id", Big, nullable=True),
        sa.Column("at_us", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_events")),
    )
    op.create_index("ix_consent_events_contact_id", "consent_events", ["contact_id"], unique=False)
    op.create_table(
        "contacts",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("identity_hash", sa.LargeBinary(), nullable=True),
        sa.Column("row_hash", sa.LargeBinary(), nullable=True),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("birth_date_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("birth_year", sa.SmallInteger(), nullable=True),
        sa.Column("salutation", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), server_default="", nullable=False),
        sa.Column("region", sa.Text(), server_default="", nullable=False),
        sa.Column("rw", sa.SmallInteger(), nullable=True),
        sa.Column("rt", sa.SmallInteger(), nullable=True),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.Column("zone", sa.Text(), server_default="", nullable=False),
        sa.Column("attributes", Document, server_default="{}", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("minor", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("import_id", Big, nullable=True),
        sa.Column("created_us", Big, nullable=False),
        sa.Column("updated_us", Big, nullable=False),
        sa.Column("erased_us", Big, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
        sa.UniqueConstraint("identity_hash", name=op.f("uq_contacts_identity_hash")),
    )
    op.create_index("ix_contacts_region", "contacts", ["region"], unique=False)
    op.create_table(
        "id_source",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next_id", Big, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_id_source")),
    )
    op.create_table(
        "imports",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("basis", sa.Text(), server_default="", nullable=False),
        sa.Column("evidence", sa.Text(), server_default="", nullable=False),
        sa.Column("purpose", sa.Text(), server_default="*", nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("started_us", Big, nullable=False),
        sa.Column("finished_us", Big, nullable=True),
        sa.Column("counts", Document, server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_table(
        "inbound",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("sender_id", Big, nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("contact_id", Big, nullable=True),
        sa.Column("meaning", sa.Text(), server_default="", nullable=False),
        sa.Column("needs_person", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("handled_us", Big, nullable=True),
        sa.Column("received_us", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("sender_id", "provider_id", name=op.f("uq_inbound_sender_id_provider_id")),
    )
    op.create_index("ix_inbound_address_hash", "inbound", ["address_hash"], unique=False)
    op.create_table(
        "installation",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("suppression_print", sa.Text(), nullable=False),
        sa.Column("secret_print", sa.Text(), nullable=False),
        sa.Column("generation", Big, server_default="0", nullable=False),
        sa.Column("created_us", Big, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "journal",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("at_us", Big, nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("verb", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("details", Document, server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token", Big, nullable=False),
        sa.Column("until_us", Big, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "messages",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("step_id", Big, nullable=False),
        sa.Column("campaign_id", Big, nullable=False),
        sa.Column("contact_id", Big, nullable=False),
        sa.Column("hop", sa.SmallInteger(), nullable=False),
        sa.Column("sender_id", Big, nullable=False),
        sa.Column("cell_id", Big, nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("units", sa.SmallInteger(), nullable=False),
        sa.Column("segments", sa.SmallInteger(), nullable=False),
        sa.Column("zone", sa.Text(), server_default="", nullable=False),
        sa.Column("not_before_us", Big, nullable=False),
        sa.Column("not_before_rule", sa.Text(), server_default="", nullable=False),
        sa.Column("not_after_us", Big, nullable=False),
        sa.Column("expires_us", Big, nullable=False),
        sa.Column("hop_after_us", Big, nullable=True),
        sa.Column("hop_due_us", Big, nullable=True),
        sa.Column("attempt", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("prior", sa.Text(), server_default="", nullable=False),
        sa.Column("claim_token", Big, nullable=True),
        sa.Column("claim_until_us", Big, nullable=True),
        sa.Column("lease_until_us", Big, nullable=True),
        sa.Column("begun_us", Big, nullable=True),
        sa.Column("ended_us", Big, nullable=True),
        sa.Column("provider_id", sa.Text(), server_default="", nullable=False),
        sa.Column("provider_code", sa.Text(), server_default="", nullable=False),
        sa.Column("parts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("counted", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.Column("has_sibling", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.CheckConstraint(
            "status IN ('queued', 'sending', 'unknown', 'accepted', 'sent', 'delivered', 'read', 'failed', 'expired', 'cancelled')",  # noqa: E501
            name=op.f("ck_messages_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("address_hash", "step_id", "hop", name=op.f("uq_messages_address_hash_step_id_hop")),
        sa.UniqueConstraint("contact_id", "step_id", "hop", name=op.f("uq_messages_contact_id_step_id_hop")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ix_messages_hop_due_us",
        "messages",
        ["hop_due_us"],
        unique=False,
        postgresql_where=sa.text("hop_due_us IS NOT NULL"),
        sqlite_where=sa.text("hop_due_us IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_queued_expires_us",
        "messages",
        ["expires_us"],
        unique=False,
        postgresql_where=sa.text("status = 'queued'"),
        sqlite_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_messages_queued_not_after_us",
        "messages",
        ["not_after_us"],
        unique=False,
        postgresql_where=sa.text("status = 'queued'"),
        sqlite_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_messages_sending",
        "messages",
        ["lease_until_us"],
        unique=False,
        postgresql_where=sa.text("status = 'sending'"),
        sqlite_where=sa.text("status = 'sending'"),
    )
    op.create_index(
        "ix_messages_unknown",
        "messages",
        ["sender_id", "begun_us"],
        unique=False,
        postgresql_where=sa.text("status = 'unknown'"),
        sqlite_where=sa.text("status = 'unknown'"),
    )
    op.create_index(
        "ix_messages_waiting",
        "messages",
        ["sender_id", "priority", "campaign_id", "not_before_us", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'queued'"),
        sqlite_where=sa.text("status = 'queued'"),
    )
    op.create_table(
        "plans",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("document", Document, nullable=False),
        sa.Column("summary", Document, nullable=False),
        sa.Column("samples_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("author", sa.Text(), server_default="", nullable=False),
        sa.Column("author_os", sa.Text(), server_default="", nullable=False),
        sa.Column("created_us", Big, nullable=False),
        sa.Column("approver", sa.Text(), server_default="", nullable=False),
        sa.Column("approver_os", sa.Text(), server_default="", nullable=False),
        sa.Column("approved_us", Big, nullable=True),
        sa.Column("waived", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
    )
    op.create_index("ix_plans_fingerprint", "plans", ["fingerprint"], unique=False)
    op.create_index("ix_plans_slug_id", "plans", ["slug", "id"], unique=False)
    op.create_table(
        "provider_refs",
        sa.Column("sender_id", Big, nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("message_id", Big, nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("part", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("at_us", Big, nullable=False),
        sa.PrimaryKeyConstraint("sender_id", "provider_id", "message_id", "attempt", name=op.f("pk_provider_refs")),
    )
    op.create_index("ix_provider_refs_message_id", "provider_refs", ["message_id"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("sender_id", Big, nullable=False),
        sa.Column("received_us", Big, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message_id", Big, nullable=True),
        sa.Column("attempt", sa.SmallInteger(), nullable=True),
        sa.Column("provider_id", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("part", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("occurred_us", Big, nullable=True),
        sa.Column("raw_sealed", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "state IN ('folded', 'parked', 'aged', 'unparsed', 'inbound')", name=op.f("ck_receipts_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
    )
    op.create_index("ix_receipts_message_id", "receipts", ["message_id"], unique=False)
    op.create_index(
        "ix_receipts_parked",
        "receipts",
        ["sender_id", "provider_id"],
        unique=False,
        postgresql_where=sa.text("state = 'parked'"),
        sqlite_where=sa.text("state = 'parked'"),
    )
    op.create_table(
        "senders",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), server_default="", nullable=False),
        sa.Column("rate_per_s", sa.Float(), nullable=True),
        sa.Column("rate_unit", sa.Text(), server_default="message", nullable=False),
        sa.Column("tat_us", Big, server_default="0", nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("pause_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("slow_until_us", Big, nullable=True),
        sa.Column("removed", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("people_per_day", sa.Integer(), nullable=True),
        sa.Column("updated_us", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_senders")),
        sa.UniqueConstraint("name", name=op.f("uq_senders_name")),
    )
    op.create_table(
        "sessions",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("region", sa.Text(), server_default="", nullable=False),
        sa.Column("zone", sa.Text(), server_default="Asia/Jakarta", nullable=False),
        sa.Column("starts_us", Big, nullable=False),
        sa.Column("ends_us", Big, nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("updated_us", Big, nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_sessions")),
    )
    op.create_table(
        "skipped",
        sa.Column("step_id", Big, nullable=False),
        sa.Column("contact_id", Big, nullable=False),
        sa.Column("cell_id", Big, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("step_id", "contact_id", name=op.f("pk_skipped")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "suppressions",
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("via", sa.Text(), server_default="", nullable=False),
        sa.Column("at_us", Big, nullable=False),
        sa.PrimaryKeyConstraint("address_hash", "purpose", name=op.f("pk_suppressions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tallies",
        sa.Column("step_id", Big, nullable=False),
        sa.Column("hop", sa.SmallInteger(), nullable=False),
        sa.Column("sender_id", Big, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("n", Big, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("step_id", "hop", "sender_id", "status", "reason", "slot", name=op.f("pk_tallies")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "campaigns",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("plan_id", Big, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("purpose", sa.Text(), server_default="", nullable=False),
        sa.Column("zone", sa.Text(), server_default="Asia/Jakarta", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("state_us", Big, nullable=False),
        sa.Column("goal_people", sa.Integer(), nullable=True),
        sa.Column("ceilings", Document, server_default="{}", nullable=False),
        sa.Column("used", Document, server_default="{}", nullable=False),
        sa.Column("ceilings_lifted", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("applied_us", Big, nullable=False),
        sa.Column("applied_by", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "state IN ('scheduled', 'running', 'paused', 'done', 'cancelled')", name=op.f("ck_campaigns_state")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_campaigns_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("slug", name=op.f("uq_campaigns_slug")),
    )
    op.create_table(
        "consents",
        sa.Column("contact_id", Big, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("basis", sa.Text(), server_default="", nullable=False),
        sa.Column("import_id", Big, nullable=True),
        sa.Column("at_us", Big, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "purpose", "media", name=op.f("pk_consents")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contact_points",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("contact_id", Big, nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("country", sa.Text(), server_default="", nullable=False),
        sa.Column("line_type", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_points")),
        sa.UniqueConstraint("contact_id", "address_hash", name=op.f("uq_contact_points_contact_id_address_hash")),
    )
    op.create_index("ix_contact_points_address_hash", "contact_points", ["address_hash"], unique=False)
    op.create_table(
        "memberships",
        sa.Column("group_slug", sa.Text(), nullable=False),
        sa.Column("contact_id", Big, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "group_slug", name=op.f("pk_memberships")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_memberships_group_slug_contact_id", "memberships", ["group_slug", "contact_id"], unique=False)
    op.create_table(
        "session_people",
        sa.Column("session_slug", sa.Text(), nullable=False),
        sa.Column("contact_id", Big, nullable=False),
        sa.Column("rsvp", sa.Text(), server_default="", nullable=False),
        sa.Column("rsvp_via", sa.Text(), server_default="", nullable=False),
        sa.Column("rsvp_us", Big, nullable=True),
        sa.Column("checked_in_us", Big, nullable=True),
        sa.Column("checked_in_via", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["session_slug"], ["sessions.slug"], name=op.f("fk_session_people_session_slug")),
        sa.PrimaryKeyConstraint("session_slug", "contact_id", name=op.f("pk_session_people")),
    )
    op.create_table(
        "steps",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("campaign_id", Big, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("occasion", sa.Text(), server_default="", nullable=False),
        sa.Column("ordinal", sa.SmallInteger(), nullable=False),
        sa.Column("plan_id", Big, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_us", Big, nullable=False),
        sa.Column("expires_us", Big, nullable=False),
        sa.Column("selected", Big, server_default="0", nullable=False),
        sa.Column("pending", Big, server_default="0", nullable=False),
        sa.Column("cursor", Big, server_default="0", nullable=False),
        sa.Column("started_us", Big, nullable=True),
        sa.Column("expanded_us", Big, nullable=True),
        sa.Column("finished_us", Big, nullable=True),
        sa.CheckConstraint(
            "state IN ('scheduled', 'expanding', 'expanded', 'done', 'cancelled')", name=op.f("ck_steps_state")
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_steps_campaign_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_steps_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_steps")),
        sa.UniqueConstraint("campaign_id", "name", "occasion", name=op.f("uq_steps_campaign_id_name_occasion")),
    )
    op.create_index(
        "ix_steps_due_us",
        "steps",
        ["due_us"],
        unique=False,
        postgresql_where=sa.text("state IN ('scheduled', 'expanding')"),
        sqlite_where=sa.text("state IN ('scheduled', 'expanding')"),
    )
