"""Personal links in messages"""

import sqlalchemy as sa
from alembic import op

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0007"
down_revision = "0006"

_SEEN = sa.text("visited_us IS NOT NULL OR previewed_us IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "links",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("message_id", Big, nullable=True),
        sa.Column("step_id", Big, nullable=False),
        sa.Column("campaign_id", Big, nullable=False),
        sa.Column("contact_id", Big, nullable=True),
        sa.Column("cell_id", Big, nullable=True),
        sa.Column("expires_us", Big, nullable=False),
        sa.Column("visited_us", Big, nullable=True),
        sa.Column("previewed_us", Big, nullable=True),
        sa.Column("stopped_us", Big, nullable=True),
        sa.Column("visits", Big, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_links")),
    )
    op.create_index(op.f("ix_links_contact_id"), "links", ["contact_id"])
    op.create_index("ix_links_seen", "links", ["campaign_id", "step_id"], postgresql_where=_SEEN, sqlite_where=_SEEN)
