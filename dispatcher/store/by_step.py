"""All messages of some steps, by the index that is kept for reports.

The index has the expression `step_id + 0`, so that no other statement is led there: statistics know nothing of a step
that began a minute ago, and a planner that takes it for empty would read all of it to find a few people.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Integer, literal_column, select, type_coerce

from dispatcher.store.bulk import any_of
from dispatcher.store.tables import messages, steps
from dispatcher.store.tables.base import Big

_STEP: ColumnElement[int] = type_coerce(messages.c.step_id + literal_column("0", Integer), Big)


def of_steps(connection: Connection, step_ids: Sequence[int]) -> ColumnElement[bool]:
    """What a report reads: every message of these steps, and no other."""
    return any_of(connection, _STEP, step_ids)


def of_campaign(connection: Connection, campaign_id: int) -> ColumnElement[bool]:
    """The same of a whole campaign."""
    ids = connection.execute(select(steps.c.id).where(steps.c.campaign_id == campaign_id)).scalars().all()
    return of_steps(connection, ids)
