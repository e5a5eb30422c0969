"""One database belongs to one installation: its keys' fingerprints, its ids, its named leases, its journal of acts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from dispatcher.core import ids
from dispatcher.core.errors import UsageError
from dispatcher.store.bulk import insert_ignore
from dispatcher.store.engine import Database
from dispatcher.store.keys import Keys
from dispatcher.store.tables import id_source, installation, journal, leases


def claim_installation(database: Database, keys: Keys) -> None:
    """Remember our keys' prints on the first run; UsageError where the database was made with others."""
    with database.read() as connection:
        row = connection.execute(select(installation)).first()
    if row is None:
        row = _found(database, keys)
    for name, mine, theirs in (
        ("suppression key", keys.suppression_print, row.suppression_print),
        ("secret key", keys.secret_print, row.secret_print),
    ):
        if mine != theirs:
            raise UsageError(
                "other-keys",
                f"this database was made with another {name} (its print is {theirs}, ours is {mine})",
                "Use the key files of the installation that made it (DISPATCHER_STATE_DIR), or another database.",
            )


def _found(database: Database, keys: Keys) -> Any:
    values = {
        "id": 1,
        "suppression_print": keys.suppression_print,
        "secret_print": keys.secret_print,
        "created_us": database.now_us(),
    }
    with database.begin() as connection:
        insert_ignore(connection, installation, [values])
        return connection.execute(select(installation)).one()


def take_ids(connection: Connection, count: int, now_us: int, name: str = "main") -> range:
    """`count` fresh ids, ascending. The row stays locked until the commit, so take them late in a transaction."""
    floor = ids.floor_at(now_us)
    source = id_source.c
    raised = update(id_source).where(source.name == name, source.next_id < floor).values(next_id=floor)
    taken = (
        update(id_source).where(source.name == name).values(next_id=source.next_id + count).returning(source.next_id)
    )
    connection.execute(raised)
    end = connection.execute(taken).scalar()
    if end is None:
        insert_ignore(connection, id_source, [{"name": name, "next_id": floor}])
        end = connection.execute(taken).scalar_one()
    return range(end - count, end)


class IdBlock:
    """Ids taken from the database a block at a time, in a transaction of their own."""

    def __init__(self, database: Database, size: int = 2000) -> None:
        self._database = database
        self._size = size
        self._left: range = range(0)

    def take(self, count: int) -> range:
        """`count` ascending ids; what is left of the last block is skipped where it is too short."""
        if len(self._left) < count:
            with self._database.begin() as connection:
                self._left = take_ids(connection, max(self._size, count), self._database.now_us())
        taken, self._left = self._left[:count], self._left[count:]
        return taken


def new_token() -> int:
    """Names a claim or a lease; 62 random bits."""
    return secrets.randbits(62)


def take_lease(connection: Connection, name: str, token: int, now_us: int, length_us: int) -> bool:
    """Hold or renew a named lease; False while another token holds it."""
    insert_ignore(connection, leases, [{"name": name, "token": 0, "until_us": 0}])
    free = or_(leases.c.until_us <= now_us, leases.c.token == token)
    taken = connection.execute(
        update(leases).where(and_(leases.c.name == name, free)).values(token=token, until_us=now_us + length_us)
    )
    return taken.rowcount == 1


def release_lease(connection: Connection, name: str, token: int) -> None:
    connection.execute(update(leases).where(leases.c.name == name, leases.c.token == token).values(until_us=0))


def record_act(
    connection: Connection, now_us: int, actor: str, verb: str, subject: str, details: Mapping[str, Any] | None = None
) -> None:
    """Who did what: approvals, pauses, settlements. `details` never hold a number, a name or a text."""
    (identifier,) = take_ids(connection, 1, now_us)
    connection.execute(
        journal.insert().values(
            id=identifier, at_us=now_us, actor=actor, verb=verb, subject=subject, details=dict(details or {})
        )
    )


def one_at_a_time(connection: Connection, what: str) -> None:
    """Until the commit, nobody else does this: where rows do not exist yet, there is nothing else to lock.

    On SQLite a transaction that writes is alone anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"dispatcher:{what}", 0))))
