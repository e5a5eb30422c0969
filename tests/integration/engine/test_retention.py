"""What is older than the settings allow is erased in batches; counts, reports and what still goes on stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from dispatcher.core.errors import UsageError
from dispatcher.operations import retain as retaining
from dispatcher.operations.control import cancel_campaign
from dispatcher.operations.report import campaign_report
from dispatcher.operations.retain import retain
from dispatcher.settings.file import parse_settings
from dispatcher.settings.model import Retention
from dispatcher.spi import Accepted, Ambiguous
from dispatcher.store.tables import consents, contacts, inbound, journal, receipts
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Hands, Stage

AGES = {"texts_days": 30, "calls_days": 30, "replies_days": 30, "contacts_days": 30}
DAY_S = 86_400


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(database_url, tmp_path, retention=AGES)
    yield stage
    stage.close()


def _retain(stage: Stage, **options: Any) -> dict[str, int]:
    return {kind: n for kind, n in retain(stage.context, by="Budi", **options).items() if n}


def _count(stage: Stage, condition: Any) -> int:
    with stage.context.database.read() as connection:
        return int(connection.execute(select(func.count()).where(condition)).scalar_one())


def test_texts_of_what_ended_go_and_reports_stay(stage: Stage) -> None:
    """Invariant 11."""
    stage.people(4)
    stage.start()
    clock = Hands(stage.context)
    stage.send(Accepted(("x",)), limit=2)
    stage.send(Ambiguous(), limit=1)
    clock.pass_s(29 * DAY_S)
    assert _retain(stage) == {}
    clock.pass_s(2 * DAY_S)
    before = campaign_report(stage.context, "ajakan")
    assert _retain(stage, dry_run=True) == {"texts": 2}
    assert len([row for row in stage.rows() if row.body_sealed]) == 4
    assert _retain(stage) == {"texts": 2}
    left = {row.status for row in stage.rows() if row.body_sealed and row.address_sealed}
    assert left == {"unknown", "queued"}
    assert {row.status for row in stage.rows() if row.body_sealed is None} == {"accepted"}
    assert _retain(stage) == {}
    stage.check()
    assert campaign_report(stage.context, "ajakan") == before
    assert _count(stage, journal.c.verb == "contacts retain") == 1


def test_texts_that_a_cancelled_campaign_would_have_followed_go_as_well(database_url: str, tmp_path: Path) -> None:
    stage = Stage(database_url, tmp_path, {"sms": Provider(), "last": Provider()}, retention=AGES)
    stage.people(2)
    stage.start(route='[{senders: sms, after: "1 hour"}, {senders: last}]')
    clock = Hands(stage.context)
    stage.send(Accepted(("x",)))
    assert [row.hop_due_us is None for row in stage.rows()] == [False, False]
    cancel_campaign(stage.context, "ajakan", "Ani")
    clock.pass_s(40 * DAY_S)
    assert _retain(stage) == {"texts": 2}
    stage.close()


def test_a_run_that_was_interrupted_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.people(3)
    stage.start()
    clock = Hands(stage.context)
    stage.send(Accepted(("x",)))
    clock.pass_s(31 * DAY_S)
    monkeypatch.setattr(retaining, "AT_ONCE", 1)
    page, calls = retaining._page, iter(range(9))

    def killed(*arguments: Any) -> list[int]:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return page(*arguments)

    monkeypatch.setattr(retaining, "_page", killed)
    with pytest.raises(KeyboardInterrupt):
        _retain(stage)
    assert len([row for row in stage.rows() if row.body_sealed is None]) == 1
    assert _retain(stage) == {"texts": 2}


def test_calls_and_replies_go_but_for_those_that_wait_for_a_person(stage: Stage) -> None:
    clock = Hands(stage.context)
    now_us = stage.context.now_us()
    said = {"sender_id": 1, "address_hash": b"h", "address_sealed": b"a", "text_sealed": b"t", "received_us": now_us}
    with stage.context.database.begin() as connection:
        connection.execute(insert(inbound).values(id=1, provider_id="1", **said))
        connection.execute(insert(inbound).values(id=2, provider_id="2", needs_person=True, **said))
        connection.execute(
            insert(receipts).values(id=3, sender_id=1, received_us=now_us, state="folded", raw_sealed=b"r")
        )
    clock.pass_s(31 * DAY_S)
    assert _retain(stage) == {"calls": 1, "replies": 1}
    assert _count(stage, receipts.c.raw_sealed.is_not(None)) == 0
    assert _count(stage, inbound.c.text_sealed.is_not(None)) == 1


def test_people_without_consent_and_activity_are_erased(stage: Stage) -> None:
    stage.import_rows([("a", "Siti", "081311110001", "tidak"), ("b", "Tono", "081311110002", "ya")], consent=True)
    clock = Hands(stage.context)
    clock.pass_s(31 * DAY_S)
    stage.import_rows([("c", "Ani", "081311110003", "tidak")], consent=True)
    assert _retain(stage, dry_run=True) == {"contacts": 1}
    assert _retain(stage) == {"contacts": 1}
    assert _count(stage, contacts.c.erased_us.is_not(None)) == 1
    assert _count(stage, contacts.c.erased_us.is_(None)) == 2
    assert _count(stage, consents.c.contact_id > 0) == 2
    assert _retain(stage) == {}


def test_nothing_goes_without_an_age() -> None:
    assert parse_settings(b"retention: {texts_days: 90}").retention == Retention(texts_days=90)
    for wrong in (b"retention: {texts_days: 0}", b"retention: {texts: 3}"):
        with pytest.raises(UsageError):
            parse_settings(wrong)
