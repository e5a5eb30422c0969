"""Why did somebody not get it? What was said to and by the provider, through the engine and the carrier simulator."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from dispatcher.cli.exchange_view import print_exchange
from dispatcher.cli.message import _print_message
from dispatcher.core.clock import DAY_US
from dispatcher.core.errors import UsageError
from dispatcher.core.phone import mask
from dispatcher.core.status import Reason
from dispatcher.operations.contacts import erase_contact
from dispatcher.operations.inspect_messages import show_message
from dispatcher.operations.record import Ended, record_ends
from dispatcher.operations.spool import read_spools, write_spool
from dispatcher.settings.file import parse_settings
from dispatcher.settings.model import WireLog
from dispatcher.spi import Rejected
from dispatcher.store import exchanges as store
from dispatcher.store.exchanges import Wire
from dispatcher.store.tables import exchanges
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from tests.integration.engine.stage import Hands, Stage

NO_SUCH_NUMBER, OPTED_OUT = "+15005550001", "+15005550004"
TOKEN = "simulator-token"


@pytest.fixture
def carrier() -> Iterator[CarrierProcess]:
    with CarrierProcess(CarrierOptions()) as carrier:
        yield carrier


@pytest.fixture
def stage(database_url: str, tmp_path: Path, carrier: CarrierProcess) -> Iterator[Stage]:
    stage = Stage(database_url, tmp_path, senders={"sms": {"channel": "simulator", "base_url": carrier.url}})
    yield stage
    stage.close()


def wire_log(stage: Stage, **settings: Any) -> None:
    changed = stage.context.settings.model_copy(update={"wire_log": WireLog(**settings)})
    stage.context.environment.__dict__["settings"] = changed
    stage.context.__dict__["settings"] = changed


def kept(stage: Stage) -> int:
    with stage.context.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(exchanges)).scalar_one())


def numbers_of(stage: Stage) -> dict[int, str]:
    sealer = stage.context.keys.sealer
    return {row.id: sealer.open("messages.address", row.id, row.address_sealed) for row in stage.rows()}


def shown(stage: Stage, message_id: int) -> dict[str, Any]:
    return show_message(stage.context, message_id, "Ani")


def test_a_refusal_is_shown_with_what_was_said(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stage.people(2)
    stage.people(1, lambda i: NO_SUCH_NUMBER, first=2)
    stage.start()
    stage.drain(stage.nothing_waits)
    assert stage.statuses() == {"accepted": 2, "failed": 1}
    assert kept(stage) == 1, "a plain acceptance is not kept"
    (row,) = stage.rows(status="failed")
    (attempt,) = shown(stage, row.id)["attempts"]
    (exchange,) = attempt["exchanges"]
    assert (exchange["method"], exchange["status"]) == ("POST", 400)
    assert exchange["path"].endswith("/Messages.json")
    assert exchange["host"].startswith("127.0.0.1:")
    assert exchange["headers"]["authorization"] == "[secret]"
    assert exchange["request"]["To"] == mask(NO_SUCH_NUMBER)
    assert exchange["request"]["Body"].startswith("[text, ")
    assert exchange["answer"]["code"] == 21211
    assert exchange["at"].endswith("+07:00")
    with stage.context.database.read() as connection:
        stored = connection.execute(select(exchanges.c.wire_sealed)).scalar_one()
        opened = store.of_message(connection, stage.context.keys.sealer, row.id)[1]
    for text in (json.dumps(exchange, ensure_ascii=False), opened, caplog.text, repr(bytes(stored))):
        for private in (NO_SUCH_NUMBER[1:], NO_SUCH_NUMBER[3:], "Warga", "hak pilih", TOKEN):
            assert private not in text


def test_sixty_four_at_once_with_different_ends(stage: Stage, carrier: CarrierProcess) -> None:
    carrier.control(
        http_500_before_accept=0.2, http_500_after_accept=0.1, reset_after_accept=0.3, latency_ms=[1, 30]
    )  # fmt: skip
    stage.people(299)
    stage.people(1, lambda i: NO_SUCH_NUMBER, first=299)
    stage.start()
    stage.drain(stage.nothing_waits)
    numbers, seen = numbers_of(stage), set[Any]()
    assert len({mask(number) for number in numbers.values()}) == 300
    for row in stage.rows():
        for attempt in shown(stage, row.id)["attempts"]:  # one, unless the machine is slow
            for exchange in attempt["exchanges"]:
                assert exchange["request"]["To"] == mask(numbers[row.id])
                assert (exchange.get("status") == 400) == (numbers[row.id] == NO_SUCH_NUMBER)
            seen.add((attempt["status"], *(exchange.get("status", "lost") for exchange in attempt["exchanges"])))
    assert seen >= {("accepted",), ("failed", 400), ("unknown", 500), ("unknown", "lost")}


@pytest.mark.parametrize(("is_there", "said"), [(True, 429), (False, "the connection could not be opened")])
def test_what_is_tried_again_is_kept_for_each_try(
    stage: Stage, carrier: CarrierProcess, is_there: bool, said: Any
) -> None:
    carrier.control(http_429=1, retry_after_s=0.1)
    if not is_there:
        carrier.kill()
    stage.people(1)
    stage.start()
    stage.drain(lambda: kept(stage) >= 1)
    for attempt in shown(stage, stage.rows()[0].id)["attempts"]:
        for exchange in attempt["exchanges"]:
            assert said in (exchange.get("status"), exchange.get("failure"))


def test_accepted_ones_where_it_is_asked_for(stage: Stage) -> None:
    wire_log(stage, accepted=True)
    stage.people(3)
    stage.start()
    stage.drain(stage.nothing_waits)
    assert kept(stage) == 3
    for row in stage.rows():
        ((exchange,),) = [attempt["exchanges"] for attempt in shown(stage, row.id)["attempts"]]
        assert exchange["status"] == 201
        assert exchange["answer"]["sid"] == row.provider_id
        assert exchange["answer"]["body"].startswith("[text, ")


def test_switched_off_nothing_is_kept_and_what_was_kept_goes(stage: Stage) -> None:
    stage.people(1, lambda i: OPTED_OUT)
    stage.start()
    stage.drain(stage.nothing_waits)
    assert kept(stage) == 1
    wire_log(stage, keep_days=0)
    stage.people(1, lambda i: NO_SUCH_NUMBER, first=1)
    stage.start("kedua")
    stage.drain(stage.nothing_waits)
    assert stage.statuses() == {"failed": 2}
    assert kept(stage) == 1
    stage.tick()
    assert kept(stage) == 0


def _keep(stage: Stage, message_id: int, attempt: int = 1, text: str = "[]") -> None:
    sealer, now_us = stage.context.keys.sealer, stage.context.now_us()
    stage.run(lambda connection: store.keep(connection, sealer, [Wire(message_id, attempt, text)], now_us))


def test_it_is_kept_for_as_long_as_it_is_said(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "AT_ONCE", 2)
    monkeypatch.setattr(store, "MOST_PAGES", 2)
    clock = Hands(stage.context)
    stage.people(7)
    stage.start()
    for row in stage.rows():
        _keep(stage, row.id)
        clock.pass_us(1)
    clock.pass_us(14 * DAY_US - 10)
    stage.tick()
    assert kept(stage) == 7
    clock.pass_us(20)
    statements: list[str] = []
    listening = (stage.context.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    event.listen(*listening)
    forgotten = store.forget_older(stage.context.database, stage.context.now_us() - 14 * DAY_US)
    event.remove(*listening)
    assert (forgotten, kept(stage)) == (4, 3), "a bounded number at a time"
    assert not any("messages" in statement for statement in statements)
    stage.tick()
    assert kept(stage) == 0


def test_it_goes_with_the_person(stage: Stage) -> None:
    stage.people(1, lambda i: NO_SUCH_NUMBER)
    stage.people(1, lambda i: OPTED_OUT, first=1)
    stage.start()
    stage.drain(stage.nothing_waits)
    erased, other = stage.rows()
    erase_contact(stage.context, str(erased.contact_id), by="Ani")
    assert [attempt["exchanges"] for attempt in shown(stage, erased.id)["attempts"]] == [[]]
    assert [len(attempt["exchanges"]) for attempt in shown(stage, other.id)["attempts"]] == [1]
    _keep(stage, erased.id)
    assert kept(stage) == 1, "an attempt that ends after the erasure leaves nothing"


def test_recorded_twice_it_is_kept_once(stage: Stage) -> None:
    stage.people(1)
    stage.start()
    begun = stage.begin(stage.claim())
    ((message_id, attempt),) = begun.items()
    end = Ended(message_id, attempt, Rejected(Reason.PROVIDER), wire='[{"at_us": 1, "ms": 2, "method": "POST"}]')
    for _ in range(2):
        stage.run(lambda connection: record_ends(stage.context, connection, [end, end]))
    assert kept(stage) == 1
    ((exchange,),) = [one["exchanges"] for one in shown(stage, message_id)["attempts"]]
    assert exchange["method"] == "POST"


def test_it_does_not_go_through_the_spool(stage: Stage) -> None:
    stage.people(1)
    stage.start()
    ((message_id, attempt),) = stage.begin(stage.claim()).items()
    state = stage.context.environment.state_dir
    path = write_spool(state, [Ended(message_id, attempt, Rejected(Reason.PROVIDER), wire='[{"said": "this"}]')])
    assert "this" not in path.read_text()
    assert read_spools(stage.context) == 1
    assert (stage.statuses(), kept(stage)) == ({"failed": 1}, 0)


def test_what_cannot_be_redacted_costs_the_log_only(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> str:
        raise ValueError(NO_SUCH_NUMBER)

    monkeypatch.setattr("dispatcher.delivery.wirelog.write", fails)
    stage.people(1, lambda i: NO_SUCH_NUMBER)
    stage.start()
    stage.drain(stage.nothing_waits)
    assert (stage.statuses(), kept(stage)) == ({"failed": 1}, 0)


def test_a_person_reads_it(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.people(1, lambda i: NO_SUCH_NUMBER)
    stage.start()
    stage.drain(stage.nothing_waits)
    ((exchange,),) = [attempt["exchanges"] for attempt in shown(stage, stage.rows()[0].id)["attempts"]]
    print_exchange(1, {**exchange, "answer": {"message": "a\x1b[2Jb\u202ec\nd"}})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("attempt 1, 20")
    assert lines[1].startswith("  > POST 127.0.0.1:")
    assert f"  >   To: {mask(NO_SUCH_NUMBER)}" in lines
    assert "  < 400" in lines
    assert lines[-1] == "  <   message: a\ufffd[2Jb\ufffdc\ufffdd"

    _print_message(shown(stage, stage.rows()[0].id))
    table, _, lines = capsys.readouterr().out.partition("attempt 1, 20")
    assert "exchanges" not in table, "they stand below the attempts"
    assert "  < 400" in lines


def test_the_settings_are_checked() -> None:
    assert parse_settings(b"wire_log: {keep_days: 3}").wire_log == WireLog(keep_days=3, accepted=False)
    for wrong in (b"wire_log: {keep_days: -1}", b"wire_log: {keep: 3}"):
        with pytest.raises(UsageError, match=":1: "):
            parse_settings(wrong)
