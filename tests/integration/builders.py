"""Campaigns in any state, built through the store's own functions, so that counters are those of real life."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, text, update

from dispatcher.core.clock import DAY_US, HOUR_US
from dispatcher.core.status import Reason, Status
from dispatcher.operations.context import Context
from dispatcher.settings import Environment
from dispatcher.settings.model import Settings
from dispatcher.store.engine import Database
from dispatcher.store.expansion import LeftOut, count_queued, insert_messages, store_page
from dispatcher.store.installation import claim_installation, take_ids
from dispatcher.store.keys import Keys
from dispatcher.store.outbox import Batch
from dispatcher.store.plans import store_plan
from dispatcher.store.tables import campaigns, cells, contact_points, contacts, messages, senders, steps
from dispatcher.store.tally import HELD_OUT

KEYS = Keys(b"s" * 32, b"k" * 32)
MENTENG = "31.71.06.1001"
GONDANGDIA = "31.71.06.1005"
TEBET = "31.74.01.1001"


def make_context(url: str, settings: dict[str, Any] | None = None, **environ: str) -> Context:
    """On a migrated database; `settings` as in dispatcher.yaml."""
    environment = Environment({"DATABASE_URL": url, **environ})
    if settings is not None:
        environment.__dict__["settings"] = Settings.model_validate(settings)
    database = Database(url)
    claim_installation(database, KEYS)
    return Context(environment, database, KEYS)


@dataclass(frozen=True)
class Person:
    id: int
    cell_id: int
    number: str


class Builder:
    """Everything is committed at once."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.now_us = context.now_us()
        self._people = 0

    def _insert(self, table: Any, **values: Any) -> int:
        with self.context.database.begin() as connection:
            (identifier,) = take_ids(connection, 1, self.now_us)
            connection.execute(insert(table).values(id=identifier, **values))
        return identifier

    def sender(self, name: str = "sms", channel: str = "console", **values: Any) -> int:
        return self._insert(senders, name=name, channel=channel, media="sms", updated_us=self.now_us, **values)

    def campaign(self, slug: str = "ajakan", state: str = "running", **values: Any) -> int:
        plan = {"fingerprint": "f" * 64, "slug": slug, "document": {}, "summary": {}, "author": "Ani"}
        with self.context.database.begin() as connection:
            plan_id = store_plan(connection, self.context.keys, self.now_us, plan, json.dumps([]))
        about = {"title": "Ajakan memilih", "zone": "Asia/Jakarta", "applied_us": self.now_us, **values}
        return self._insert(
            campaigns, slug=slug, plan_id=plan_id, fingerprint="f" * 64, state=state, state_us=self.now_us, **about
        )

    def step(self, campaign_id: int, name: str = "ajakan", occasion: str = "", **values: Any) -> int:
        """Expanded and due an hour ago, unless said otherwise."""
        due_us = values.pop("due_us", self.now_us - HOUR_US)
        filled = {"state": "expanded", "ordinal": 0, "expires_us": due_us + DAY_US, "plan_id": 1, **values}
        with self.context.database.read() as connection:
            found = connection.execute(campaigns.select().where(campaigns.c.id == campaign_id)).one()
        filled["plan_id"] = found.plan_id
        return self._insert(steps, campaign_id=campaign_id, name=name, occasion=occasion, due_us=due_us, **filled)

    def person(
        self,
        region: str = MENTENG,
        groups: tuple[str, ...] = (),
        role: str = "",
        rw: int | None = None,
        rt: int | None = None,
    ) -> Person:
        self._people += 1
        number = f"+62812345{self._people:05}"
        now = {"created_us": self.now_us, "updated_us": self.now_us}
        contact_id = self._insert(contacts, region=region, role=role, rw=rw, rt=rt, **now)
        self._insert(
            contact_points,
            contact_id=contact_id,
            media="sms",
            address_hash=self.context.keys.hash_address(number),
            address_sealed=b"",
            country="ID",
        )
        return Person(contact_id, self._cell(region, role, ",".join(sorted(groups))), number)

    def _cell(self, region: str, role: str, groups: str) -> int:
        key = (cells.c.region == region, cells.c.role == role, cells.c.groups == groups)
        with self.context.database.read() as connection:
            found = connection.execute(cells.select().where(*key)).first()
        return found.id if found else self._insert(cells, region=region, role=role, groups=groups)

    def leave_out(self, step_id: int, person: Person, reason: str = Reason.OPTED_OUT) -> None:
        with self.context.database.begin() as connection:
            store_page(connection, step_id, [], [LeftOut(person.id, person.cell_id, reason)])
            self._select(connection, step_id)

    def hold_out(self, step_id: int, person: Person) -> None:
        self.leave_out(step_id, person, HELD_OUT)

    def message(
        self,
        step_id: int,
        person: Person,
        sender_id: int,
        status: Status = Status.QUEUED,
        *,
        hop: int = 0,
        text: str = "Halo",
        **changes: Any,
    ) -> int:
        """A row in that status; `changes`: other columns of the row."""
        with self.context.database.begin() as connection:
            (identifier,) = take_ids(connection, 1, self.now_us)
            row = self._row(connection, identifier, step_id, person, sender_id, hop, text)
            stored, _ = insert_messages(connection, [row])
            count_queued(connection, stored)
            if not hop:
                self._select(connection, step_id)
            if hop:
                connection.execute(
                    update(messages)
                    .where(messages.c.step_id == step_id, messages.c.contact_id == person.id)
                    .values(has_sibling=True)
                )
            batch = Batch.lock(connection, [identifier])
            message = batch.rows[identifier]
            message.status, message.reason = status, changes.pop("reason", "")
            message.provider_code = changes.pop("provider_code", "")
            batch.save()
            if changes:
                connection.execute(update(messages).where(messages.c.id == identifier).values(**changes))
        return identifier

    def _row(
        self, connection: Any, identifier: int, step_id: int, person: Person, sender_id: int, hop: int, text: str
    ) -> dict[str, Any]:
        step = connection.execute(steps.select().where(steps.c.id == step_id)).one()
        seal = self.context.keys.sealer.seal
        return {
            "id": identifier,
            "step_id": step_id,
            "campaign_id": step.campaign_id,
            "contact_id": person.id,
            "hop": hop,
            "sender_id": sender_id,
            "cell_id": person.cell_id,
            "priority": 1,
            "status": "queued",
            "address_hash": self.context.keys.hash_address(person.number),
            "address_sealed": seal("messages.address", identifier, person.number),
            "body_sealed": seal("messages.body", identifier, f"T{text}"),
            "units": 1,
            "segments": 2,
            "zone": "",
            "not_before_us": step.due_us,
            "not_before_rule": "due",
            "not_after_us": step.expires_us,
            "expires_us": step.expires_us,
            "hop_after_us": None,
            "counted": hop == 0,
            "has_sibling": hop > 0,
            "synthetic": False,
        }

    def _select(self, connection: Any, step_id: int) -> None:
        chosen = update(steps).where(steps.c.id == step_id)
        connection.execute(chosen.values(selected=steps.c.selected + 1))


def somebody_waits(context: Context) -> bool:
    """For a lock that another transaction holds; on Postgres."""
    with context.database.read() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())
