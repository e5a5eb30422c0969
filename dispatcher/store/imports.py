"""The record of an import: what was read, on what basis, by whom. A file read again continues its own record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select, update

from dispatcher.store.bulk import insert_ignore
from dispatcher.store.engine import Database
from dispatcher.store.installation import IdBlock
from dispatcher.store.tables import imports


@dataclass(frozen=True, slots=True)
class Provenance:
    """`options`: what else decides how the rows are read; the same file with the same options is the same import."""

    file_sha256: str
    source: str
    basis: str
    evidence: str
    purpose: str
    actor: str
    options: Mapping[str, Any]


@dataclass(slots=True)
class ImportRecord:
    """Stored with the first batch that writes; an import that changes nothing leaves no trace."""

    id: int
    provenance: Provenance
    started_us: int
    is_stored: bool = False
    is_finished: bool = False
    wrote: bool = False
    counts: dict[str, Any] = field(default_factory=dict)

    def begin(self, connection: Connection) -> None:
        """In the transaction of a batch. Repeating it is harmless: that transaction may not have been committed."""
        if self.wrote:
            return
        values = {
            "id": self.id,
            "file_sha256": self.provenance.file_sha256,
            "source": self.provenance.source,
            "basis": self.provenance.basis,
            "evidence": self.provenance.evidence,
            "purpose": self.provenance.purpose,
            "actor": self.provenance.actor,
            "started_us": self.started_us,
            "counts": {"options": dict(self.provenance.options)},
        }
        insert_ignore(connection, imports, [values])

    def finish(self, database: Database, counts: Mapping[str, int]) -> None:
        """Sums up, unless nothing was written and an earlier run has done so."""
        if not self.wrote and (self.is_finished or not self.is_stored):
            return
        total = {**counts, **{name: counts[name] + int(self.counts.get(name, 0)) for name in ("created", "updated")}}
        with database.begin() as connection:
            connection.execute(
                update(imports)
                .where(imports.c.id == self.id)
                .values(finished_us=database.now_us(), counts={**total, "options": dict(self.provenance.options)})
            )


def open_record(database: Database, ids: IdBlock | None, provenance: Provenance) -> ImportRecord:
    """The latest record of this very import, else a new one that is not stored yet; its id is 0 without `ids`."""
    with database.read() as connection:
        rows = connection.execute(
            select(imports).where(imports.c.file_sha256 == provenance.file_sha256).order_by(imports.c.id.desc())
        )
        for row in rows:
            same = all(
                getattr(row, name) == getattr(provenance, name) for name in ("source", "basis", "evidence", "purpose")
            )
            if same and row.counts.get("options") == dict(provenance.options):
                return ImportRecord(
                    row.id,
                    provenance,
                    row.started_us,
                    is_stored=True,
                    is_finished=row.finished_us is not None,
                    counts=row.counts,
                )
    return ImportRecord(ids.take(1)[0] if ids else 0, provenance, database.now_us())
