"""Doors: officers' links, codes of those invited, guests without a code; which request checked somebody in"""

import sqlalchemy as sa
from alembic import op

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("session_people", sa.Column("checked_in_ref", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "doors",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("session_slug", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("after_us", Big, nullable=False),
        sa.Column("filled_us", Big, nullable=False),
        sa.Column("created_us", Big, nullable=False),
        sa.Column("created_by", sa.Text(), server_default="", nullable=False),
        sa.Column("revoked_us", Big, nullable=True),
        sa.ForeignKeyConstraint(["session_slug"], ["sessions.slug"], name=op.f("fk_doors_session_slug")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doors")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_doors_token_hash")),
    )
    op.create_index(op.f("ix_doors_session_slug"), "doors", ["session_slug"])
    op.create_table(
        "door_codes",
        sa.Column("session_slug", sa.Text(), nullable=False),
        sa.Column("contact_id", Big, nullable=False),
        sa.Column("code", Big, nullable=False),
        sa.PrimaryKeyConstraint("session_slug", "contact_id", name=op.f("pk_door_codes")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_door_codes_code"), "door_codes", ["code"])
    op.create_index(op.f("ix_door_codes_contact_id"), "door_codes", ["contact_id"])
    op.create_table(
        "guests",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("session_slug", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("group_slug", sa.Text(), server_default="", nullable=False),
        sa.Column("via", sa.Text(), server_default="", nullable=False),
        sa.Column("at_us", Big, nullable=False),
        sa.ForeignKeyConstraint(["session_slug"], ["sessions.slug"], name=op.f("fk_guests_session_slug")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guests")),
        sa.UniqueConstraint("session_slug", "ref", name=op.f("uq_guests_session_slug_ref")),
    )
