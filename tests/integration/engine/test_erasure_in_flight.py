"""Somebody is erased while a message to them is under way: it ends, is counted, and nothing of them comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from dispatcher.core.status import Reason, Status
from dispatcher.operations.contacts import erase_contact
from dispatcher.spi import Accepted, Ambiguous, Found, LookupQuery, LookupResult, NotSent, Outcome, Rejected
from dispatcher.store.tables import exchanges
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Hands, Stage


@pytest.mark.parametrize(
    ("outcome", "ends"),
    [
        (Accepted(("x",)), {"accepted"}),
        (Rejected(Reason.UNREACHABLE), {"failed"}),
        (Ambiguous(), {"unknown"}),
        (NotSent(), {"cancelled"}),
    ],
    ids=["accepted", "rejected", "ambiguous", "not-sent"],
)
def test_a_message_that_is_being_sent_ends_and_is_counted(stage: Stage, outcome: Outcome, ends: set[str]) -> None:
    (number,) = stage.people(1)
    stage.start()
    clock = Hands(stage.context)
    begun = stage.begin(stage.claim())
    assert erase_contact(stage.context, number, by="Budi")["cancelled"] == 0
    stage.record(begun, outcome)
    clock.pass_s(10)
    stage.tick()
    stage.drain(stage.nothing_waits)
    stage.check()
    (row,) = stage.rows()
    assert ({row.status}, row.body_sealed, row.address_sealed) == (ends, None, None)
    assert stage.providers["sms"].numbers == []
    with stage.context.database.read() as connection:
        assert connection.execute(select(exchanges)).all() == []


def test_an_unknown_one_of_an_erased_person_does_not_keep_others_from_being_looked_up(
    database_url: str, tmp_path: Path
) -> None:
    provider = Provider(lambda message: Ambiguous(), lookup=True, settle_time_s=0.0)
    stage = Stage(database_url, tmp_path, {"sms": provider})
    erased, _ = stage.people(2)
    stage.start()
    stage.drain(lambda: stage.statuses() == {"unknown": 2})
    erase_contact(stage.context, erased, by="Budi")

    def look_up(_: LookupQuery) -> LookupResult:
        return Found("SM1", Status.DELIVERED)

    provider.look_up = look_up
    stage.drain(lambda: stage.statuses() == {"unknown": 1, "delivered": 1})
    assert stage.tick().senders == ()
    stage.close()
