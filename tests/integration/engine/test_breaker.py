"""A campaign whose failures or refusals jump pauses itself, says why, and goes on when a person says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dispatcher.core.clock import SECOND_US
from dispatcher.core.outcome import OptedOut
from dispatcher.core.status import Reason, Status
from dispatcher.operations.control import resume_campaign
from dispatcher.operations.fold import Event, fold
from dispatcher.operations.status import campaign_status
from dispatcher.spi import Accepted, Filtered, Receipt, Rejected
from dispatcher.store.receipts import Attempt
from dispatcher.store.stops import stop_address
from dispatcher.store.tables import breaker_marks, journal, stops
from tests.integration.engine.stage import Hands, Stage

Make = Callable[..., Stage]
SMALL = {"failed": {"least": 10}, "opted_out": {"least": 4, "share": "20 %"}}


@pytest.fixture
def make(database_url: str, tmp_path: Path) -> Iterator[Make]:
    made: list[Stage] = []

    def make(breaker: Any = SMALL) -> Stage:
        made.append(Stage(database_url, tmp_path, breaker=breaker))
        return made[-1]

    yield make
    for stage in made:
        stage.close()


def _why(stage: Stage) -> dict[str, str]:
    why = campaign_status(stage.context, "ajakan", why=True).as_dict()["why"]
    return {one["rule"]: one["explanation"] for one in why}


def test_filtered_messages_pause_their_campaign_and_no_other(make: Make) -> None:
    stage = make()
    stage.people(30)
    stage.start()
    stage.start("lain", text="Lain {{ stop }}")
    half = stage.begin(stage.claim(20))
    ours = {row.id for row in stage.rows(campaign_id=stage.campaign().id)}
    stage.record({i: n for i, n in half.items() if i in ours}, Filtered("30007"))
    stage.record({i: n for i, n in half.items() if i not in ours}, Accepted(("x",)))
    stage.tick()

    campaign = stage.campaign()
    assert campaign.state == "paused"
    assert campaign.state_reason.startswith("breaker: 10 of 10 messages failed within 5 min")
    assert "filtered 10" in campaign.state_reason
    assert stage.campaign("lain").state == "running"
    assert "campaign resume ajakan" in _why(stage)["breaker"]
    assert not {row.campaign_id for row in stage.claim(100)} & {campaign.id}
    with stage.context.database.read() as connection:
        acts = connection.execute(select(journal).where(journal.c.verb == "pause")).all()
    assert [(act.actor, act.subject) for act in acts] == [("dispatcher", "ajakan")]


def test_numbers_that_do_not_exist_do_not_pause_it(make: Make) -> None:
    stage = make()
    stage.people(30)
    stage.start()
    stage.send(Rejected(Reason.INVALID_NUMBER), 20)
    stage.tick()
    assert stage.campaign().state == "running"


def test_resumed_it_does_not_trip_on_the_same_numbers_and_does_on_new_ones(make: Make) -> None:
    stage = make()
    stage.people(60)
    stage.start()
    clock = Hands(stage.context)
    stage.send(Filtered(), 12)
    stage.tick()
    assert stage.campaign().state == "paused"

    clock.pass_s(10)
    resume_campaign(stage.context, "ajakan", "Ani")
    for _ in range(3):
        clock.pass_s(1)
        stage.tick()
    assert stage.campaign().state == "running"
    stage.send(Filtered(), 9)
    stage.tick()
    assert stage.campaign().state == "running"
    stage.send(Filtered(), 1)
    stage.tick()
    assert stage.campaign().state == "paused"


def test_what_failed_before_the_window_is_over(make: Make) -> None:
    stage = make()
    stage.people(60)
    stage.start()
    clock = Hands(stage.context)
    stage.send(Filtered(), 9)
    stage.tick()
    for _ in range(7):
        clock.pass_s(60)
        stage.tick()
    stage.send(Filtered(), 9)
    stage.tick()
    assert stage.campaign().state == "running"
    clock.pass_s(60)
    stage.send(Filtered(), 1)
    stage.tick()
    assert stage.campaign().state == "paused"
    with stage.context.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(breaker_marks)).scalar_one() <= 8


def test_a_provider_that_tells_of_failures_later_pauses_it_too(make: Make) -> None:
    stage = make()
    stage.people(40)
    stage.start()
    clock = Hands(stage.context)
    begun = stage.send(Accepted(("x",)), 20)
    stage.tick()
    clock.pass_s(600)
    stage.tick()
    row = {"sender_id": stage.sender_id(), "state": "parked"}
    failed = Receipt(Status.FAILED, reason=Reason.PROVIDER)
    events = [Event(dict(row), failed, Attempt(*one)) for one in begun.items()]
    stage.run(lambda c: fold(c, events, stage.context.now_us()))
    stage.tick()
    assert "20 of 20" in stage.campaign().state_reason


@pytest.mark.parametrize("way", ["reply", "provider"])
def test_refusals_pause_it(make: Make, way: str) -> None:
    stage = make()
    numbers = stage.people(60)
    stage.start()
    clock = Hands(stage.context)
    begun = stage.begin(stage.claim(20))
    refusing = dict(list(begun.items())[:4])
    stage.record({i: n for i, n in begun.items() if i not in refusing}, Accepted(("x",)))
    stage.record(refusing, OptedOut() if way == "provider" else Accepted(("x",)))
    clock.pass_s(60)
    if way == "reply":
        _refuse(stage, [_number_of(stage, numbers, i) for i in list(refusing)[:3]])
        stage.tick()
        assert stage.campaign().state == "running"
        _refuse(stage, [_number_of(stage, numbers, i) for i in refusing])
    stage.tick()
    assert stage.campaign().state_reason.startswith("breaker: 4 people opted out after 20 messages within 24 h")

    clock.pass_us(SECOND_US)
    resume_campaign(stage.context, "ajakan", "Ani")
    stage.send(Accepted(("x",)), 5)
    stage.tick()
    assert stage.campaign().state == "running"


def _number_of(stage: Stage, numbers: list[str], message_id: int) -> str:
    (row,) = stage.rows(id=message_id)
    return next(number for number in numbers if stage.context.keys.hash_address(number) == bytes(row.address_hash))


def _refuse(stage: Stage, numbers: list[str]) -> None:
    hashes = [stage.context.keys.hash_address(number) for number in numbers]
    now_us = stage.context.now_us()
    stage.run(lambda c: [stop_address(c, one, "*", "stop", "reply", now_us) for one in hashes])


def test_a_refusal_is_put_down_to_the_last_campaign_that_messaged_the_number(make: Make) -> None:
    stage = make()
    (number, other) = stage.people(2)
    stage.start()
    clock = Hands(stage.context)
    stage.send(Accepted(("x",)))
    clock.pass_s(60)
    stage.start("lain", text="Lain {{ stop }}")
    stage.send(Accepted(("x",)))
    _refuse(stage, [number])
    clock.pass_s(8 * 86_400)
    _refuse(stage, [other])
    with stage.context.database.read() as connection:
        (row,) = connection.execute(select(stops)).all()
    assert row.campaign_id == stage.campaign("lain").id


@pytest.mark.parametrize("breaker", ["off", {**SMALL, "except": ["ajakan"]}])
def test_it_can_be_switched_off(make: Make, breaker: Any) -> None:
    stage = make(breaker)
    stage.people(20)
    stage.start()
    stage.send(Filtered(), 15)
    stage.tick()
    assert stage.campaign().state == "running"


def test_a_person_can_switch_it_off_and_on_for_one_campaign(make: Make) -> None:
    stage = make()
    stage.people(90)
    stage.start()
    stage.send(Filtered(), 15)
    stage.tick()
    resume_campaign(stage.context, "ajakan", "Ani", breaker=False)
    stage.send(Filtered(), 15)
    stage.tick()
    assert stage.campaign().state == "running"
