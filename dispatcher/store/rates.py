"""How fast each sender may go: as SQL says (invariant 9), before its first use as configured."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from dispatcher.store.tables import senders

Rates = dict[str, tuple[float | None, str]]


def sender_rates(connection: Connection, configured: Mapping[str, tuple[float | None, str]]) -> Rates:
    """Sender → units a second (None: no limit) and the unit, `message` or `segment`."""
    rows = connection.execute(select(senders.c.name, senders.c.rate_per_s, senders.c.rate_unit))
    return {**configured, **{row.name: (row.rate_per_s, row.rate_unit) for row in rows}}
