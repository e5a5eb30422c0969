"""Ends of attempts that could not be recorded before the process had to go: a 0600 file, read by the next one.

It holds ids, codes and our own words; never a number or a text, and nothing of what was said on the wire.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from dispatcher.core import outcome as outcomes
from dispatcher.core.errors import IncompleteError, UnavailableError
from dispatcher.core.status import Reason
from dispatcher.operations.context import Context
from dispatcher.operations.logs import log
from dispatcher.operations.record import Ended, Withdrawn, record_ends

_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        outcomes.Accepted,
        outcomes.Rejected,
        outcomes.OptedOut,
        outcomes.Unsupported,
        outcomes.Filtered,
        outcomes.Throttled,
        outcomes.NotSent,
        outcomes.Misconfigured,
        outcomes.Ambiguous,
        Withdrawn,
    )
}


ROOM_BYTES = 256 * 1024
"""Of a file that is written over when ends must be kept: some thousand of them, also where the disk is full."""


def _folder(state_dir: Path) -> Path:
    return state_dir / "spool"


def begin_spool(context: Context) -> None:
    """At the start of each process: record what earlier ones left, and have room for what this one may have to."""
    read_spools(context)
    try:
        keep_room(context.environment.state_dir)
    except OSError as error:
        log.warning("no-room-for-spool", error=error.strerror)


def keep_room(state_dir: Path) -> None:
    """OSError where there is none."""
    room = _room(state_dir)
    room.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not room.exists():
        _write(os.open(room, os.O_RDWR | os.O_CREAT, 0o600), b"\n" * ROOM_BYTES)


def _room(state_dir: Path) -> Path:
    return _folder(state_dir) / "room"


def write_spool(state_dir: Path, ended: Sequence[Ended]) -> Path:
    """One file, whole or not at all. IncompleteError where it cannot be written."""
    folder = _folder(state_dir)
    path = folder / f"{os.getpid()}-{os.urandom(4).hex()}.jsonl"
    partial = path.with_suffix(".partial")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileNotFoundError):
            _room(state_dir).rename(partial)  # one of several processes gets it
        _write(os.open(partial, os.O_RDWR | os.O_CREAT, 0o600), "".join(map(_line, ended)).encode())
        return partial.rename(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise IncompleteError(
            "ends-lost",
            f"what became of {len(ended)} messages could not be written to {folder} ({error.strerror})",
            "They will be held as unknown, and looked up where the provider can be asked. Free some space.",
        ) from None


def _write(descriptor: int, content: bytes) -> None:
    """In the place of what the file held."""
    with os.fdopen(descriptor, "r+b") as file:
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def _line(one: Ended) -> str:
    line = {
        "message": one.message_id,
        "attempt": one.attempt,
        "kind": type(one.outcome).__name__,
        "fields": asdict(one.outcome),
        "keep_ids": one.keep_ids,
    }
    return json.dumps(line) + "\n"


def _read(path: Path) -> list[Ended]:
    ended = []
    for line in path.read_text().splitlines():
        values = json.loads(line)
        fields = values["fields"]
        if "reason" in fields:
            fields["reason"] = Reason(fields["reason"])
        if "provider_ids" in fields:
            fields["provider_ids"] = tuple(fields["provider_ids"])
        outcome = _KINDS[values["kind"]](**fields)
        ended.append(Ended(values["message"], values["attempt"], outcome, values["keep_ids"]))
    return ended


def _record(context: Context, ended: Sequence[Ended], connection: Connection) -> None:
    record_ends(context, connection, ended)


def _record_all(context: Context, ended: Sequence[Ended]) -> int:
    """In one commit; where one of them cannot be recorded, each in its own. How many were."""
    try:
        context.database.run(partial(_record, context, ended))
    except (UnavailableError, OperationalError):
        raise
    except Exception as error:
        if len(ended) > 1:
            return sum(_record_all(context, [one]) for one in ended)
        log.error("end-not-recorded", message=ended[0].message_id, exc_info=error)
        return 0
    return len(ended)


def read_spools(context: Context) -> int:
    """Record what earlier processes left; a file goes only after its commit."""
    recorded = 0
    for path in sorted(_folder(context.environment.state_dir).glob("*.jsonl")):
        try:
            ended = _read(path)
        except FileNotFoundError:
            continue  # another process recorded it meanwhile
        except (ValueError, KeyError, TypeError):
            path.rename(path.with_suffix(".damaged"))  # set aside: what it held is settled as unknown
            continue
        done = _record_all(context, ended)
        if done == len(ended):
            path.unlink(missing_ok=True)
        else:
            with suppress(FileNotFoundError):
                path.rename(path.with_suffix(".damaged"))
        recorded += done
    return recorded
