"""Personal links in messages: tokens by keyed hash only, and what was seen of them."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table

from dispatcher.store.tables.base import Big, count_column, metadata, partial_index, us_column

#: Without a person and a message: the step's link to pass on, of which each visit counts in `visits`.
#: `previewed_us`: first fetched by a program; `stopped_us`: when the number was refused through it, while that stands.
links = Table(
    "links",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("message_id", Big),
    Column("step_id", Big, nullable=False),
    Column("campaign_id", Big, nullable=False),
    Column("contact_id", Big),
    Column("cell_id", Big),
    us_column("expires_us", required=True),
    us_column("visited_us"),
    us_column("previewed_us"),
    us_column("stopped_us"),
    count_column("visits"),
    Index("ix_links_contact_id", "contact_id"),
    partial_index(
        "ix_links_seen", "campaign_id", "step_id", where="visited_us IS NOT NULL OR previewed_us IS NOT NULL"
    ),
)
