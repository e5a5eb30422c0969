"""One process at a time works on an SQLite database: a lock file beside it, freed by the kernel if its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from dispatcher.operations.context import Context


class ProcessLock:
    """An advisory lock on a file. Not inherited, not left behind."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """False while another process holds it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def lock_for(context: Context) -> ProcessLock | None:
    """None on Postgres, where any number of processes may work."""
    if not context.database.is_sqlite or not context.database.url.database:
        return None
    return ProcessLock(Path(f"{context.database.url.database}.lock"))
