"""Attempts whose end nobody knows, and what settles them (invariant 4)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, case, select, update

from dispatcher.delivery.machine import LOST
from dispatcher.store.bulk import any_of
from dispatcher.store.tables import messages, steps

m = messages.c
LOOK_UP = "look-up"


def senders_with_unknown(connection: Connection) -> set[int]:
    return set(connection.execute(select(m.sender_id).where(m.status == "unknown").distinct()).scalars())


def due_for_look_up(connection: Connection, sender_id: int, begun_before_us: int, now_us: int, limit: int) -> list[Any]:
    """Unknown rows old enough for the provider's list to be complete; each is asked about now and then.

    Of people who were erased there is no number to ask with: a receipt or a person settles those.
    """
    statement = (
        select(m.id, m.attempt, m.begun_us, m.address_sealed, m.body_sealed, m.provider_id, m.not_before_rule)
        .where(
            m.status == "unknown",
            m.sender_id == sender_id,
            m.begun_us <= begun_before_us,
            m.not_before_us <= now_us,
            m.address_sealed.is_not(None),
            m.body_sealed.is_not(None),
        )
        .order_by(m.begun_us)
        .limit(limit)
    )
    return list(connection.execute(statement))


def ask_again_at(connection: Connection, ids: list[int], instant_us: int) -> None:
    connection.execute(
        update(messages)
        .where(any_of(connection, m.id, sorted(ids)), m.status == "unknown")
        .values(not_before_us=instant_us, not_before_rule=case((m.not_before_rule == LOST, LOST), else_=LOOK_UP))
    )


def unknown_of_steps(connection: Connection, begun_before_us: int, after_id: int, limit: int) -> list[Any]:
    """Unknown rows with the plan and step that say what to do about them, ascending by id.

    Without those of a time that the database lost: the campaign's `on_unknown` was not meant for them (invariant 16).
    """
    statement = (
        select(m.id, m.sender_id, steps.c.plan_id, steps.c.name)
        .join(steps, steps.c.id == m.step_id)
        # written so that the primary key does not offer itself: there are few of these among all messages
        .where(m.status == "unknown", m.begun_us <= begun_before_us, m.not_before_rule != LOST, m.id + 0 > after_id)
        .order_by(m.id + 0)
        .limit(limit)
    )
    return list(connection.execute(statement))
