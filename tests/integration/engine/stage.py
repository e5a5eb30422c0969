"""An installation with people, campaigns written as files, and providers that do as they are told."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, text

from dispatcher.core.clock import MINUTE_US, SECOND_US, Clock, from_us
from dispatcher.core.status import Status
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.context import Context
from dispatcher.operations.deliver import Deliverer
from dispatcher.operations.expand import Expander
from dispatcher.operations.import_contacts import import_contacts
from dispatcher.operations.import_result import ImportOptions
from dispatcher.operations.plan import plan_campaign
from dispatcher.operations.readdress import Readdresser
from dispatcher.operations.record import Ended, record_ends
from dispatcher.operations.tick import Ticker
from dispatcher.spi import Outcome
from dispatcher.store import claims, tally
from dispatcher.store.bulk import insert
from dispatcher.store.claims import Claimed
from dispatcher.store.installation import take_ids
from dispatcher.store.keys import Keys
from dispatcher.store.tables import campaigns, consents, contact_points, contacts, messages, senders, steps
from tests.integration.builders import make_context
from tests.integration.engine.conservation import assert_conserved
from tests.integration.engine.scripted import Provider, ScriptedChannels

LEASE_US = 15 * SECOND_US
CAMPAIGN = """
campaign: {slug}
title: Ajakan memilih
owner: Kesbangpol
purpose: pendidikan-pemilih
audience: {{everyone: true}}
window: {{open: "{opens}", close: "{closes}"}}
stop: {{sms: "Stop: s.id/x"}}
{extra}
route: {route}
steps:
  - name: satu
    at: "{at}"
    {step}
    text: "{text}"
