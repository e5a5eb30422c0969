"""Retention by age: what the settings do not allow to be kept any longer is erased, in batches.

An interrupted run leaves whole batches behind, and the next one goes on: what is blank is not found again. Statuses,
counters and cells stay, so that reports say what they said (invariant 11).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy import Connection

from dispatcher.core.clock import DAY_US
from dispatcher.operations.contacts import erase_in
from dispatcher.operations.context import Context
from dispatcher.store import retention
from dispatcher.store.doors import count_aged_codes, forget_aged_codes
from dispatcher.store.installation import record_act
from dispatcher.store.retention import Aged

AT_ONCE: Final = 500
_PEOPLE_AT_ONCE: Final = 50
"""Each takes a dozen statements, and on SQLite sending waits for the commit."""

_KINDS: Final[dict[str, Callable[[int], Aged]]] = {
    "texts": retention.texts,
    "calls": retention.calls,
    "replies": retention.replies,
    "contacts": retention.people,
}


def retain(context: Context, *, by: str, dry_run: bool = False) -> dict[str, int]:
    """Kind → how many rows were too old, of the kinds that the settings give an age; `dry_run` only counts them."""
    now_us = context.now_us()
    ages = {kind: getattr(context.settings.retention, f"{kind}_days") for kind in _KINDS}
    aged = {kind: _KINDS[kind](now_us - days * DAY_US) for kind, days in ages.items() if days is not None}
    code_days = context.settings.retention.door_codes_days
    codes_us = None if code_days is None else now_us - code_days * DAY_US
    if dry_run:
        with context.database.read() as connection:
            counted = {kind: retention.count(connection, one) for kind, one in aged.items()}
            return counted if codes_us is None else {**counted, "door_codes": count_aged_codes(connection, codes_us)}
    done = {kind: _erase(context, one) for kind, one in aged.items()}
    if codes_us is not None:
        done["door_codes"] = context.database.run(partial(forget_aged_codes, before_us=codes_us))
    if any(done.values()):
        with context.database.begin() as connection:
            record_act(connection, context.now_us(), by, "contacts retain", "", done)
    return done


def _erase(context: Context, aged: Aged) -> int:
    erased, last = 0, 0
    while ids := context.database.run(partial(_page, context.now_us(), aged, last)):
        erased, last = erased + len(ids), ids[-1]
    return erased


def _page(now_us: int, aged: Aged, after_id: int, connection: Connection) -> list[int]:
    ids = retention.lock_page(connection, aged, after_id, AT_ONCE if aged.values else _PEOPLE_AT_ONCE)
    if ids and aged.values:
        retention.blank(connection, aged, ids)
    elif ids:
        erase_in(connection, ids, now_us)
    return list(ids)
