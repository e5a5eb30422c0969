"""Which evidence settles an attempt, and which does not (invariant 4)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from dispatcher.spi import Absent, Found, LookupQuery, LookupResult, Reason, Status, Undecided
from dispatcher.testing import rawserver as raw
from dispatcher.testing.conformance import Answer
from dispatcher.testing.conformance.base import GuardedClient
from dispatcher.testing.conformance.lookup import LOOKUP
from dispatcher.testing.rawserver import RawServer
from dispatcher_channels.twilio import TwilioSmsChannel
from tests.conformance import twilio_provider as twilio

TEXT = str(LOOKUP.text)
TEMPLATE = replace(LOOKUP, text=None)


def look_up(*answers: Answer, query: LookupQuery = LOOKUP, **settings: Any) -> tuple[LookupResult, list[str]]:
    async def scenario() -> tuple[LookupResult, list[str]]:
        http = GuardedClient()
        async with RawServer(*(raw.answer(a.status, a.body, a.headers) for a in answers)) as server:
            plain = {
                "account_sid": twilio.ACCOUNT_SID,
                "auth_token": "x",
                "from": "+15005550006",
                "base_url": server.url,
            }
            channel = TwilioSmsChannel(TwilioSmsChannel.Config.model_validate({**plain, **settings}), http)
            result = await channel.lookup(query)
            await http.close()
            return result, [request.target for request in server.requests]

    return asyncio.run(scenario())


def message(**changes: Any) -> dict[str, Any]:
    return twilio.listed_message(**{"body": TEXT, **changes})


@pytest.mark.parametrize(
    ("query", "records", "expected"),
    [
        (LOOKUP, [message()], Found(twilio.SID, Status.DELIVERED)),
        (LOOKUP, [message(body=TEXT + "\n")], Found(twilio.SID, Status.DELIVERED)),
        (LOOKUP, [message(), message(body="Another")], Found(twilio.SID, Status.DELIVERED)),
        (
            LOOKUP,
            [message(status="undelivered", error_code=30003)],
            Found(twilio.SID, Status.FAILED, Reason.UNREACHABLE, "30003"),
        ),
        (LOOKUP, [message(status="failed")], Found(twilio.SID, Status.FAILED, Reason.OTHER)),
        (LOOKUP, [message(status="a word of tomorrow")], Found(twilio.SID, Status.ACCEPTED)),
        (LOOKUP, [], Absent()),
        (LOOKUP, [message(body="Another")], Absent()),
        (LOOKUP, [message(direction="inbound")], Absent()),
        (LOOKUP, [message(direction="outbound-reply")], Absent()),
        (LOOKUP, [message(date_created="Tue, 17 Nov 2026 01:58:59 +0000")], Absent()),
        (LOOKUP, [message(date_created="Tue, 17 Nov 2026 02:03:01 +0000")], Absent()),
        (LOOKUP, [message(date_created="Tue, 17 Nov 2026 01:59:00 +0000")], Found(twilio.SID, Status.DELIVERED)),
        (LOOKUP, [message(date_created="Tue, 17 Nov 2026 02:03:00 +0000")], Found(twilio.SID, Status.DELIVERED)),
        (LOOKUP, [message(), message(sid="SM2")], Undecided("2 messages could be it")),
        (LOOKUP, [message(body="")], Undecided("1 messages could be it")),
        (LOOKUP, [message(), message(body="")], Undecided("2 messages could be it")),
        (TEMPLATE, [message(body="What Twilio made of it")], Found(twilio.SID, Status.DELIVERED)),
        (TEMPLATE, [message(), message(sid="SM2", body="Another")], Undecided("2 messages could be it")),
        (LOOKUP, [{"sid": twilio.SID}], Undecided("a record that is not as documented")),
        (LOOKUP, [message(date_created="yesterday")], Undecided("a record that is not as documented")),
        (LOOKUP, [message(body=None)], Undecided("a record that is not as documented")),
    ],
)
def test_what_a_list_proves(query: LookupQuery, records: list[dict[str, Any]], expected: LookupResult) -> None:
    result, _ = look_up(twilio.listed(*records), query=query)
    assert result == expected


def test_a_known_id_is_fetched() -> None:
    answer = Answer(200, b'{"sid": "SM9", "status": "sent", "error_code": null}')
    result, asked = look_up(answer, query=replace(LOOKUP, provider_id="SM9/../x"))
    assert result == Found("SM9", Status.SENT)
    assert asked == [f"/2010-04-01/Accounts/{twilio.ACCOUNT_SID}/Messages/SM9%2F..%2Fx.json"]


def test_pages_are_followed() -> None:
    one = twilio.listed(message(body="Another"), next_page_uri="/2010-04-01/Accounts/AC/Messages.json?Page=1")
    result, asked = look_up(one, twilio.listed(message()))
    assert isinstance(result, Found)
    assert asked[0].endswith("Messages.json?To=%2B6281234567890&PageSize=200&From=%2B15005550006")
    assert asked[1:] == ["/2010-04-01/Accounts/AC/Messages.json?Page=1"]


def test_a_list_without_end_decides_nothing() -> None:
    result, asked = look_up(twilio.listed(message(), next_page_uri="/2010-04-01/more"))
    assert isinstance(result, Undecided)
    assert len(asked) == 5


@pytest.mark.parametrize(
    ("elsewhere", "asked"), [("http://127.0.0.1:9/x", 1), ("//127.0.0.1:9/x", 2), ("@127.0.0.1:9/x", 2), ("/a", 2)]
)
def test_a_next_page_never_leads_to_another_host(elsewhere: str, asked: int) -> None:
    """The credentials would go there: either it is asked of the same host, or not at all."""
    result, targets = look_up(twilio.listed(next_page_uri=elsewhere), twilio.listed())
    assert len(targets) == asked
    assert isinstance(result, Undecided) == (asked == 1)
