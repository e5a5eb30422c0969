"""The inbox holds what a person must answer, until a person says that it is done."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from dispatcher.cli.inbox import app
from dispatcher.core.clock import DAY_US
from dispatcher.core.errors import UsageError
from dispatcher.operations.context import Context
from dispatcher.operations.inbox import Only, list_inbox, mark_done
from dispatcher.operations.replies import Replies, Reply
from dispatcher.spi import Inbound
from dispatcher.store.inbox import count_unsigned_stops
from dispatcher.store.installation import take_ids
from dispatcher.store.tables import inbound, journal
from dispatcher.store.withdrawal import erase_contact
from tests.integration.builders import Builder, make_context


@pytest.fixture
def context(database_url: str) -> Iterator[Context]:
    context = make_context(database_url)
    yield context
    context.database.close()


def _reply(context: Context, sender_id: int, number: str, text: str, *, signed: bool = True) -> int:
    now_us = context.now_us()
    with context.database.begin() as connection:
        (identifier,) = take_ids(connection, 1, now_us)
        said = Inbound(sender=number, text=text, provider_id=f"SM{identifier}")
        Replies(context).take(connection, [Reply(sender_id, identifier, said, signed)], now_us)
    return identifier


def _acts(context: Context) -> list[tuple[str, str, Any]]:
    with context.database.read() as connection:
        rows = connection.execute(select(journal).order_by(journal.c.id))
        return [(row.actor, row.verb, row.details) for row in rows]


def test_only_what_needs_a_person_is_listed_newest_first(context: Context) -> None:
    sender_id = Builder(context).sender()
    first = _reply(context, sender_id, "+6281234500001", "Tempatnya di mana?")
    _reply(context, sender_id, "+6281234500002", "STOP")
    second = _reply(context, sender_id, "+6281234500003", "Salah nomor")
    assert [(row["id"], row["sender"]) for row in list_inbox(context, "Ani")] == [(second, "sms"), (first, "sms")]
    assert [row["id"] for row in list_inbox(context, "Ani", 1)] == [second]


def test_numbers_and_texts_are_shown_only_on_request_and_on_record(context: Context) -> None:
    _reply(context, Builder(context).sender(), "+6281234500001", "Tempatnya di mana?")
    private = str(list_inbox(context, "Ani"))
    assert "81234500001" not in private and "Tempatnya" not in private
    assert _acts(context) == []
    (shown,) = list_inbox(context, "Ani", show_text=True)
    assert shown["text"] == "Tempatnya di mana?"
    assert "81234500001" not in str(shown)
    (shown,) = list_inbox(context, "Ani", show_number=True)
    assert shown["from"] == "+6281234500001"
    looked_at = [{"replies": 1, "number": False, "text": True}, {"replies": 1, "number": True, "text": False}]
    assert _acts(context) == [("Ani", "inbox list", details) for details in looked_at]


def test_done_once_is_done(context: Context) -> None:
    reply_id = _reply(context, Builder(context).sender(), "+6281234500001", "Tempatnya di mana?")
    outcome = mark_done(context, reply_id, "Ani")
    assert mark_done(context, reply_id, "Budi") == outcome
    assert list_inbox(context, "Ani") == []
    (kept,) = list_inbox(context, "Ani", handled=True)
    assert kept["handled"] == outcome["handled"]
    assert _acts(context) == [("Ani", "inbox done", {})]


def test_a_note_is_kept_with_who_and_is_sealed(context: Context) -> None:
    reply_id = _reply(context, Builder(context).sender(), "+6281234500001", "Tempatnya di mana?")
    mark_done(context, reply_id, "Ani", "Ditelepon, akan datang")
    mark_done(context, reply_id, "Budi", "lain")
    (row,) = list_inbox(context, "Ani", handled=True, show_text=True)
    assert (row["handled_by"], row["note"]) == ("Ani", "Ditelepon, akan datang")
    assert "note" not in list_inbox(context, "Ani", handled=True)[0]
    with context.database.read() as connection:
        assert b"Ditelepon" not in connection.execute(select(inbound.c.note_sealed)).scalar_one()


def test_a_note_is_erased_with_the_person(context: Context) -> None:
    build = Builder(context)
    person = build.person()
    reply_id = _reply(context, build.sender(), person.number, "Saya sakit")
    mark_done(context, reply_id, "Ani", "Sedang dirawat")
    with context.database.begin() as connection:
        erase_contact(connection, person.id, context.now_us())
    (row,) = list_inbox(context, "Ani", handled=True, show_text=True)
    assert (row["note"], row["text"], row["handled_by"]) == ("", "", "Ani")


def test_filters_by_age_and_campaign(context: Context) -> None:
    build = Builder(context)
    sender_id, campaign_id = build.sender(), build.campaign("rapat")
    old, new = (_reply(context, sender_id, f"+628123450000{n}", "Tempatnya di mana?") for n in (1, 2))
    with context.database.begin() as connection:
        past = {"received_us": context.now_us() - 3 * DAY_US, "campaign_id": campaign_id}
        connection.execute(update(inbound).where(inbound.c.id == old).values(**past))

    def ids(**only: Any) -> list[int]:
        return [row["id"] for row in list_inbox(context, "Ani", only=Only(**only))]

    assert ids() == [new, old]
    assert ids(older=timedelta(days=2)) == ids(campaign="rapat") == [old]
    assert ids(newer=timedelta(days=2)) == [new]
    assert ids(stops=True) == []
    with pytest.raises(UsageError, match="no campaign"):
        ids(campaign="tidak-ada")


def test_stops_that_nobody_signed_are_listed_whether_they_acted_or_wait(context: Context) -> None:
    sender_id = Builder(context).sender()
    signed = _reply(context, sender_id, "+6281234500001", "STOP")
    stops = [_reply(context, sender_id, f"+62812345{n:05}", "STOP", signed=False) for n in range(32)]
    listed = [row["id"] for row in list_inbox(context, "Ani", only=Only(stops=True))]
    assert listed == stops[::-1] and signed not in listed
    assert [row["id"] for row in list_inbox(context, "Ani")] == [stops[31], stops[30]]
    with context.database.read() as connection:
        assert count_unsigned_stops(connection, context.now_us() - DAY_US) == (30, 2)


def test_exported_for_a_spreadsheet(context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _reply(context, Builder(context).sender(), "+6281234500001", "=HYPERLINK(1)")
    monkeypatch.setattr("dispatcher.wiring.connect", lambda: context)
    for format_ in ("csv", "xlsx"):
        out = tmp_path / f"inbox.{format_}"
        arguments = ["export", "--format", format_, "--out", str(out), "--show-text", "--newer", "1d"]
        assert CliRunner().invoke(app, arguments).exit_code == 0
        assert out.stat().st_mode & 0o777 == 0o600
    lines = list(csv.DictReader((tmp_path / "inbox.csv").read_text().splitlines()))
    assert [(line["text"], line["meaning"]) for line in lines] == [("'=HYPERLINK(1)", "")]
    assert (tmp_path / "inbox.xlsx").read_bytes()[:2] == b"PK"


def test_what_is_not_in_the_inbox_cannot_be_done(context: Context) -> None:
    refusal = _reply(context, Builder(context).sender(), "+6281234500002", "STOP")
    for reply_id in (refusal, 1):
        with pytest.raises(UsageError, match="no reply"):
            mark_done(context, reply_id, "Ani")
