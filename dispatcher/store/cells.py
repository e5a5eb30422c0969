"""Where people belong for reports: kelurahan, role and groups, each combination once (see tables.cells)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from dispatcher.audience.recipient import Recipient
from dispatcher.store.bulk import insert_ignore
from dispatcher.store.installation import take_ids
from dispatcher.store.tables import cells

Key = tuple[str, str, str]


def cell_key(recipient: Recipient) -> Key:
    """Region, role and groups (sorted, comma-separated)."""
    return (recipient.region, recipient.role, ",".join(recipient.groups))


class Cells:
    """Cell ids by key, remembered for the life of an expansion. There are some thousands, not one per person."""

    def __init__(self) -> None:
        self._known: dict[Key, int] = {}

    def ids(self, connection: Connection, keys: Iterable[Key], now_us: int) -> dict[Key, int]:
        """Every key's id, making what is new. `connection` must commit for them to stay."""
        missing = sorted(set(keys) - self._known.keys())
        if missing:
            fresh = take_ids(connection, len(missing), now_us)
            rows = [
                {"id": i, "region": region, "role": role, "groups": groups}
                for i, (region, role, groups) in zip(fresh, missing, strict=True)
            ]
            insert_ignore(connection, cells, rows)
            regions = {region for region, _, _ in missing}
            statement = select(cells.c.region, cells.c.role, cells.c.groups, cells.c.id).where(
                cells.c.region.in_(regions)
            )
            self._known.update({(r.region, r.role, r.groups): r.id for r in connection.execute(statement)})
        return self._known
