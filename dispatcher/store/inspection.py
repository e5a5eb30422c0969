"""Single messages as a person looks at them: lists, and everything that is known of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from dispatcher.core.status import Status
from dispatcher.store.by_step import of_campaign
from dispatcher.store.tables import attempts, campaigns, messages, receipts, senders, steps

m = messages.c
_COLUMNS = (
    m.id,
    campaigns.c.slug.label("campaign"),
    campaigns.c.zone,
    campaigns.c.state.label("campaign_state"),
    campaigns.c.state_reason.label("campaign_reason"),
    steps.c.name.label("step"),
    steps.c.occasion,
    m.hop,
    senders.c.name.label("sender"),
    m.status,
    m.reason,
    m.attempt,
    m.provider_id,
    m.provider_code,
    m.segments,
    m.not_before_us,
    m.not_before_rule,
    m.expires_us,
    m.begun_us,
    m.ended_us,
    m.hop_due_us,
)


def _joined(*more: Any) -> Select[Any]:
    return (
        select(*_COLUMNS, *more)
        .join(steps, steps.c.id == m.step_id)
        .join(campaigns, campaigns.c.id == m.campaign_id)
        .outerjoin(senders, senders.c.id == m.sender_id)
    )


def list_messages(connection: Connection, campaign_id: int | None, status: str, limit: int) -> list[Any]:
    """Newest first; `campaign_id` None and `status` "" mean any."""
    statement = _joined()
    order: ColumnElement[int] = m.id
    if campaign_id is not None:
        statement = statement.where(of_campaign(connection, campaign_id))
        order = m.id + 0  # from the newest of all messages back, a campaign of last year is far
    if status:
        statement = statement.where(m.status == status)
    return list(connection.execute(statement.order_by(order.desc()).limit(limit)))


def find_message(connection: Connection, message_id: int) -> Any | None:
    """As listed, with its number and text as they are sealed."""
    return connection.execute(_joined(m.address_sealed, m.body_sealed).where(m.id == message_id)).first()


def earlier_attempts(connection: Connection, message_id: int) -> list[Any]:
    statement = (
        select(attempts, senders.c.name.label("sender"))
        .outerjoin(senders, senders.c.id == attempts.c.sender_id)
        .where(attempts.c.message_id == message_id)
    )
    return list(connection.execute(statement.order_by(attempts.c.attempt)))


def receipts_of(connection: Connection, message_id: int) -> list[Any]:
    """In the order in which they came."""
    columns = (
        *(receipts.c.received_us, receipts.c.occurred_us, receipts.c.attempt, receipts.c.part),
        *(receipts.c.status, receipts.c.reason, receipts.c.code, receipts.c.state),
        *(receipts.c.id, receipts.c.raw_sealed, senders.c.channel),
    )
    joined = select(*columns).outerjoin(senders, senders.c.id == receipts.c.sender_id)
    statement = joined.where(receipts.c.message_id == message_id)
    return list(connection.execute(statement.order_by(receipts.c.id)))


def unknown_after(connection: Connection, campaign_id: int, after_id: int, limit: int) -> Sequence[int]:
    """A page of the messages of a campaign whose end nobody knows."""
    # written so that the primary key does not offer itself: there are few of these among all messages
    of_campaign = (m.campaign_id == campaign_id, m.status == Status.UNKNOWN, m.id + 0 > after_id)
    return connection.execute(select(m.id).where(*of_campaign).order_by(m.id + 0).limit(limit)).scalars().all()
