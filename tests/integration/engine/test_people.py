"""Spacing and people per day: held over all campaigns and workers of a sender, and free where nobody asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from dispatcher.core.clock import DAY_US, HOUR_US, SECOND_US
from dispatcher.operations.context import Context
from dispatcher.operations.deliver import Deliverer
from dispatcher.operations.inspect_messages import settle_message, show_message
from dispatcher.operations.senders import sync_senders
from dispatcher.operations.status import campaign_status
from dispatcher.spi import Ambiguous
from dispatcher.store.tables import attempts, messages, recent_people, senders
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Stage

Make = Callable[..., Stage]


@pytest.fixture
def make(database_url: str, tmp_path: Path) -> Iterator[Make]:
    made: list[Stage] = []

    def make(**sender: Any) -> Stage:
        made.append(Stage(database_url, tmp_path, senders={"sms": {"channel": "sms", **sender}}))
        return made[-1]

    yield make
    for stage in made:
        stage.close()


def _sent(stage: Stage, count: int) -> Callable[[], bool]:
    """So many went, and what may not go has been told so."""
    return lambda: len(stage.providers["sms"].refs) >= count and not _ready(stage)


def _ready(stage: Stage) -> list[Any]:
    now_us = stage.context.now_us()
    open_rows = [*stage.rows(status="sending"), *stage.rows(status="queued")]
    return [row for row in open_rows if row.status == "sending" or row.not_before_us <= now_us]


def _why(stage: Stage, slug: str = "ajakan") -> dict[str, tuple[int, str]]:
    why = campaign_status(stage.context, slug, why=True).as_dict()["why"]
    return {one["rule"]: (one["people"], one["explanation"]) for one in why}


def _age(stage: Stage, by_us: int) -> None:
    """As if so much time had passed since the last messages."""
    with stage.context.database.begin() as connection:
        connection.execute(update(recent_people).values(at_us=recent_people.c.at_us - by_us))
        connection.execute(
            update(messages).where(messages.c.status == "queued").values(not_before_us=messages.c.not_before_us - by_us)
        )
        connection.execute(update(senders).values(people_slot_us=senders.c.people_slot_us - by_us))


@pytest.mark.parametrize("rate", [None, "20 msg/s"])
def test_no_more_people_in_24_hours_than_the_sender_may(make: Make, rate: str | None) -> None:
    stage = make(people_per_day=15, **({"rate": rate} if rate else {}))
    stage.people(40)
    stage.start()
    before_us = stage.context.now_us()
    stage.drain(_sent(stage, 15))
    provider = stage.providers["sms"]
    assert len(set(provider.numbers)) == len(provider.numbers) == 15
    waiting = stage.rows(status="queued")
    assert {row.not_before_rule for row in waiting} == {"people-per-day"}
    if rate:  # claim by claim: each of the first waits for the place of one who was messaged, the rest for a day
        assert len({row.not_before_us for row in waiting}) >= 15
    assert min(row.not_before_us for row in waiting) >= before_us + DAY_US
    people, said = _why(stage)["people-per-day"]
    assert people == 25
    assert "24 hours (15)" in said
    assert "24 hours (15)" in show_message(stage.context, waiting[0].id, "Ani")["why"]

    _age(stage, DAY_US + 2 * SECOND_US)
    stage.drain(_sent(stage, 30))
    assert len(set(provider.numbers)) == len(provider.numbers) == 30
    stage.check()


def test_people_who_were_messaged_today_take_no_room(make: Make) -> None:
    stage = make(people_per_day=5)
    stage.people(5)
    stage.start()
    stage.drain(_sent(stage, 5))
    stage.people(3, first=5)
    stage.start("lain", text="Lain {{ stop }}")
    stage.drain(_sent(stage, 10))
    provider = stage.providers["sms"]
    assert sorted(provider.numbers) == sorted(provider.numbers[:5] * 2)
    assert len(stage.rows(status="queued")) == 3


@pytest.mark.parametrize("rate", [None, "200 msg/s"])
def test_the_next_message_to_a_number_keeps_its_distance(make: Make, rate: str | None) -> None:
    stage = make(spacing="6h", **({"rate": rate} if rate else {}))
    stage.people(10)
    stage.start()
    stage.start("lain", text="Lain {{ stop }}")
    stage.drain(_sent(stage, 10))
    provider = stage.providers["sms"]
    assert len(set(provider.numbers)) == len(provider.numbers) == 10
    waiting = stage.rows(status="queued")
    assert {row.not_before_rule for row in waiting} == {"spacing"}
    now_us = stage.context.now_us()
    assert all(now_us + 5 * HOUR_US < row.not_before_us <= now_us + 7 * HOUR_US for row in waiting)
    said = _why(stage) | _why(stage, "lain")
    assert "waits for 6 h" in said["spacing"][1]

    _age(stage, 6 * HOUR_US + SECOND_US)
    stage.drain(stage.nothing_waits)
    assert all(provider.numbers.count(number) == 2 for number in provider.numbers)


def test_two_workers_keep_a_pair_rate_together(postgres_url: str, tmp_path: Path) -> None:
    """One message per second to each number, of three campaigns at once."""
    stage = Stage(postgres_url, tmp_path, senders={"sms": {"channel": "sms", "spacing": "1s"}})
    stage.people(20)
    for slug in ("satu", "dua", "tiga"):
        stage.start(slug, text=slug + " {{ stop }}")
    asyncio.run(_both(stage))
    provider = stage.providers["sms"]
    assert len(provider.numbers) == 60
    instants: dict[str, list[float]] = {}
    for number, at_s in zip(provider.numbers, provider.at_s, strict=True):
        instants.setdefault(number, []).append(at_s)
    gaps = [b - a for times in instants.values() for a, b in pairwise(sorted(times))]
    assert len(gaps) == 40
    assert min(gaps) >= 0.99
    stage.check()
    stage.close()


async def _both(stage: Stage) -> None:
    contexts = [stage.connect() for _ in range(2)]
    workers = [Deliverer(context) for context in contexts]
    runs = [asyncio.create_task(worker.run(30.0)) for worker in workers]
    while not await asyncio.to_thread(stage.nothing_waits):
        await asyncio.sleep(0.1)
    for worker in workers:
        worker.stop()
    await asyncio.gather(*runs)
    for worker, context in zip(workers, contexts, strict=True):
        await worker.close()
        context.database.close()


def test_what_a_person_settled_for_resending_stays_known_as_that(make: Make) -> None:
    """Invariant 4: its earlier attempt may have been sent, whatever the next one waits for."""
    stage = make(spacing="6h")
    stage.people(1)
    stage.start()
    provider = stage.providers["sms"]
    answer, provider.answer = provider.answer, lambda message: Ambiguous()
    stage.drain(lambda: stage.statuses() == {"unknown": 1})
    provider.answer = answer
    (unknown,) = stage.rows()
    with stage.context.database.begin() as connection:
        connection.execute(update(recent_people).values(message_id=unknown.id + 1))
    settle_message(stage.context, unknown.id, "resend", "Ani")
    stage.drain(lambda: not _ready(stage))
    (row,) = stage.rows()
    assert (row.status, row.not_before_rule) == ("queued", "resend")
    _age(stage, 7 * HOUR_US)
    stage.drain(stage.nothing_waits)
    with stage.context.database.read() as connection:
        assert connection.execute(select(attempts.c.status)).scalars().all() == ["unknown"]


def test_a_changed_rule_holds_for_what_waits(make: Make) -> None:
    stage = make(people_per_day=5)
    stage.people(20)
    stage.start()
    stage.drain(_sent(stage, 5))
    raised = stage.connect(senders={"sms": {"channel": "sms", "people_per_day": 12}})
    sync_senders(raised)
    stage.tick()
    stage.drain(_sent(stage, 12))
    assert len(stage.providers["sms"].numbers) == 12
    lifted = stage.connect(senders={"sms": {"channel": "sms"}})
    sync_senders(lifted)
    stage.tick()
    stage.drain(stage.nothing_waits)
    assert _people_kept(lifted) == 0
    for context in (raised, lifted):
        context.database.close()


def test_a_first_rule_knows_whom_the_sender_messaged_before(make: Make) -> None:
    stage = make()
    numbers = stage.people(6)
    stage.start()
    stage.drain(stage.nothing_waits)
    more = stage.people(4, first=6)
    stage.start("lain", text="Lain {{ stop }}")
    ruled = stage.connect(senders={"sms": {"channel": "sms", "people_per_day": 8}})
    sync_senders(ruled)
    assert _people_kept(ruled) == 6
    stage.drain(lambda: len(stage.providers["sms"].refs) >= 14 and not _ready(stage))
    sent = stage.providers["sms"].numbers
    assert len(sent) == 14
    assert len(set(sent) & set(numbers)) == 6
    assert len(set(sent) & set(more)) == 2
    ruled.database.close()


def test_waiting_for_people_never_opens_the_window(make: Make) -> None:
    """Invariant 8: what is weighed anew looks its hours up first."""
    stage = make(people_per_day=2)
    stage.people(4)
    stage.start()
    stage.drain(_sent(stage, 2))
    with stage.context.database.begin() as connection:
        closed = update(messages).where(messages.c.status == "queued")
        connection.execute(closed.values(not_after_us=stage.context.now_us() - 1))
    before = {row.id: row.not_before_us for row in stage.rows(status="queued")}
    stage.tick()
    waiting = stage.rows(status="queued")
    assert {row.id: row.not_before_us for row in waiting} == before
    assert {row.not_before_rule for row in waiting} == {"people-per-day"}
    assert all(row.not_after_us > stage.context.now_us() for row in waiting)


def test_people_are_forgotten_when_no_rule_asks_about_them(make: Make) -> None:
    stage = make(spacing="6h")
    stage.people(3)
    stage.start()
    stage.drain(_sent(stage, 3))
    stage.tick()
    assert _people_kept(stage.context) == 3
    _age(stage, 7 * HOUR_US)
    stage.tick()
    assert _people_kept(stage.context) == 0


def _people_kept(context: Context) -> int:
    with context.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(recent_people)).scalar_one())


def test_a_sender_without_rules_asks_nothing_more(stage: Stage) -> None:
    stage.people(20)
    stage.start()
    asked: list[str] = []
    event.listen(stage.context.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    stage.drain(stage.nothing_waits)
    assert stage.statuses() == {"accepted": 20}
    assert asked
    assert not [statement for statement in asked if "recent_people" in statement]


def test_a_provider_without_rules_beside_one_with_them(database_url: str, tmp_path: Path) -> None:
    one = {"wa": {"channel": "wa", "people_per_day": 1}, "sms": {"channel": "sms"}}
    stage = Stage(database_url, tmp_path, {"wa": Provider(), "sms": Provider()}, senders=one)
    stage.people(5)
    stage.start("satu", route="[{senders: wa}]")
    stage.start("dua", route="[{senders: sms}]")
    stage.drain(lambda: len(stage.providers["sms"].refs) == 5 and not _ready(stage))
    assert len(stage.providers["wa"].refs) == 1
    stage.close()
