"""Messages by step, for reports; the country of their number, for what they cost"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("messages", sa.Column("country", sa.Text()))
    op.create_index(op.f("ix_messages_by_step"), "messages", [sa.text("(step_id + 0)")])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE messages SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)"
        )
