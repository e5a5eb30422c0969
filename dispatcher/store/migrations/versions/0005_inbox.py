"""Inbox: campaign, who handled it, automatic reply; whether the gateway signs"""

import sqlalchemy as sa
from alembic import op

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("inbound", sa.Column("campaign_id", Big))
    op.add_column("inbound", sa.Column("unsigned", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("inbound", sa.Column("handled_by", sa.Text(), server_default="", nullable=False))
    op.add_column("inbound", sa.Column("note_sealed", sa.LargeBinary()))
    op.add_column("inbound", sa.Column("reply", sa.Text(), server_default="", nullable=False))
    op.add_column("inbound", sa.Column("no_reply", sa.Text(), server_default="", nullable=False))
    op.create_index(op.f("ix_inbound_sender_id_received_us"), "inbound", ["sender_id", "received_us"])
