"""Whose consent does not allow any more what waits for them again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from dispatcher.audience.consent import may_message
from dispatcher.store.bulk import any_of
from dispatcher.store.tables import campaigns, consents, messages, plans, senders

m, c = messages.c, consents.c


def unwilling(connection: Connection, message_ids: Sequence[int]) -> list[int]:
    """Those of these messages. One statement, and none without messages."""
    if not message_ids:
        return []
    rule = plans.c.document["campaign"]["consent"].as_string()
    statement = (
        select(m.id, senders.c.media, campaigns.c.purpose, rule.label("rule"))
        .add_columns(c.purpose.label("of"), c.media.label("on"), c.granted)
        .select_from(messages)
        .join(senders, senders.c.id == m.sender_id)
        .join(campaigns, campaigns.c.id == m.campaign_id)
        .join(plans, plans.c.id == campaigns.c.plan_id)
        .outerjoin(consents, c.contact_id == m.contact_id)
        .where(any_of(connection, m.id, message_ids))
    )
    asked: dict[int, tuple[str, str, str]] = {}
    said: dict[int, dict[tuple[str, str], bool]] = {}
    for row in connection.execute(statement):
        asked[row.id] = row.purpose, row.media, row.rule or "required"
        words = said.setdefault(row.id, {})
        if row.granted is not None:
            words[row.of, row.on] = row.granted
    return [message_id for message_id, of in asked.items() if not may_message(said[message_id], *of)]
