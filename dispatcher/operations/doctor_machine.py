"""The part of `doctor` that looks at the machine: packages, folders, disk, broker."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

from dispatcher.operations.finding import Finding, bad, good
from dispatcher.settings import Environment
from dispatcher.store.engine import sqlite_path

_OLDEST_PYTHON = (3, 11)
_LEAST_FREE_BYTES = 500 * 1024 * 1024
_BROKER_TIMEOUT_S = 3.0
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def packages(environment: Environment) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    missing = sorted(name for name in _required() if not _installed(name))
    if sys.version_info < _OLDEST_PYTHON:
        yield bad("python", f"Python {version} is too old", "Install Python 3.11 or newer.")
    elif missing:
        yield bad("python", f"not installed: {', '.join(missing)}", "Install Dispatcher again, with its dependencies.")
    else:
        yield good("python", f"Python {version}, all packages are there")


def _required() -> Iterator[str]:
    """Without optional ones and those of other systems."""
    for line in requires("dispatcher") or ():
        name = _NAME.match(line)
        if name and ";" not in line:
            yield name[0]


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def state_folder(environment: Environment) -> Iterator[Finding]:
    """Keys are for this user only."""
    folder = environment.state_dir
    if not folder.exists():
        yield good("state folder", f"{folder} is made on the first run")
        return
    open_to_others = [path for path in (folder, *folder.glob("*.key")) if _mode(path) & 0o077]
    for path in open_to_others:
        mode = "700" if path == folder else "600"
        yield bad("state folder", f"{path} can be read by others ({_mode(path):03o})", f"Run: chmod {mode} {path}")
    if not os.access(folder, os.W_OK | os.X_OK):
        fix = "Set DISPATCHER_STATE_DIR to a folder that this user can write."
        yield bad("state folder", f"{folder} cannot be written", fix)
    elif not open_to_others:
        yield good("state folder", f"{folder} is for this user only")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def disk(environment: Environment) -> Iterator[Finding]:
    database = sqlite_path(environment.database_url)
    for folder in sorted({_existing(path) for path in (environment.state_dir, database and database.parent) if path}):
        free = shutil.disk_usage(folder).free
        detail = f"{free // (1024 * 1024):,} MiB free at {folder}"
        if free < _LEAST_FREE_BYTES:
            yield bad("disk", detail, "Free some space; sending stops where the disk is full.")
        else:
            yield good("disk", detail)


def _existing(path: Path) -> Path:
    """The folder itself, or the nearest one above that is there already."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def broker(environment: Environment) -> Iterator[Finding]:
    """Never its address: it may hold a password."""
    url = environment.broker_url
    if not url:
        yield good("broker", "none: everything runs in one process")
        return
    from kombu.connection import Connection

    try:
        with Connection(url, connect_timeout=_BROKER_TIMEOUT_S) as connection:  # type: ignore[no-untyped-call]
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_BROKER_TIMEOUT_S)
    except Exception as error:  # whatever the transport's library raises
        hint = "Start Redis, or correct CELERY_BROKER_URL; without it, one process does everything."
        yield bad("broker", f"does not answer ({type(error).__name__})", hint)
    else:
        yield good("broker", "answers")
