"""Where people belong for reports: kelurahan, role and groups, each combination once (see tables.cells)."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping

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
    """Cell ids by key, remembered for the life of an expansion. There are some thousands, not one per person.

    What a transaction made is remembered for good only once that is known to be committed.
    """

    def __init__(self) -> None:
        self._known: dict[Key, int] = {}
        self._new: dict[Key, int] = {}

    def begin(self) -> None:
        """A transaction begins: what the one before made may have been rolled back."""
        self._new.clear()

    def committed(self) -> None:
        self._known.update(self._new)
        self._new.clear()

    def ids(self, connection: Connection, keys: Iterable[Key], now_us: int) -> Mapping[Key, int]:
        """Every key's id, making what is new."""
        wanted = set(keys) - self._new.keys()
        if not wanted <= self._known.keys():
            self._read(connection)
            self._make(connection, sorted(wanted - self._known.keys()), now_us)
        return ChainMap(self._new, self._known) if self._new else self._known

    def _read(self, connection: Connection) -> None:
        """What was made since the last reading, by whomever: ids ascend."""
        newest = max(self._known.values(), default=0)
        statement = select(cells.c.region, cells.c.role, cells.c.groups, cells.c.id).where(cells.c.id > newest)
        found = {(row[0], row[1], row[2]): row[3] for row in connection.execute(statement).all()}
        self._known.update((key, cell_id) for key, cell_id in found.items() if key not in self._new)

    def _make(self, connection: Connection, missing: list[Key], now_us: int) -> None:
        if not missing:
            return
        fresh = take_ids(connection, len(missing), now_us)
        rows = [
            {"id": i, "region": region, "role": role, "groups": groups}
            for i, (region, role, groups) in zip(fresh, missing, strict=True)
        ]
        if insert_ignore(connection, cells, rows) == len(rows):
            self._new.update(zip(missing, fresh, strict=True))
            return
        for region, role, groups in missing:
            mine = (cells.c.region == region) & (cells.c.role == role) & (cells.c.groups == groups)
            self._new[region, role, groups] = connection.execute(select(cells.c.id).where(mine)).scalar_one()
