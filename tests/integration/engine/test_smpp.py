"""The whole engine against the pretend SMS centre: receipts and replies over the session that sends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dispatcher.core.phone import mask
from dispatcher.core.status import Status
from dispatcher.operations.inspect_messages import show_message
from dispatcher.store.tables import exchanges, inbound, receipts
from dispatcher.testing.carrier import Behaviour, CarrierOptions, CarrierProcess
from tests.integration.engine.stage import Stage

PEOPLE = 200
SOON = Behaviour(sent_after_ms=(1, 5), delivered_after_ms=(1, 20), reply_after_ms=(1, 20), redelivery_after_s=0.05)


@pytest.fixture(scope="module")
def process() -> Iterator[CarrierProcess]:
    with CarrierProcess(CarrierOptions(behaviour=SOON, smpp_port=0)) as process:
        yield process


@pytest.fixture
def carrier(process: CarrierProcess) -> CarrierProcess:
    process.behave(SOON)
    process.reset()
    return process


@pytest.fixture
def centre(carrier: CarrierProcess, database_url: str, tmp_path: Path) -> Iterator[Stage]:
    sender = {
        "channel": "smpp", "host": "127.0.0.1", "port": carrier.options.smpp_port,
        "system_id": "simulator", "password": "simulator", "from": "KESBANGPOL", "allow_private": True,
    }  # fmt: skip
    stage = Stage(database_url, tmp_path, senders={"sms": sender}, inbound={"replies": []})
    yield stage
    stage.close()


def count(stage: Stage, table: Any) -> int:
    with stage.context.database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def all_are(stage: Stage, *statuses: Status) -> bool:
    stage.tick()  # matches what came before its message was recorded
    return stage.statuses().keys() <= set(statuses)


def test_all_are_delivered_once(carrier: CarrierProcess, centre: Stage) -> None:
    numbers = centre.people(PEOPLE)
    centre.start()
    centre.drain(lambda: all_are(centre, Status.DELIVERED))
    assert carrier.ledger.recipients() == dict.fromkeys(numbers, 1)
    assert count(centre, receipts) == PEOPLE
    centre.check()


def test_a_message_of_several_parts_is_delivered_when_all_are(carrier: CarrierProcess, centre: Stage) -> None:
    centre.people(10)
    centre.start(text="Undangan rapat warga di balai RW. " * 7 + "Balas STOP untuk berhenti.")
    centre.drain(lambda: all_are(centre, Status.DELIVERED))
    assert set(carrier.ledger.recipients().values()) == {2}
    assert {row.parts for row in centre.rows()} == {2}
    assert carrier.ledger.accepted_twice() == {}


def test_throttling_repetition_disorder_and_replies_lose_and_double_nothing(
    carrier: CarrierProcess, centre: Stage
) -> None:
    carrier.control(http_429=0.03, repeated=0.3, early=0.3, failure=0.1, reply=0.2, replies={"HADIR": 1})
    centre.people(PEOPLE)
    centre.start()
    centre.drain(lambda: all_are(centre, Status.DELIVERED, Status.FAILED))
    ended = centre.statuses()
    assert ended.total() == PEOPLE
    said = carrier.ledger.statuses()
    assert ended[Status.DELIVERED] == list(said.values()).count("delivered")
    assert carrier.ledger.accepted_twice() == {}
    assert {row.provider_code.split()[0] for row in centre.rows(status="failed")} <= {"UNDELIV", "REJECTD"}
    assert count(centre, inbound) > 0


def test_a_link_that_drops_under_load_doubles_nothing(carrier: CarrierProcess, centre: Stage) -> None:
    """What left and was not answered stays unknown (invariant 4); what did not leave goes again."""
    carrier.control(reset_before_accept=0.01, reset_after_accept=0.01)
    centre.people(PEOPLE)
    centre.start()
    centre.drain(lambda: all_are(centre, Status.DELIVERED, Status.UNKNOWN))
    assert centre.statuses()[Status.DELIVERED] > 0
    assert carrier.ledger.accepted_twice() == {}
    unanswered = centre.statuses()[Status.UNKNOWN]
    assert carrier.ledger.accepted() >= PEOPLE - unanswered


def test_the_wire_log_tells_of_what_was_not_taken(carrier: CarrierProcess, centre: Stage) -> None:
    carrier.control(http_429=1)
    (number,) = centre.people(1)
    centre.start()
    centre.drain(lambda: count(centre, exchanges) > 0)
    (row,) = centre.rows()
    first = show_message(centre.context, row.id, "Ani")["attempts"][0]["exchanges"][0]
    assert first["method"] == "submit_sm"
    assert first["request"] == {"destination_addr": mask(number), "part": 1}
    assert first["answer"]["command_id"] == "0x80000004"
    assert first["answer"]["command_status"] == "0x58"
