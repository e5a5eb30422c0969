"""The inbox holds what a person must answer, until a person says that it is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from dispatcher.core.errors import UsageError
from dispatcher.operations.context import Context
from dispatcher.operations.inbox import list_inbox, mark_done
from dispatcher.operations.replies import Replies, Reply
from dispatcher.spi import Inbound
from dispatcher.store.installation import take_ids
from dispatcher.store.tables import journal
from tests.integration.builders import Builder, make_context


@pytest.fixture
def context(database_url: str) -> Iterator[Context]:
    context = make_context(database_url)
    yield context
    context.database.close()


def _reply(context: Context, sender_id: int, number: str, text: str) -> int:
    now_us = context.now_us()
    with context.database.begin() as connection:
        (identifier,) = take_ids(connection, 1, now_us)
        said = Inbound(sender=number, text=text, provider_id=f"SM{identifier}")
        Replies(context).take(connection, [Reply(sender_id, identifier, said)], now_us)
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


def test_what_is_not_in_the_inbox_cannot_be_done(context: Context) -> None:
    refusal = _reply(context, Builder(context).sender(), "+6281234500002", "STOP")
    for reply_id in (refusal, 1):
        with pytest.raises(UsageError, match="no reply"):
            mark_done(context, reply_id, "Ani")
