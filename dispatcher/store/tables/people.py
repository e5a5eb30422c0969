"""People: imports, contacts, their numbers and groups; consent, what holds now and how it came to hold."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from dispatcher.store.tables.base import (
    Big,
    Document,
    count_column,
    flag_column,
    id_column,
    metadata,
    us_column,
    word_column,
)

imports = Table(
    "imports",
    metadata,
    id_column(),
    Column("file_sha256", Text, nullable=False),
    word_column("source"),
    word_column("basis"),
    word_column("evidence"),
    word_column("purpose", "*"),
    word_column("actor"),
    us_column("started_us", required=True),
    us_column("finished_us"),
    Column("counts", Document, nullable=False, server_default="{}"),
)

contacts = Table(
    "contacts",
    metadata,
    id_column(),
    Column("identity_hash", LargeBinary, unique=True),
    Column("row_hash", LargeBinary),
    Column("name_sealed", LargeBinary),
    Column("birth_date_sealed", LargeBinary),
    Column("birth_year", SmallInteger),
    word_column("salutation"),
    word_column("language"),
    word_column("region"),
    Column("rw", SmallInteger),
    Column("rt", SmallInteger),
    word_column("role"),
    word_column("zone"),
    Column("attributes", Document, nullable=False, server_default="{}"),
    flag_column("synthetic"),
    flag_column("minor"),
    Column("import_id", Big),
    us_column("created_us", required=True),
    us_column("updated_us", required=True),
    us_column("erased_us"),
    Index("ix_contacts_region", "region"),
)

#: Columns of contact files that became attributes: what `where:` may ask for, and its type.
attribute_types = Table(
    "attribute_types",
    metadata,
    Column("name", Text, primary_key=True),
    Column("type", Text, nullable=False),
    word_column("heading"),
    Column("import_id", Big),
)

# A contact's row is never deleted, only blanked, so that what belongs to it needs no foreign key: for every row of an
# import Postgres would look the contact up and lock it.

#: `media`: sms, whatsapp, or any for a number that serves both.
contact_points = Table(
    "contact_points",
    metadata,
    id_column(),
    Column("contact_id", Big, nullable=False),
    Column("media", Text, nullable=False),
    Column("rank", SmallInteger, nullable=False, server_default="0"),
    Column("address_hash", LargeBinary, nullable=False),
    Column("address_sealed", LargeBinary, nullable=False),
    word_column("country"),
    word_column("line_type"),
    UniqueConstraint("contact_id", "address_hash"),
    Index("ix_contact_points_address_hash", "address_hash"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("group_slug", Text, nullable=False),
    Column("contact_id", Big, nullable=False),
    PrimaryKeyConstraint("contact_id", "group_slug"),
    Index("ix_memberships_group_slug_contact_id", "group_slug", "contact_id"),
    sqlite_with_rowid=False,
)

# Consent: what holds now, and the ledger of what was said before.

#: With an `import_id` the word is that import's.
consents = Table(
    "consents",
    metadata,
    Column("contact_id", Big, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("media", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    word_column("basis"),
    Column("import_id", Big),
    us_column("at_us", required=True),
    PrimaryKeyConstraint("contact_id", "purpose", "media"),
    sqlite_with_rowid=False,
)

#: Append-only: a trigger holds it. `sheet` and `seq`: under which digest, and at which place.
consent_events = Table(
    "consent_events",
    metadata,
    id_column(),
    Column("contact_id", Big, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("media", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    word_column("basis"),
    word_column("evidence"),
    word_column("source"),
    word_column("via"),
    Column("import_id", Big),
    us_column("at_us", required=True),
    count_column("sheet"),
    count_column("seq"),
    Column("salt", LargeBinary),
    Column("commitment", LargeBinary),
    Index("ix_consent_events_contact_id", "contact_id"),
)

#: One digest for each import or day of the ledger (audience/ledger.py).
consent_sheets = Table(
    "consent_sheets",
    metadata,
    id_column(),
    count_column("events"),
    Column("digest", LargeBinary, nullable=False),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_hash", LargeBinary, nullable=False),
    Column("purpose", Text, nullable=False),
    word_column("reason"),
    word_column("via"),
    us_column("at_us", required=True),
    PrimaryKeyConstraint("address_hash", "purpose"),
    sqlite_with_rowid=False,
)
