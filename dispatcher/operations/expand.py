"""Expand a due step: everyone its rule means now becomes a message, or is counted with the reason why not.

A page of people is one transaction: rows, counters and the cursor move together, so a killed worker leaves whole pages
and another goes on (invariants 2, 11, 13). Texts are rendered and sealed here; sending only hands over.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select

from dispatcher.audience.caps import Room
from dispatcher.audience.recipient import Recipient
from dispatcher.campaign.model import Step
from dispatcher.core.clock import SECOND_US
from dispatcher.core.money import Money, total
from dispatcher.delivery.schedule import AHEAD_US, next_opening
from dispatcher.operations.caps import room_for
from dispatcher.operations.context import Context
from dispatcher.operations.linking import Linker
from dispatcher.operations.occasions import pause_for, revision_now
from dispatcher.operations.plan import configured_rates
from dispatcher.operations.prices import price_lines
from dispatcher.operations.revision import Revision
from dispatcher.plan.decide import Decider, Draft, HeldOut
from dispatcher.plan.estimate import Prices
from dispatcher.render.content import encode
from dispatcher.store import expansion, tally
from dispatcher.store.attributes import declared
from dispatcher.store.cells import Cells, cell_key
from dispatcher.store.generation import lost_times
from dispatcher.store.installation import IdBlock, new_token, release_lease, take_lease
from dispatcher.store.lost import hold_if_lost
from dispatcher.store.plans import plan_by_id
from dispatcher.store.rates import Rates, sender_rates
from dispatcher.store.recipients import load_page, open_address
from dispatcher.store.steps import set_state, update_campaign
from dispatcher.store.tables import campaigns, contacts, senders, steps
from dispatcher.store.targeting import compile_audience, select_contacts

PAGE = 2000
_LEASE_US = 30 * SECOND_US
_RENEW_EVERY_S = 5.0
_URGENT = {"urgent": 0, "normal": 1}

T = TypeVar("T")


@dataclass
class Expander:
    """Expands steps in one process; revisions, cells and ids are kept between steps."""

    context: Context
    _revisions: dict[int, Revision] = field(default_factory=dict)
    _cells: Cells = field(default_factory=Cells)

    def __post_init__(self) -> None:
        self.ids = IdBlock(self.context.database, 2 * PAGE)
        self.prices = Prices(price_lines(self.context))

    def revision(self, connection: Connection, plan_id: int) -> Revision:
        if plan_id not in self._revisions:
            self._revisions[plan_id] = Revision.from_document(plan_by_id(connection, plan_id).document)
        return self._revisions[plan_id]

    def run(self, work: Callable[[Connection], T]) -> T:
        """`work` in a transaction of its own; cells that it made are remembered once that is committed."""

        def once(connection: Connection) -> T:
            self.begin()
            return work(connection)

        result = self.context.database.run(once)
        self._cells.committed()
        return result

    def begin(self) -> None:
        """For a transaction of someone else: it begins."""
        self._cells.begin()

    def expand(
        self, step_id: int, should_stop: Callable[[], bool] = lambda: False, budget_s: float = float("inf")
    ) -> int:
        """Pages until the step is expanded, the campaign pauses, a stop, or the budget; returns people decided on.

        One worker at a time, under a lease that another takes over when it ends.
        """
        _keep_what_is_loaded()
        name, token = f"expand:{step_id}", new_token()
        database = self.context.database
        with database.begin() as connection:
            if not take_lease(connection, name, token, self.context.now_us(), _LEASE_US):
                return 0
        decided, taken_at = 0, time.monotonic()
        deadline = taken_at + budget_s
        try:
            while not should_stop() and (now := time.monotonic()) < deadline:
                if now - taken_at > _RENEW_EVERY_S:
                    with database.begin() as connection:
                        take_lease(connection, name, token, self.context.now_us(), _LEASE_US)
                    taken_at = now
                people = self._page(step_id)
                if people is None:
                    break
                decided += people
        finally:
            with database.begin() as connection:
                release_lease(connection, name, token)
        return decided

    def _page(self, step_id: int) -> int | None:
        """One page; None where there is nothing left to do now."""
        # ids come from a transaction of their own, before the one that uses them
        ids = self.ids.take(PAGE)
        return self.run(lambda connection: self._page_in(connection, step_id, ids))

    def _page_in(self, connection: Connection, step_id: int, ids: range) -> int | None:
        row = connection.execute(select(steps).where(steps.c.id == step_id).with_for_update()).first()
        if row is None or row.state not in ("scheduled", "expanding"):
            return None
        if row.state == "scheduled" and row.due_us > self.context.now_us() + AHEAD_US:
            return None  # its session was moved since the tick found it due
        campaign = connection.execute(
            select(campaigns).where(campaigns.c.id == row.campaign_id).with_for_update()
        ).one()
        if campaign.state not in ("scheduled", "running"):
            return None
        revision = revision_now(self.revision, connection, row, campaign.plan_id)
        if revision is None:
            pause_for(connection, campaign.id, row.occasion, self.context.now_us())
            return None
        work = _StepWork(self, connection, row, campaign, revision)
        if row.state == "scheduled":
            work.start()
        return work.page(ids)

    def cell_ids(self, connection: Connection, people: Sequence[Recipient]) -> Mapping[Any, int]:
        return self._cells.ids(connection, map(cell_key, people), self.context.now_us())


@cache
def _keep_what_is_loaded() -> None:
    """Once a process: modules and tables stay, and each full collection that walks them costs as much as a page."""
    gc.collect()
    gc.freeze()


class _StepWork:
    """One page of one step in one transaction."""

    def __init__(self, expander: Expander, connection: Connection, row: Any, campaign: Any, revision: Revision) -> None:
        self._expander = expander
        self._context = expander.context
        self._connection = connection
        self._row = row
        self._campaign = campaign
        self._revision = revision
        self._step: Step = self._revision.campaign.step(row.name)
        attributes = declared(connection, self._context.settings.attributes)
        self._scope = self._revision.scope(
            row.due_us, attributes, is_sqlite=self._context.database.is_sqlite, session=row.occasion
        )
        self._now_us = self._context.now_us()

    def start(self) -> None:
        meant = compile_audience(self._revision.campaign.audience, self._step.audience, self._scope)
        everyone = select(func.count()).select_from(contacts).where(meant, contacts.c.erased_us.is_(None))
        expansion.start(self._connection, self._row.id, self._connection.execute(everyone).scalar_one(), self._now_us)
        if self._campaign.state == "scheduled":
            set_state(self._connection, self._campaign.id, "running", "", self._now_us)

    def page(self, ids: range) -> int | None:
        selection = select_contacts(
            self._revision.campaign.audience,
            self._step.audience,
            self._scope,
            after_id=self._row.cursor,
            limit=PAGE,
        )
        people = load_page(self._connection, selection, self._context.keys)
        if not people:
            expansion.finish(self._connection, self._row.id, self._row.cursor, self._now_us)
            return None
        decided = expansion.decided(self._connection, self._row.id, [person.id for person in people])
        fresh = [person for person in people if person.id not in decided]
        if not expansion.advance(self._connection, self._row.id, self._row.cursor, people[-1].id, len(fresh)):
            return None
        maker = RowMaker(self._expander, self._connection, self._revision, self._step, self._row)
        room = room_for(self._context, self._connection, self._revision, self._row.id, self._row.due_us, fresh)
        rows, left_out = maker.decide(fresh, ids, room=room)
        stored = expansion.store_page(self._connection, self._row.id, rows, left_out)
        fresh_ids = [row["id"] for row in stored]
        maker.store_links(fresh_ids)
        hold_if_lost(self._connection, self._row, fresh_ids, lost_times(self._connection), self._now_us)
        charge(self._connection, self._campaign, maker, stored, self._now_us)
        return len(people)


class RowMaker:
    """Turns decisions into rows of `messages`."""

    def __init__(self, expander: Expander, connection: Connection, revision: Revision, step: Step, row: Any) -> None:
        self._context = expander.context
        self._expander = expander
        self._connection = connection
        self._revision = revision
        self._step = step
        self._row = row
        self._decider: Decider = revision.decider(step, row.occasion)
        self._sender_ids = _sender_ids(connection)
        self._rates: Rates = sender_rates(connection, configured_rates(self._context))
        self._now_us = self._context.now_us()
        self._shared: dict[tuple[int, str, str, int], dict[str, Any]] = {}
        self._price_keys: dict[int, tuple[str, str, str, int]] = {}
        session = revision.campaign.sessions.get(row.occasion)
        self._linker = Linker(self._context, revision.campaign, session, row) if revision.links else None

    def decide(
        self, people: Sequence[Recipient], ids: Sequence[int], first_hop: int = 0, room: Room | None = None
    ) -> tuple[list[dict[str, Any]], list[expansion.LeftOut]]:
        cells = self._expander.cell_ids(self._connection, people)
        rows: list[dict[str, Any]] = []
        left_out: list[expansion.LeftOut] = []
        for identifier, person in zip(ids, people, strict=False):
            decision = self._decider.decide(person, first_hop, room)
            cell_id = cells[cell_key(person)]
            if isinstance(decision, Draft):
                rows.append(self._message(identifier, person, decision, cell_id, first_hop))
            else:
                reason = tally.HELD_OUT if isinstance(decision, HeldOut) else decision.reason.value
                left_out.append(expansion.LeftOut(person.id, cell_id, reason))
        return rows, left_out

    def _message(
        self, identifier: int, person: Recipient, draft: Draft, cell_id: int, first_hop: int
    ) -> dict[str, Any]:
        seal = self._context.keys.sealer.seal
        hop, sender, point, written = draft
        segments = written.segments
        self._price_keys[identifier] = (sender.name, sender.channel, point.country, segments)
        body = encode(written.content)
        if self._linker is not None:
            body = self._linker.fill(body, identifier, person.id, cell_id)
        key = (hop, sender.name, person.zone, first_hop)
        if key not in self._shared:
            self._shared[key] = self._alike(*key)
        return {
            **self._shared[key],
            "id": identifier,
            "contact_id": person.id,
            "cell_id": cell_id,
            "address_hash": point.address_hash,
            "address_sealed": seal("messages.address", identifier, open_address(self._context.keys, point)),
            "body_sealed": seal("messages.body", identifier, body),
            "units": segments if self._rates.get(sender.name, (None, ""))[1] == "segment" else 1,
            "segments": segments,
            "country": point.country,
            "synthetic": person.synthetic,
        }

    def store_links(self, message_ids: Sequence[int]) -> None:
        """Of the messages that were stored."""
        if self._linker is not None:
            self._linker.store(self._connection, message_ids)

    def _alike(self, hop: int, sender: str, zone: str, first_hop: int) -> dict[str, Any]:
        """What messages of a hop through a sender into a zone have in common."""
        opening = next_opening(self._revision.window(zone), max(self._row.due_us, self._now_us))
        return {
            "step_id": self._row.id,
            "campaign_id": self._row.campaign_id,
            "hop": hop,
            "sender_id": self._sender_ids[sender],
            "priority": _URGENT[self._step.priority],
            "status": "queued",
            "zone": zone,
            "not_before_us": opening.opens_us,
            "not_before_rule": opening.rule,
            "not_after_us": opening.closes_us,
            "expires_us": self._row.expires_us,
            "hop_after_us": self._hop_after_us(hop, self._step.route[hop].after),
            "counted": first_hop == 0,
            "has_sibling": first_hop > 0,
        }

    def cost_of(self, rows: Sequence[Mapping[str, Any]]) -> Money:
        """By the prices of the step's day; what has no price is not in it."""
        day = self._revision.day(self._row.due_us)
        alike = Counter(self._price_keys[row["id"]] for row in rows)
        found = (
            self._expander.prices.of(sender, channel, country, day, n, n * segments)
            for (sender, channel, country, segments), n in alike.items()
        )
        return total(price for price in found if price is not None)

    def _hop_after_us(self, index: int, after: Any) -> int | None:
        """None: no hop follows; 0: one follows a failure only."""
        if index + 1 >= len(self._step.route):
            return None
        return 0 if after is None else int(after.total_seconds() * SECOND_US)


