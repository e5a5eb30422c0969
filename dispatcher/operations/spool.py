"""Ends of attempts that could not be recorded before the process had to go: a 0600 file, read by the next one.

It holds ids, codes and our own words; never a number or a text.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from dispatcher.core.status import Reason
from dispatcher.operations.context import Context
from dispatcher.operations.record import Ended, Withdrawn, record_ends
from dispatcher.spi import outcome as outcomes

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


def _folder(state_dir: Path) -> Path:
    return state_dir / "spool"


def write_spool(state_dir: Path, ended: Sequence[Ended]) -> Path:
    """One file, whole or not at all."""
    folder = _folder(state_dir)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{os.getpid()}-{os.urandom(4).hex()}.jsonl"
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        for one in ended:
            line = {
                "message": one.message_id,
                "attempt": one.attempt,
                "kind": type(one.outcome).__name__,
                "fields": asdict(one.outcome),
                "keep_ids": one.keep_ids,
            }
            file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return partial.rename(path)


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
        context.database.run(partial(_record, context, ended))
        path.unlink(missing_ok=True)
        recorded += len(ended)
    return recorded
