"""Caps count messages: no table of reservations"""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.drop_table("cap_uses")
