"""Times that a restored database lost"""

import sqlalchemy as sa
from alembic import op

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "restores",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("since_us", Big, nullable=False),
        sa.Column("until_us", Big, nullable=False),
        sa.Column("marked_by", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restores")),
    )
