"""The installation: one data controller, its keys' fingerprints, where ids stand, which times it lost."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, SmallInteger, Table, Text

from dispatcher.store.tables.base import Big, count_column, id_column, metadata, us_column, word_column

installation = Table(
    "installation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("suppression_print", Text, nullable=False),
    Column("secret_print", Text, nullable=False),
    count_column("generation"),
    us_column("created_us", required=True),
    CheckConstraint("id = 1", name="single"),
)

id_source = Table("id_source", metadata, Column("name", Text, primary_key=True), Column("next_id", Big, nullable=False))

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("token", Big, nullable=False),
    us_column("until_us", required=True),
)

#: Times of which this database knows nothing, because it was restored from a backup (invariant 16).
restores = Table(
    "restores",
    metadata,
    id_column(),
    us_column("since_us", required=True),
    us_column("until_us", required=True),
    word_column("marked_by"),
)
