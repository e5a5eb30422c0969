"""Pause campaigns that go wrong, by themselves: share of failures, share of refusals. Part of each tick."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from dispatcher.delivery.breaker import KINDS, Counts, Kind, Mark, base, judge_failures, judge_refusals, wants_mark
from dispatcher.operations.context import Context
from dispatcher.store import breaker as store
from dispatcher.store.installation import record_act
from dispatcher.store.steps import pause_running


@dataclass(slots=True)
class _Verdicts:
    """`trips`: (campaign, why). `marks`: campaign, whose window, the mark, where that window begins."""

    trips: list[tuple[Any, str]] = field(default_factory=list)
    marks: list[tuple[int, Kind, Mark, int]] = field(default_factory=list)


def trip_breakers(context: Context) -> None:
    """Reads counters only; writes where something trips, and some ten marks a window."""
    now_us = context.now_us()
    with context.database.read() as connection:
        verdicts = _judge(context, connection, now_us)
    if verdicts.trips or verdicts.marks:
        context.database.run(lambda connection: _carry_out(connection, verdicts, now_us))


def _judge(context: Context, connection: Connection, now_us: int) -> _Verdicts:
    limits, verdicts = context.settings.breaker, _Verdicts()
    if not any(map(limits.of, KINDS)):
        return verdicts
    campaigns = [row for row in store.watched(connection) if row.slug not in limits.spared]
    ids = [row.id for row in campaigns]
    counts, marks = store.counts_of(connection, ids), store.marks_of(connection, ids)
    for campaign in campaigns:
        for kind in KINDS:
            limit, now = limits.of(kind), counts[campaign.id]
            if limit is None:
                continue
            kept = marks.get((campaign.id, kind), [])
            start = base(kept, now_us, limit.within_us)
            if wants_mark(kept, now, now_us, limit.within_us):
                verdicts.marks.append((campaign.id, kind, Mark(now_us, now), start.at_us))
            window = now.since(start.counts)
            why = (
                judge_failures(window, limit)
                if kind == "failed"
                else judge_refusals(_refused(connection, campaign, window, now_us - limit.within_us), window, limit)
            )
            if why:
                verdicts.trips.append((campaign, why))
                break
    return verdicts


def _refused(connection: Connection, campaign: Any, window: Counts, since_us: int) -> int:
    """After messages that were begun since it was last started or resumed; nobody where nothing was sent."""
    return store.stopped_after(connection, campaign.id, max(since_us, campaign.state_us)) if window.ended else 0


def _carry_out(connection: Connection, verdicts: _Verdicts, now_us: int) -> None:
    for campaign_id, kind, mark, base_us in verdicts.marks:
        store.put_mark(connection, campaign_id, kind, mark, base_us)
    for campaign, why in verdicts.trips:
        if pause_running(connection, campaign.id, why, now_us):
            record_act(connection, now_us, "dispatcher", "pause", campaign.slug, {"reason": why})
