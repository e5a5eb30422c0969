"""Mark a database as restored from a backup: nothing of it is sent again by itself (invariant 16).

Between the backup and now, the lost part may have sent anything that was open or due. All of that becomes `unknown`,
and is settled by receipts, look-ups or a person. Steps that were due in that time and are expanded only later, and hops
that follow from attempts of that time, are held in the same way when their rows are made (store/lost.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from dispatcher.core.clock import iso, to_us
from dispatcher.core.errors import UsageError
from dispatcher.core.status import Status
from dispatcher.operations.context import Context
from dispatcher.operations.settle import settle_times
from dispatcher.store import generation, lost
from dispatcher.store.generation import Lost
from dispatcher.store.installation import record_act
from dispatcher.store.reply_queue import lose_replies

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Restored:
    """What was stopped and what is held. `held`: messages by the status they had."""

    lost: Lost
    generation: int
    campaigns: int
    senders: int
    held: Counter[Status]

    def as_dict(self) -> dict[str, Any]:
        return {
            "since": iso(self.lost.since_us),
            "until": iso(self.lost.until_us),
            "generation": self.generation,
            "campaigns_paused": self.campaigns,
            "senders_paused": self.senders,
            "unknown": {status.value: self.held[status] for status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)},
        }


def mark_restored(context: Context, since_us: int, by: str = "") -> Restored:
    """UsageError where the backup would be of the future. Stopped in the middle, run it again.

    A database that was worked on for the last time before `since_us` lost what came after that instant.
    """
    now_us = context.now_us()
    if since_us > now_us:
        raise UsageError("since", "--since is in the future", "Give the time at which the backup was made.")
    with context.database.begin() as connection:
        worked_us = generation.last_worked_us(connection)
        since_us = min(since_us, worked_us if worked_us is not None else since_us)
        paused = lost.pause_everything(connection, _reason(since_us), now_us)
    times = Lost(since_us, context.now_us())
    held = _hold_all(context, times)
    number = context.database.run(lambda connection: _finish(context, connection, times, by, held))
    context.database.run(context.generation.require)  # kept beside it at once
    return Restored(times, number, *paused, held)


def parse_since(text: str) -> int:
    """ISO 8601 with an offset. UsageError for anything else: an hour too late would send that hour again."""
    try:
        return to_us(datetime.fromisoformat(text))
    except ValueError:
        hint = "e.g. --since 2026-02-14T03:00:00+07:00"
        raise UsageError("since", "--since is not a date and time with an offset", hint) from None


def _reason(since_us: int) -> str:
    return f"the database was restored as of {iso(since_us)}: settle what is unknown, then resume"


def _hold_all(context: Context, times: Lost) -> Counter[Status]:
    held: Counter[Status] = Counter()
    ask_at_us = _ask_at(context)
    after_id: int | None = 0
    while after_id is not None:
        found, after_id = context.database.run(partial(_hold_page, times, ask_at_us, after_id))
        held.update(found)
    return held


def _hold_page(
    times: Lost, ask_at_us: Mapping[int, int], after_id: int, connection: Connection
) -> tuple[dict[Status, int], int | None]:
    """What was held, and where the next page begins."""
    which = lost.perhaps_sent(times)
    ids = lost.page_of(connection, which, after_id, _AT_ONCE)
    found = lost.hold(connection, ids, times.since_us, times.until_us, ask_at_us, which)
    return found, ids[-1] if ids else None


def _ask_at(context: Context) -> Mapping[int, int]:
    """Sender → when its provider's record is complete."""
    with context.database.read() as connection:
        known = settle_times(context, connection)
    now_us = context.now_us()
    return defaultdict(
        lambda: now_us + lost.LONGEST_SETTLE_US, {i: now_us + settle_us for i, settle_us in known.items()}
    )


def _finish(context: Context, connection: Connection, times: Lost, by: str, held: Counter[Status]) -> int:
    kept = context.generation.kept(connection)
    lose_replies(connection)
    number = generation.begin_era(connection, kept, times, by)
    details = {"since_us": times.since_us, "until_us": times.until_us, "held": held.total()}
    record_act(connection, context.now_us(), by, "mark-restored", "database", details)
    return number
