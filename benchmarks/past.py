"""A past for an installation: finished campaigns by the hundred thousand, made by SQL from one that was really sent.

Their people are the contacts of that campaign and copies of them, the same in each campaign. Rows lie as they do after
years: a campaign's together, vacuumed and analysed. Sealed fields are copies too, which nobody can open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, select, text

from dispatcher.core.clock import DAY_US
from dispatcher.core.ids import SEQUENCE_BITS, floor_at
from dispatcher.operations.context import Context
from dispatcher.store import tally
from dispatcher.store.reports import counted_again
from dispatcher.store.tables import (
    answers,
    attempts,
    campaigns,
    contact_points,
    contacts,
    links,
    messages,
    receipts,
    steps,
    tallies,
)

CAMPAIGN_SIZE = 100_000
"""People of a finished campaign."""

_PER_S = 5_000
_SECOND = 1 << SEQUENCE_BITS
_HASHES = {True: "substr(sha256(t.address_hash || n::text::bytea), 1, 16)", False: "randomblob(16)"}
_TOKENS = {True: "sha256(m.id::text::bytea)", False: "randomblob(32)"}
_STATUS = """
CASE WHEN p.i % 20 < 13 THEN 'delivered' WHEN p.i % 20 < 16 THEN 'read' WHEN p.i % 20 < 17 THEN 'failed'
WHEN p.i % 20 < 18 THEN 'sent' ELSE 'accepted' END
"""
_FAILED = "CASE WHEN p.i % 20 = 16 THEN '{}' ELSE '' END"


def store_past(context: Context, slug: str, count: int, people: int) -> list[str]:
    """So many messages beside those of the campaign `slug`, which was sent; the slugs of their campaigns.

    `people`: how many there are to be of the past, at least those of a campaign.
    """
    with context.database.begin() as connection:
        origin = connection.execute(select(campaigns.c.id).where(campaigns.c.slug == slug)).scalar_one()
        _people(connection, origin, people, context.now_us())
    slugs = []
    for start in range(0, count, CAMPAIGN_SIZE):
        days = (count - start) // CAMPAIGN_SIZE + 1
        slugs.append(f"lama-{days}")
        size = min(CAMPAIGN_SIZE, count - start)
        with context.database.begin() as connection:
            _campaign(connection, origin, slugs[-1], size, context.now_us() - days * DAY_US)
    _settle(context)
    return slugs


def _copy(connection: Connection, table: Table, changed: Mapping[str, Any], source: str) -> None:
    """Rows of `t` in `source`, with other values for some columns."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    values = ", ".join(str(changed.get(column.name, f't."{column.name}"')) for column in table.columns)
    connection.execute(text(f'INSERT INTO "{table.name}" ({names}) SELECT {values} FROM {source}'))


def _people(connection: Connection, campaign_id: int, count: int, now_us: int) -> None:
    """Table `past_people`: a number from 0, the contact, and the message whose row is copied for each campaign."""
    is_postgres = connection.dialect.name == "postgresql"
    connection.execute(
        text(
            "CREATE TABLE past_people (i bigint PRIMARY KEY, contact_id bigint, address_hash "
            f"{'bytea' if is_postgres else 'blob'}, origin bigint)"
        )
    )
    whose = f"campaign_id = {campaign_id}"
    there = connection.execute(text(f"SELECT count(*) FROM messages WHERE {whose}")).scalar_one()
    first = floor_at(now_us - 1000 * DAY_US)
    connection.execute(
        text(
            f"""
            INSERT INTO past_people
            WITH RECURSIVE copies(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM copies WHERE n < {count // there}),
            placed AS (
                SELECT row_number() OVER (ORDER BY n, t.id) - 1 AS i, n, t.id, t.contact_id, t.address_hash,
                {_HASHES[is_postgres]} AS made FROM messages t CROSS JOIN copies WHERE {whose}
            )
            SELECT i, CASE WHEN n = 0 THEN contact_id ELSE {first} + i END,
            CASE WHEN n = 0 THEN address_hash ELSE made END, id FROM placed WHERE i < {count}
            """
        )
    )
    copied = f"JOIN messages m ON m.id = p.origin WHERE p.i >= {there}"
    source = f"past_people p {copied.replace('WHERE', 'JOIN contacts t ON t.id = m.contact_id WHERE')}"
    _copy(connection, contacts, {"id": "p.contact_id", "identity_hash": "NULL"}, source)
    source = source.replace("JOIN contacts t ON t.id", "JOIN contact_points t ON t.contact_id")
    source = source.replace("WHERE", "AND t.address_hash = m.address_hash WHERE")
    changed = {"id": "p.contact_id", "contact_id": "p.contact_id", "address_hash": "p.address_hash"}
    _copy(connection, contact_points, changed, source)