def charge(
    connection: Connection, campaign: Any, maker: RowMaker, stored: Sequence[dict[str, Any]], now_us: int
) -> None:
    """Count what was made against the approval's ceilings; crossing one pauses the campaign (invariant 10)."""
    used = {"people": 0, "segments": 0, "cost": {}, **campaign.used}
    used["people"] += sum(1 for row in stored if not row["has_sibling"])
    used["segments"] += sum(row["segments"] for row in stored)
    cost = Money.from_json(used["cost"]) + maker.cost_of(stored)
    used["cost"] = cost.as_json()
    update_campaign(connection, campaign.id, used=used)
    crossed = _crossed(used, campaign.ceilings, cost)
    if crossed and not campaign.ceilings_lifted and campaign.state != "paused":
        set_state(connection, campaign.id, "paused", f"ceiling: {crossed}", now_us)


def _crossed(used: Mapping[str, Any], ceilings: Mapping[str, Any], cost: Money) -> str:
    for name in ("people", "segments"):
        if used[name] > ceilings.get(name, used[name]):
            return f"{used[name]} {name} are more than the {ceilings[name]} approved"
    if cost.exceeds(Money.from_json(ceilings.get("cost", {}))):
        return "the cost is higher than approved"
    return ""


def _sender_ids(connection: Connection) -> dict[str, int]:
    return {row.name: row.id for row in connection.execute(select(senders.c.name, senders.c.id))}