"""


class Hands:
    """A clock that only the test moves."""

    def __init__(self, context: Context) -> None:
        self._ns = 1_000_000_000
        context.database.clock = clock = Clock(lambda: self._ns)
        self._clock = clock
        if not context.database.is_sqlite:
            context.database.now_us = clock.now_us  # type: ignore[method-assign]

    def pass_us(self, duration_us: int) -> None:
        self._ns += duration_us * 1000

    def pass_s(self, duration_s: float) -> None:
        self.pass_us(int(duration_s * SECOND_US))


class Stage:
    """`providers`: sender → its provider. The channel has the sender's name."""

    def __init__(
        self,
        url: str,
        folder: Path,
        providers: dict[str, Provider] | None = None,
        rates: dict[str, str] | None = None,
        **settings: Any,
    ) -> None:
        self.url, self.folder = url, folder
        self.providers = providers or {"sms": Provider()}
        self._settings: dict[str, Any] = {
            "approval": "waived",
            "senders": {
                name: {"channel": name, **({"rate": rates[name]} if rates and name in rates else {})}
                for name in self.providers
            },
            **settings,
        }
        self.context = self.connect()
        self.expander = Expander(self.context)
        self.ticker = Ticker(self.context, self.expander)

    def connect(self, **settings: Any) -> Context:
        """Another process of the same installation."""
        context = make_context(
            self.url, {**self._settings, **settings}, DISPATCHER_STATE_DIR=str(self.folder / "state")
        )
        context.channels = ScriptedChannels(self.providers)
        return context

    def close(self) -> None:
        self.context.database.close()

    # People

    def people(self, count: int, number: Callable[[int], str] | None = None, first: int = 0) -> list[str]:
        """So many people who agreed, each with a number of their own unless `number` says otherwise; the numbers."""
        numbers = [(number or _number)(i) for i in range(first, first + count)]
        with self.context.database.begin() as connection:
            now_us = self.context.now_us()
            ids = take_ids(connection, 2 * count, now_us)
            keys, people = self.context.keys, list(zip(ids[::2], ids[1::2], numbers, strict=True))
            insert(
                connection,
                contacts,
                [self._contact(person, i, n, now_us) for i, (person, _, n) in enumerate(people, first)],
            )
            insert(connection, contact_points, [point(keys, *one) for one in people])
            insert(connection, consents, [_consent(person, now_us) for person, _, _ in people])
        return numbers

    def _contact(self, identifier: int, index: int, number: str, now_us: int) -> dict[str, Any]:
        name = self.context.keys.sealer.seal("contacts.name", identifier, f"Warga {index}")
        synthetic = number.startswith("+62860")
        about = {"region": "31.71.06.1001", "synthetic": synthetic, "created_us": now_us, "updated_us": now_us}
        return {"id": identifier, "name_sealed": name, **about}

    def import_rows(self, rows: Sequence[tuple[str, ...]], *, consent: bool = False) -> None:
        """(id, name, number): who is known by the id is changed, and what waits for them with it (invariant 15).

        `consent`: a fourth column says yes or no.
        """
        headings = ("id", "nama", "no_hp", "persetujuan")
        path = self.folder / "kontak.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([headings if consent else headings[:3], *rows])
        result = import_contacts(
            self.context,
            path,
            ImportOptions(overrides=(("id", "id"),)),
            on_contacts_changed=Readdresser(self.expander),
        )
        assert result.rejected == 0

    # Campaigns

    def write(self, slug: str = "ajakan", **changes: str) -> Path:
        """`changes`: `at`, `text`, `route`, `extra` (top level), `step` (of the step), `opens`, `closes`."""
        due = from_us(self.context.now_us() - MINUTE_US, "Asia/Jakarta").strftime("%Y-%m-%d %H:%M")
        values = {
            "slug": slug, "at": due, "opens": "00:00", "closes": "24:00", "extra": "", "step": "",
            "text": "Yth. {{ contact.name }}, gunakan hak pilih Anda. {{ stop }}",
            "route": "[{senders: " + next(iter(self.providers)) + "}]",
        }  # fmt: skip
        path = self.folder / f"{slug}.yaml"
        path.write_text(CAMPAIGN.format(**{**values, **changes}))
        return path

    def apply(self, slug: str = "ajakan", **changes: str) -> int:
        """Plan and apply; returns the step's id."""
        path = self.write(slug, **changes)
        plan_campaign(self.context, path, "Ani")
        apply_campaign(self.context, path, "Ani")
        return self.step_id(slug)

    def step_id(self, slug: str = "ajakan") -> int:
        query = select(steps.c.id).join(campaigns, campaigns.c.id == steps.c.campaign_id)
        with self.context.database.read() as connection:
            return connection.execute(query.where(campaigns.c.slug == slug)).scalars().one()

    def start(self, slug: str = "ajakan", **changes: str) -> int:
        step_id = self.apply(slug, **changes)
        self.expander.expand(step_id)
        return step_id

    def campaign(self, slug: str = "ajakan") -> Any:
        with self.context.database.read() as connection:
            return connection.execute(select(campaigns).where(campaigns.c.slug == slug)).one()

    # The queue

    def sender_id(self, name: str = "") -> int:
        wanted = name or next(iter(self.providers))
        with self.context.database.read() as connection:
            return connection.execute(select(senders.c.id).where(senders.c.name == wanted)).scalar_one()

    def sender(self, name: str = "") -> Any:
        with self.context.database.read() as connection:
            return connection.execute(select(senders).where(senders.c.id == self.sender_id(name))).one()

    def claim(self, limit: int = 100, token: int = 7, sender: str = "", turn: int = 0) -> tuple[Claimed, ...]:
        now_us, sender_id = self.context.now_us(), self.sender_id(sender)
        return self.run(lambda c: claims.claim(c, sender_id, limit, token, now_us, now_us + 2 * SECOND_US, turn))

    def begin(self, rows: Sequence[Claimed], token: int = 7, sender: str = "") -> dict[int, int]:
        now_us, sender_id = self.context.now_us(), self.sender_id(sender)
        return self.run(lambda c: claims.begin(c, token, rows, sender_id, now_us, now_us + LEASE_US))

    def record(self, begun: dict[int, int], outcome: Outcome) -> None:
        ended = [Ended(message_id, attempt, outcome) for message_id, attempt in begun.items()]
        self.run(lambda c: record_ends(self.context, c, ended))

    def send(self, outcome: Outcome, limit: int = 100, sender: str = "") -> dict[int, int]:
        begun = self.begin(self.claim(limit, sender=sender), sender=sender)
        self.record(begun, outcome)
        return begun

    def run(self, work: Callable[[Connection], Any]) -> Any:
        """In a transaction; the counters are right after its commit (invariant 11)."""
        result = self.context.database.run(work)
        self.check()
        return result

    def tick(self) -> Any:
        work = self.ticker.tick()
        self.check()
        return work

    def check(self) -> None:
        with self.context.database.read() as connection:
            assert_conserved(connection)

    # What became of it

    def rows(self, **wanted: Any) -> list[Any]:
        query = select(messages).order_by(messages.c.id)
        with self.context.database.read() as connection:
            return list(connection.execute(query.filter_by(**wanted)))

    def statuses(self, **wanted: Any) -> Counter[str]:
        return Counter(row.status for row in self.rows(**wanted))

    def people_by_status(self, step_id: int) -> dict[str, int]:
        with self.context.database.read() as connection:
            counts = tally.read(connection, [step_id])
        return {key.reason or key.status: n for key, n in counts.items() if key.hop == tally.PEOPLE}

    def drain(self, until: Callable[[], bool], context: Context | None = None, limit_s: float = 20.0) -> int:
        """Deliver with real drains until so; returns how many ends were recorded."""
        return asyncio.run(self._drain(until, context or self.context, limit_s))

    async def _drain(self, until: Callable[[], bool], context: Context, limit_s: float) -> int:
        deliverer = Deliverer(context)
        try:
            run = asyncio.create_task(deliverer.run(limit_s))
            while not run.done():
                if await asyncio.to_thread(until):
                    deliverer.stop()
                    return await run
                await asyncio.sleep(0.01)
            await run
            raise AssertionError(f"not within {limit_s} s: {self.statuses()}")
        finally:
            await deliverer.close()

    def nothing_waits(self) -> bool:
        return not self.statuses().keys() & {Status.QUEUED, Status.SENDING}


def is_anyone_blocked(connection: Connection) -> bool:
    """Postgres: whether a transaction of this database waits for another one."""
    waiting = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
    ours = f"{waiting} WHERE NOT granted AND datname = current_database()"
    return bool(connection.execute(text(ours)).scalar_one())


def _number(index: int) -> str:
    return f"+62812345{index:05}"


def point(keys: Keys, contact_id: int, identifier: int, number: str) -> dict[str, Any]:
    return {
        "id": identifier,
        "contact_id": contact_id,
        "media": "sms",
        "address_hash": keys.hash_address(number),
        "address_sealed": keys.sealer.seal("contact_points.address", identifier, number),
        "country": "ID",
    }


def _consent(contact_id: int, now_us: int) -> dict[str, Any]:
    return {"contact_id": contact_id, "purpose": "*", "media": "*", "granted": True, "at_us": now_us}
