"""Breaker, people per day, spacing"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("breaker_off", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("senders", sa.Column("spacing_us", Big))
    op.add_column("senders", sa.Column("people_slot_us", Big, server_default="0", nullable=False))
    op.add_column("senders", sa.Column("file_rate", sa.Text()))
    op.create_table(
        "breaker_marks",
        sa.Column("campaign_id", Big, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at_us", Big, nullable=False),
        sa.Column("ended", Big, server_default="0", nullable=False),
        sa.Column("told", Big, server_default="0", nullable=False),
        sa.Column("faults", Document, server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "kind", "at_us", name=op.f("pk_breaker_marks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stops",
        sa.Column("message_id", Big, nullable=False),
        sa.Column("campaign_id", Big, nullable=False),
        sa.Column("begun_us", Big, nullable=False),
        sa.Column("at_us", Big, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_stops")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_stops_campaign_id_begun_us"), "stops", ["campaign_id", "begun_us"])
    op.create_table(
        "recent_people",
        sa.Column("sender_id", Big, nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("message_id", Big, nullable=False),
        sa.Column("at_us", Big, nullable=False),
        sa.PrimaryKeyConstraint("sender_id", "address_hash", name=op.f("pk_recent_people")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_recent_people_sender_id_at_us"), "recent_people", ["sender_id", "at_us"])
