"""Messages by step, for reports; the country of their number, for what they cost; what is too late by an own index"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("messages", sa.Column("country", sa.Text()))
    op.create_index(op.f("ix_messages_by_step"), "messages", [sa.text("(step_id + 0)")])
    for name in ("expires_us", "not_after_us"):
        op.drop_index(op.f(f"ix_messages_queued_{name}"), "messages")
        late = sa.text(f"status = 'queued' AND {name} + 0 > 0")
        op.create_index(
            op.f(f"ix_messages_queued_{name}"), "messages", [name], postgresql_where=late, sqlite_where=late
        )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE messages SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)"
        )