def _campaign(connection: Connection, origin: int, slug: str, size: int, at_us: int) -> None:
    """One step, expanded and sent `_PER_S` a second; most were delivered."""
    campaign_id = floor_at(at_us)
    step_id, first = campaign_id + 1, campaign_id + _SECOND
    ended = {"state": "'done'", "applied_us": at_us, "state_us": at_us + DAY_US}
    _copy(
        connection,
        campaigns,
        {**ended, "id": campaign_id, "slug": f"'{slug}'"},
        f"campaigns t WHERE t.id = {origin}",
    )
    times = {"due_us": at_us, "started_us": at_us, "expanded_us": at_us + 20_000_000, "expires_us": at_us + DAY_US}
    of = {"id": step_id, "campaign_id": campaign_id, "state": "'done'", "finished_us": at_us + DAY_US}
    of |= {"selected": size, "pending": 0}
    _copy(connection, steps, {**times, **of}, f"steps t WHERE t.campaign_id = {origin}")
    changed = {
        "id": f"{first} + (p.i / {_PER_S}) * {_SECOND} + p.i % {_PER_S}",
        "step_id": step_id,
        "campaign_id": campaign_id,
        "contact_id": "p.contact_id",
        "address_hash": "p.address_hash",
        "expires_us": times["expires_us"],
        "begun_us": f"{at_us} + p.i * 200",
        "ended_us": f"{at_us} + p.i * 200",
        "status": _STATUS,
        "reason": _FAILED.format("unreachable"),
        "provider_code": _FAILED.format("30003"),
    }
    people = f"past_people p JOIN messages t ON t.id = p.origin WHERE p.i < {size} ORDER BY p.i"
    _copy(connection, messages, changed, people)
    _beside(connection, step_id)
    counted = counted_again(connection, step_id)
    rows = [{**key._asdict(), "slot": 0, "n": n} for key, n in counted.items()]
    connection.execute(tallies.insert(), rows)


def _beside(connection: Connection, step_id: int) -> None:
    """What sending leaves in other tables: some were sent again, most were told of, some opened a page or answered."""
    token = _TOKENS[connection.dialect.name == "postgresql"]
    mine = f"messages m WHERE m.step_id + 0 = {step_id} AND"
    for table, columns, values, which in (
        (attempts, "message_id, attempt, sender_id, status, reason", "m.id, 0, m.sender_id, 'failed', 'not_sent'", 50),
        (
            receipts,
            "id, sender_id, received_us, state, message_id, attempt, provider_id, status",
            "m.id, m.sender_id, m.ended_us, 'folded', m.id, 1, m.provider_id, m.status",
            2,
        ),
        (
            links,
            "token_hash, message_id, step_id, campaign_id, contact_id, cell_id, expires_us, visited_us",
            f"{token}, m.id, m.step_id, m.campaign_id, m.contact_id, m.cell_id, m.expires_us, "
            "CASE WHEN m.id % 25 = 0 THEN m.ended_us END",
            5,
        ),
        (
            answers,
            "campaign_id, contact_id, meaning, step_id, message_id, cell_id, via, at_us",
            "m.campaign_id, m.contact_id, 'ya', m.step_id, m.id, m.cell_id, 'link', m.ended_us",
            20,
        ),
    ):
        connection.execute(text(f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM {mine} m.id % {which} = 0"))


def _settle(context: Context) -> None:
    """As the database's own upkeep would have done long ago."""
    with context.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if context.database.is_sqlite else "VACUUM (ANALYZE)"))


def assert_counted(context: Context) -> None:
    """Invariant 11, for each step as `dispatcher doctor` looks at it."""
    with context.database.read() as connection:
        for step in connection.execute(select(steps)).all():
            kept = tally.read(connection, [step.id])
            people = sum(n for key, n in kept.items() if key.hop == tally.PEOPLE)
            if dict(kept) != dict(counted_again(connection, step.id)) or step.selected != people + step.pending:
                raise SystemExit(f"the counters of step {step.id} disagree with its rows")
