"""Automatic answers that are sent; who got a place after waiting; every answer there was"""

import sqlalchemy as sa
from alembic import op

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0010"
down_revision = "0009"

_ANSWER = "campaign_id, contact_id, at_us, meaning, step_id, message_id, cell_id, via, text_version, text_hash"


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
    op.add_column("answers", sa.Column("text_hash", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "answer_events",
        sa.Column("campaign_id", Big, nullable=False),
        sa.Column("contact_id", Big, nullable=False),
        sa.Column("at_us", Big, nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("step_id", Big),
        sa.Column("message_id", Big),
        sa.Column("cell_id", Big),
        sa.Column("via", sa.Text(), server_default="", nullable=False),
        sa.Column("text_version", sa.Text(), server_default="", nullable=False),
        sa.Column("text_hash", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "contact_id", "at_us", "meaning", name=op.f("pk_answer_events")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_answer_events_contact_id"), "answer_events", ["contact_id"])
    op.execute(f"INSERT INTO answer_events ({_ANSWER}) SELECT {_ANSWER} FROM answers")  # noqa: S608  names are ours
    op.add_column("session_people", sa.Column("promoted_us", Big))
    for name, columns, state in (
        ("ix_inbound_reply_due", ["sender_id", "reply_next_us"], "due"),
        ("ix_inbound_reply_begun", ["reply_begun_us"], "begun"),
    ):
        where = sa.text(f"reply_state = '{state}'")
        op.create_index(op.f(name), "inbound", columns, postgresql_where=where, sqlite_where=where)
