"""Single messages: shown without what is private unless asked for, settled by a person (invariant 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert, select

from dispatcher.core.errors import UsageError
from dispatcher.core.status import Status
from dispatcher.delivery.schedule import FAR_US
from dispatcher.operations import inspect_messages
from dispatcher.operations.context import Context
from dispatcher.operations.inspect_messages import settle_campaign, settle_message, show_message
from dispatcher.operations.message_list import list_messages
from dispatcher.operations.status import campaign_status
from dispatcher.store.tables import attempts, journal, messages, receipts
from tests.integration.builders import Builder, make_context


@pytest.fixture
def context(database_url: str) -> Iterator[Context]:
    context = make_context(database_url)
    yield context
    context.database.close()


@pytest.fixture
def built(context: Context) -> Builder:
    return Builder(context)


def _status(context: Context, message_id: int) -> str:
    with context.database.read() as connection:
        return str(connection.execute(select(messages.c.status).where(messages.c.id == message_id)).scalar_one())


def _acts(context: Context) -> list[tuple[str, str, Any]]:
    with context.database.read() as connection:
        rows = connection.execute(select(journal).order_by(journal.c.id))
        return [(row.actor, row.verb, row.details) for row in rows]


def test_the_list_is_filtered_and_private(context: Context, built: Builder) -> None:
    sender, step, other = built.sender(), built.step(built.campaign()), built.step(built.campaign("lain"))
    first = built.message(step, built.person(), sender, Status.UNKNOWN)
    built.message(step, built.person(), sender, Status.DELIVERED)
    built.message(other, built.person(), sender, Status.UNKNOWN, not_before_us=FAR_US)
    assert [row["id"] for row in list_messages(context, "ajakan", "unknown")] == [first]
    assert len(list_messages(context, status="unknown")) == 2
    assert len(list_messages(context, limit=1)) == 1
    assert "+628" not in str(list_messages(context))
    with pytest.raises(UsageError):
        list_messages(context, status="hilang")


def test_a_message_whose_window_never_opens_can_be_shown(context: Context, built: Builder) -> None:
    row = {"not_before_us": FAR_US, "not_before_rule": "never"}
    message = built.message(built.step(built.campaign()), built.person(), built.sender(), **row)
    shown = show_message(context, message, "Ani")
    assert shown["not_before"] is None
    assert "never opens" in shown["why"]


def test_number_and_text_are_shown_only_on_request_and_on_record(context: Context, built: Builder) -> None:
    person = built.person()
    message = built.message(built.step(built.campaign()), person, built.sender(), text="Halo Siti")
    shown = show_message(context, message, "Ani")
    assert person.number not in str(shown)
    assert shown["to"].endswith(person.number[-3:])
    assert "Siti" not in str(shown)
    assert _acts(context) == []

    shown = show_message(context, message, "Ani", show_number=True, show_text=True)
    assert (shown["to"], shown["text"]) == (person.number, "Halo Siti")
    ((actor, verb, details),) = _acts(context)
    assert (actor, verb, details) == ("Ani", "message show", {"number": True, "text": True})


def test_attempts_and_receipts_are_told_in_order(context: Context, built: Builder) -> None:
    sender = built.sender()
    message = built.message(
        built.step(built.campaign()), built.person(), sender, Status.SENT, attempt=2, begun_us=2_000_000
    )
    with context.database.begin() as connection:
        earlier = {"message_id": message, "attempt": 1, "sender_id": sender, "status": "unknown", "begun_us": 1_000_000}
        connection.execute(insert(attempts).values(**earlier))
        connection.execute(
            insert(receipts).values(
                id=1, sender_id=sender, received_us=3_000_000, state="folded", message_id=message, status="sent"
            )
        )
    shown = show_message(context, message, "Ani")
    assert [(one["attempt"], one["status"]) for one in shown["attempts"]] == [(1, "unknown"), (2, "sent")]
    assert shown["receipts"][0]["received"] == "1970-01-01T07:00:03+07:00"


@pytest.mark.parametrize(("decision", "after"), [("sent", "accepted"), ("not-sent", "failed"), ("resend", "queued")])
def test_a_person_settles_one(context: Context, built: Builder, decision: Any, after: str) -> None:
    message = built.message(built.step(built.campaign()), built.person(), built.sender(), Status.UNKNOWN)
    assert settle_message(context, message, decision, "Ani") == {"settled": 1, "as": decision}
    assert _status(context, message) == after
    assert campaign_status(context, "ajakan").as_dict()["messages"] == {after: 1}
    assert _acts(context) == [("Ani", "settle", {"as": decision})]


def test_only_what_is_unknown_can_be_settled(context: Context, built: Builder) -> None:
    message = built.message(built.step(built.campaign()), built.person(), built.sender(), Status.DELIVERED)
    with pytest.raises(UsageError, match="delivered"):
        settle_message(context, message, "resend", "Ani")
    with pytest.raises(UsageError, match="no message"):
        settle_message(context, 1, "resend", "Ani")
    assert _status(context, message) == "delivered"


def test_a_campaign_is_settled_page_by_page(context: Context, built: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_messages, "AT_ONCE", 2)
    sender, step = built.sender(), built.step(built.campaign())
    for status in (*[Status.UNKNOWN] * 5, Status.DELIVERED):
        built.message(step, built.person(), sender, status)
    other = built.message(built.step(built.campaign("lain")), built.person(), sender, Status.UNKNOWN)
    assert settle_campaign(context, "ajakan", "sent", "Ani")["settled"] == 5
    assert campaign_status(context, "ajakan").as_dict()["messages"] == {"accepted": 5, "delivered": 1}
    assert campaign_status(context, "ajakan").total.conserves
    assert _status(context, other) == "unknown"
