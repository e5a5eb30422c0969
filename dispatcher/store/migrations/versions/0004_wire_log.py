"""Wire log"""

import sqlalchemy as sa
from alembic import op

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "exchanges",
        sa.Column("message_id", Big, nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("at_us", Big, nullable=False),
        sa.Column("wire_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "attempt", name=op.f("pk_exchanges")),
    )
    op.create_index(op.f("ix_exchanges_at_us"), "exchanges", ["at_us"])
