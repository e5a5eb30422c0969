"""Nothing is sent from a database that is older than what was sent already (invariant 16)."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection

from dispatcher.core.clock import iso
from dispatcher.core.errors import UnavailableError
from dispatcher.operations.logs import log
from dispatcher.store import generation
from dispatcher.store.engine import Database
from dispatcher.store.generation import Kept, Position

_KEEP_EVERY_S = 1.0
_SAY_EVERY_S = 60.0


class Generation:
    """What one process knows of its database's generation; its threads share it.

    Asked in the transaction of each claim, so that a database that is restored under a running worker is noticed before
    anything of it is sent. One statement and a look at a number; the file is read once and written once a second.
    """

    def __init__(self, database: Database, state_dir: Path) -> None:
        self._database = database
        self._state_dir = state_dir
        self._kept: Kept | None = None
        self._highest = 0
        self._kept_at = self._advanced_at = float("-inf")
        self._said_at: dict[str, float] = {}
        self._file = _identity(database)

    def require(self, connection: Connection) -> None:
        """UnavailableError, with the command that mends it, where the database is older than what this machine knows.

        As while the database is away, nothing is lost by waiting: once it was marked, work goes on.
        """
        self._require_same_file()
        position = generation.read(connection)
        if position is None:
            return
        known = self._known(position)
        if position.generation < known:
            position = generation.read(connection)  # others may have committed and kept it since the first look
        if position is None or position.generation < known:
            raise self._said(restored_error(connection))
        self.keep(position)

    def _said(self, error: UnavailableError) -> UnavailableError:
        """Logged now and then: tasks end quietly at this kind of error."""
        if time.monotonic() - self._said_at.get(error.code, float("-inf")) > _SAY_EVERY_S:
            self._said_at[error.code] = time.monotonic()
            log.error(error.code, message=error.message, hint=error.hint)
        return error

    def _known(self, position: Position) -> int:
        if self._kept is None:
            self._kept = Kept(self._state_dir, position.created_us)
            self._highest = self._kept.read()
        return self._highest

    def kept(self, connection: Connection) -> int:
        """The highest generation this machine knows of."""
        position = generation.read(connection)
        return self._known(position) if position else 0

    def advance(self, connection: Connection) -> Position | None:
        """At the start and for every tick: count on, about once a second. `keep` the answer once it is committed."""
        self.require(connection)
        if time.monotonic() - self._advanced_at < _KEEP_EVERY_S:
            return None
        self._advanced_at = time.monotonic()
        return generation.advance(connection)

    def keep(self, position: Position | None) -> None:
        """Committed positions only: what is kept must never be ahead of the database."""
        if position is None or position.generation <= self._known(position):
            return
        self._highest = position.generation
        if self._kept is None or time.monotonic() - self._kept_at < _KEEP_EVERY_S:
            return
        self._kept_at = time.monotonic()
        try:
            self._kept.raise_to(position.generation)
        except OSError as error:
            log.warning("generation-not-kept", error=type(error).__name__)

    def _require_same_file(self) -> None:
        """SQLite: whoever has a file open goes on with it though another one was put in its place."""
        if self._file is None or (found := _identity(self._database)) in (None, self._file):
            return
        self._database.close()  # the next connection opens the new one
        self._file = found
        raise self._said(UnavailableError("database-replaced", "another file was put in the place of the database"))


def _identity(database: Database) -> tuple[int, int] | None:
    if database.is_sqlite and database.url.database:
        with suppress(OSError):
            found = Path(database.url.database).stat()
            return found.st_dev, found.st_ino
    return None


def restored_error(connection: Connection) -> UnavailableError:
    """`--since` in the hint: when the database was last worked on, as it remembers it."""
    since = iso(generation.last_worked_us(connection)) or "TIME-OF-THE-BACKUP"
    return UnavailableError(
        "database-restored",
        "the database is older than what was sent from it: it was restored from a backup, or lags behind",
        f"Nothing is sent before this ran: dispatcher db mark-restored --since {since} --by WHO",
    )


def is_older(connection: Connection, state_dir: Path) -> bool:
    """Without keeping anything."""
    position = generation.read(connection)
    return position is not None and position.generation < Kept(state_dir, position.created_us).read()
