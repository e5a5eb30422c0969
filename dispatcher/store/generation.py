"""How a database that was restored from a backup is told from the one that sent last (invariant 16).

While anything works on it, the database's generation counts up, about once a second. Every process that sends keeps the
highest one it saw in a file of its state folder, beside the database: a database that shows less has lost time. Marking
it as restored begins an era, higher than all generations of the one before, whoever kept them.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from dispatcher.core.clock import SECOND_US
from dispatcher.store.tables import installation, leases, restores

ERA = 1 << 32
TICK = "tick"
TICK_LEASE_US = 5 * SECOND_US
_WIDTH = 20


class Position(NamedTuple):
    """Which database it is, by the instant of its founding, and where it stands."""

    created_us: int
    generation: int


class Lost(NamedTuple):
    """A time of which the database knows nothing: from the backup until it was marked as restored."""

    since_us: int
    until_us: int


def read(connection: Connection) -> Position | None:
    """None before the first use."""
    # the claims of every sender ask this: a plain string is half the price of a statement that is built
    row = connection.exec_driver_sql("SELECT created_us, generation FROM installation").first()
    return None if row is None else Position(*row)


def advance(connection: Connection) -> Position | None:
    """By one; holds once committed."""
    i = installation.c
    row = connection.execute(
        update(installation).values(generation=i.generation + 1).returning(i.created_us, i.generation)
    ).first()
    return None if row is None else Position(*row)


def begin_era(connection: Connection, at_least: int, lost: Lost, marked_by: str) -> int:
    """The database counts as the newest again. Returns its generation."""
    found = read(connection)
    generation = (max(at_least, found.generation if found else 0) // ERA + 1) * ERA
    connection.execute(update(installation).values(generation=generation))
    connection.execute(
        insert(restores).values(id=generation, since_us=lost.since_us, until_us=lost.until_us, marked_by=marked_by)
    )
    return generation


def lost_times(connection: Connection) -> list[Lost]:
    """Earliest first; hardly ever any."""
    statement = select(restores.c.since_us, restores.c.until_us).order_by(restores.c.since_us)
    return [Lost(*row) for row in connection.execute(statement)]


def last_worked_us(connection: Connection) -> int | None:
    """When the last tick was, by what the database itself remembers."""
    until_us = connection.execute(select(leases.c.until_us).where(leases.c.name == TICK)).scalar()
    return until_us - TICK_LEASE_US if until_us else None


def is_worked_on(connection: Connection, now_us: int) -> bool:
    """Whether some process ticked lately."""
    until_us = connection.execute(select(leases.c.until_us).where(leases.c.name == TICK)).scalar()
    return until_us is not None and until_us > now_us


class Kept:
    """The copy beside one database: a 0600 file that only grows, whoever of several processes writes it."""

    def __init__(self, state_dir: Path, created_us: int) -> None:
        self._path = state_dir / "generation" / str(created_us)

    def read(self) -> int:
        """0 where there is none, or none that can be read."""
        try:
            return int(self._path.read_text() or 0)
        except (OSError, ValueError):
            return 0

    def raise_to(self, generation: int) -> None:
        """OSError where the folder cannot be written."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if generation > self.read():
                os.pwrite(descriptor, f"{generation:0{_WIDTH}}\n".encode(), 0)
        finally:
            os.close(descriptor)
