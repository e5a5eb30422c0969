"""Which attributes contacts have, and of what type: from the settings, and from the columns of imported files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from sqlalchemy import Connection, select

from dispatcher.audience.selection import AttributeType
from dispatcher.store.bulk import insert_ignore
from dispatcher.store.tables import attribute_types


def declared(connection: Connection, settings: Mapping[str, AttributeType]) -> dict[str, AttributeType]:
    """Name → type; the settings' word counts."""
    rows = connection.execute(select(attribute_types.c.name, attribute_types.c.type))
    return {**{row.name: cast("AttributeType", row.type) for row in rows}, **settings}


def declare(connection: Connection, types: Mapping[str, AttributeType], import_id: int | None = None) -> None:
    """The first file that brings an attribute sets its type; later ones are read by it."""
    rows = [{"name": name, "type": kind, "import_id": import_id} for name, kind in sorted(types.items())]
    insert_ignore(connection, attribute_types, rows)
