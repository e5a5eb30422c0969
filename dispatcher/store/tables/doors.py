"""Attendance: the links by which officers check people in, the codes of those invited, and guests without a code."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from dispatcher.store.tables.base import Big, id_column, metadata, us_column, word_column

#: `after_us`: for how long after the end of its session, which may still move, a link serves. `filled_us`: up to when
#: invitations were looked through for codes.
doors = Table(
    "doors",
    metadata,
    id_column(),
    Column("session_slug", Text, ForeignKey("sessions.slug"), nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    word_column("label"),
    us_column("after_us", required=True),
    us_column("filled_us", required=True),
    us_column("created_us", required=True),
    word_column("created_by"),
    us_column("revoked_us"),
    Index("ix_doors_session_slug", "session_slug"),
)

#: Filled from invitations when a door needs them; `code`: 40 bits, made anew from the keys at any time.
door_codes = Table(
    "door_codes",
    metadata,
    Column("session_slug", Text, nullable=False),
    Column("contact_id", Big, nullable=False),
    Column("code", Big, nullable=False),
    PrimaryKeyConstraint("session_slug", "contact_id"),
    Index("ix_door_codes_code", "code"),
    Index("ix_door_codes_contact_id", "contact_id"),
    sqlite_with_rowid=False,
)

#: Guests whom nobody knows: counted, and nothing of them is kept. `ref` names the request, so that it counts once.
guests = Table(
    "guests",
    metadata,
    id_column(),
    Column("session_slug", Text, ForeignKey("sessions.slug"), nullable=False),
    Column("ref", Text, nullable=False),
    word_column("group_slug"),
    word_column("via"),
    us_column("at_us", required=True),
    UniqueConstraint("session_slug", "ref"),
)
