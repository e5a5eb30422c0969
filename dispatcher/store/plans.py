"""Plans: stored under their fingerprint, approved by someone else, applied as they are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, false, select, update

from dispatcher.store.installation import take_ids
from dispatcher.store.keys import Keys
from dispatcher.store.tables import plans


def store_plan(connection: Connection, keys: Keys, now_us: int, values: dict[str, Any], samples: str) -> int:
    """A new row for each planning: what was approved is one of them."""
    (identifier,) = take_ids(connection, 1, now_us)
    sealed = keys.sealer.seal("plans.samples", identifier, samples)
    connection.execute(plans.insert().values(id=identifier, created_us=now_us, samples_sealed=sealed, **values))
    return identifier


def find_plan(
    connection: Connection, fingerprint: str, slug: str = "", *, ready: bool = False, is_waived: bool = False
) -> Any | None:
    """The newest plan whose fingerprint begins so; `ready`: approved, or with `is_waived` in no need of it."""
    statement = select(plans).where(plans.c.fingerprint.startswith(fingerprint, autoescape=True))
    if slug:
        statement = statement.where(plans.c.slug == slug)
    if ready:
        needless = plans.c.waived if is_waived else false()
        statement = statement.where(plans.c.approved_us.is_not(None) | needless)
    return connection.execute(statement.order_by(plans.c.id.desc()).limit(1)).first()


def fingerprints_and_authors(connection: Connection, fingerprint: str, slug: str) -> tuple[set[str], set[str]]:
    """All that begin so, and everyone who planned one of them."""
    statement = select(plans.c.fingerprint, plans.c.author).where(
        plans.c.fingerprint.startswith(fingerprint, autoescape=True), plans.c.slug == slug
    )
    rows = connection.execute(statement).all()
    return {row.fingerprint for row in rows}, {row.author for row in rows}


def plan_by_id(connection: Connection, plan_id: int) -> Any:
    return connection.execute(select(plans).where(plans.c.id == plan_id)).one()


def approve(connection: Connection, plan_id: int, approver: str, approver_os: str, now_us: int) -> None:
    connection.execute(
        update(plans)
        .where(plans.c.id == plan_id, plans.c.approved_us.is_(None))
        .values(approver=approver, approver_os=approver_os, approved_us=now_us)
    )
