"""Automatic answers that are sent; who got a place after waiting"""

import sqlalchemy as sa
from alembic import op

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0010"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("inbound", sa.Column("reply_state", sa.Text(), server_default="", nullable=False))
    op.add_column("inbound", sa.Column("reply_sealed", sa.LargeBinary()))
    op.add_column("inbound", sa.Column("reply_next_us", Big))
    op.add_column("inbound", sa.Column("reply_until_us", Big))
    op.add_column("inbound", sa.Column("reply_attempt", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("inbound", sa.Column("reply_token", Big))
    op.add_column("inbound", sa.Column("reply_begun_us", Big))
    op.add_column("inbound", sa.Column("reply_provider_id", sa.Text(), server_default="", nullable=False))
    op.add_column("inbound", sa.Column("reply_code", sa.Text(), server_default="", nullable=False))
    op.add_column("session_people", sa.Column("promoted_us", Big))
    for name, columns, state in (
        ("ix_inbound_reply_due", ["sender_id", "reply_next_us"], "due"),
        ("ix_inbound_reply_begun", ["reply_begun_us"], "begun"),
    ):
        where = sa.text(f"reply_state = '{state}'")
        op.create_index(op.f(name), "inbound", columns, postgresql_where=where, sqlite_where=where)
