"""What people wrote back: kept once, tied to the message it answers, and to the answer it means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from dispatcher.store.tables import answers, contact_points, inbound, messages, steps

m = messages.c


def known_replies(connection: Connection, sender_id: int, provider_ids: Iterable[str]) -> set[str]:
    statement = select(inbound.c.provider_id).where(
        inbound.c.sender_id == sender_id, inbound.c.provider_id.in_(sorted(provider_ids))
    )
    return set(connection.execute(statement).scalars())


def store_reply(connection: Connection, values: dict[str, Any]) -> None:
    connection.execute(insert(inbound).values(**values))


def latest_message(connection: Connection, address_hash: bytes, since_us: int) -> Any | None:
    """The last message that was sent to a number, with the plan that says what its answers mean."""
    statement = (
        select(m.id, m.campaign_id, m.step_id, m.contact_id, m.cell_id, steps.c.plan_id)
        .join(steps, steps.c.id == m.step_id)
        .where(m.address_hash == address_hash, m.begun_us > since_us)
        .order_by(m.begun_us.desc())
        .limit(1)
    )
    return connection.execute(statement).first()


def holders(connection: Connection, address_hash: bytes) -> list[int]:
    """The contacts that share a number."""
    statement = select(contact_points.c.contact_id).where(contact_points.c.address_hash == address_hash).distinct()
    return list(connection.execute(statement).scalars())


def put_answer(connection: Connection, values: dict[str, Any]) -> None:
    """The last answer of a person to a campaign is the one that counts."""
    mine = (answers.c.campaign_id == values["campaign_id"]) & (answers.c.contact_id == values["contact_id"])
    connection.execute(delete(answers).where(mine))
    connection.execute(insert(answers).values(**values))
