"""The installation's clock: what is due, what ended, what waits no longer. One process at a time, under a lease."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from dispatcher.core.clock import DAY_US
from dispatcher.delivery.schedule import AHEAD_US, next_opening
from dispatcher.operations.breaker import trip_breakers
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.operations.follow import follow_hops
from dispatcher.operations.ingest import age_parked, match_parked
from dispatcher.operations.settle import capabilities_of_senders, resend_unknown, settle_times, settle_us
from dispatcher.store import upkeep
from dispatcher.store.exchanges import forget_older
from dispatcher.store.generation import TICK, TICK_LEASE_US
from dispatcher.store.installation import new_token, take_lease
from dispatcher.store.permits import known_senders
from dispatcher.store.recent import forget_people
from dispatcher.store.reply_queue import senders_with_replies, sweep_replies
from dispatcher.store.steps import due_steps
from dispatcher.store.tables import steps
from dispatcher.store.unknowns import due_for_look_up, senders_with_unknown

_PARKED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Work:
    """What a tick found to do for others: steps to expand, senders with rows to send."""

    steps: tuple[int, ...] = ()
    senders: tuple[int, ...] = ()


class Ticker:
    """One per process; keeps its lease while it lives, another takes over when it does not."""

    def __init__(self, context: Context, expander: Expander | None = None) -> None:
        self._context = context
        self._expander = expander or Expander(context)
        self._token = new_token()

    def tick(self) -> Work | None:
        """None while another process ticks. Safe at any moment, any number of times."""
        database = self._context.database
        with database.begin() as connection:
            position = self._context.generation.advance(connection)
            is_ours = take_lease(connection, TICK, self._token, self._context.now_us(), TICK_LEASE_US)
        self._context.generation.keep(position)
        if not is_ours:
            return None
        self._see_to(self._end_what_is_over())
        trip_breakers(self._context)
        self._finish_cancels()
        self._forget_exchanges()
        with database.begin() as connection:
            now_us = self._context.now_us()
            upkeep.complete(connection, now_us)
            forget_people(connection, now_us)
            sweep_replies(connection, now_us)
            due = due_steps(connection, now_us + AHEAD_US)
            able = [row.id for row in known_senders(connection) if not row.paused]
            senders = {
                *upkeep.senders_with_work(connection, able, now_us),
                *senders_with_replies(connection, able, now_us),
                *self._to_look_up(connection, now_us),
            }
        return Work(tuple(row.id for row in due), tuple(sorted(senders)))

    def _end_what_is_over(self) -> upkeep.Waits:
        waits = self._look()
        if not (waits.leases or waits.expired):
            return waits
        upkeep.end_leases(self._context.database)
        upkeep.expire(self._context.database)
        return self._look()  # another hop may be due by that

    def _look(self) -> upkeep.Waits:
        with self._context.database.read() as connection:
            return upkeep.look(connection, self._context.now_us())

    def _see_to(self, waits: upkeep.Waits) -> None:
        if waits.windows:
            self._reopen_windows()
        if waits.hops:
            follow_hops(self._expander)
        if waits.unknown:
            resend_unknown(self._expander, self._settle_times())
        if waits.parked:
            match_parked(self._context, _PARKED_AT_ONCE)
            age_parked(self._context)

    def _reopen_windows(self) -> None:
        now_us = self._context.now_us()
        with self._context.database.begin() as connection:
            for step_id, zone in upkeep.closed_windows(connection, now_us):
                plan_id = connection.execute(steps.select().where(steps.c.id == step_id)).one().plan_id
                revision = self._expander.revision(connection, plan_id)
                opening = next_opening(revision.window(zone), now_us)
                upkeep.reopen(connection, step_id, zone, now_us, opening.opens_us, opening.closes_us)

    def _finish_cancels(self) -> None:
        with self._context.database.read() as connection:
            interrupted = upkeep.cancelled_with_rows(connection)
        for campaign_id in interrupted:
            upkeep.cancel_campaign_rows(self._context.database, campaign_id)

    def _forget_exchanges(self) -> None:
        """What the wire log kept for as long as it should; all of it, where it was switched off."""
        kept_us = self._context.settings.wire_log.keep_days * DAY_US
        forget_older(self._context.database, self._context.now_us() - kept_us)

    def _to_look_up(self, connection: Connection, now_us: int) -> list[int]:
        """Senders whose providers can be asked by now what became of an attempt."""
        unknown = senders_with_unknown(connection)
        able = capabilities_of_senders(self._context, connection) if unknown else {}
        return [
            sender_id
            for sender_id in unknown & able.keys()
            if able[sender_id].lookup
            and due_for_look_up(connection, sender_id, now_us - settle_us(able[sender_id]), now_us, 1)
        ]

    def _settle_times(self) -> dict[int, int]:
        with self._context.database.read() as connection:
            return settle_times(self._context, connection)
