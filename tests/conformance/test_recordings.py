"""Each provider's recordings hold all that a provider can say: nothing of the table is taken on trust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dispatcher.spi import ErrorTable
from dispatcher.testing.conformance import ChannelContract
from dispatcher.testing.conformance.base import GuardedClient
from dispatcher.testing.conformance.recordings import Case, load
from dispatcher_channels.http_gateway import HttpGatewayChannel
from dispatcher_channels.twilio.words import ERRORS as TWILIO
from dispatcher_channels.whatsapp_cloud.send import ERRORS as META
from tests.conformance import test_http_gateway as gateways
from tests.conformance import test_twilio_sms as twilio_sms
from tests.conformance import test_whatsapp_cloud as whatsapp_cloud

CLASSES = {
    "rejected": "Rejected", "opted_out": "OptedOut", "unsupported": "Unsupported", "filtered": "Filtered",
    "throttled": "Throttled", "not_sent": "NotSent", "misconfigured": "Misconfigured", "ambiguous": "Ambiguous",
}  # fmt: skip
SUITES = [twilio_sms.TestTwilioSms, whatsapp_cloud.TestWhatsappCloud, *gateways.Gateway.__subclasses__()]


def table_of(suite: ChannelContract) -> ErrorTable:
    channel = suite.build("http://127.0.0.1:9", GuardedClient())
    if isinstance(channel, HttpGatewayChannel):
        return channel.config.error_table
    return TWILIO if channel.name.startswith("twilio") else META


@pytest.fixture(params=SUITES, ids=lambda suite: suite.__name__.removeprefix("Test"))
def suite(request: pytest.FixtureRequest) -> ChannelContract:
    found: ChannelContract = request.param()
    return found


def sends(suite: ChannelContract) -> list[tuple[str, int]]:
    """Outcome and HTTP status of each."""
    return [(case["outcome"]["type"], case["answer"]["status"]) for case in load(suite.recordings, "sends")]


def test_every_class_of_its_table_was_recorded(suite: ChannelContract) -> None:
    found = {outcome for outcome, _ in sends(suite)} | ({"OptedOut"} if stopped(suite) else set())
    assert {CLASSES[entry.kind] for entry in table_of(suite).values()} - found == set()


def stopped(suite: ChannelContract) -> bool:
    """Some say so by a callback only."""
    return any(receipt.get("suppress") for receipt in receipts(suite))


def test_an_acceptance_a_limit_a_failure_and_odd_answers_were_recorded(suite: ChannelContract) -> None:
    found = sends(suite)
    assert any(outcome == "Accepted" and status < 300 for outcome, status in found)
    assert ("Throttled", 429) in found
    assert any(outcome == "Ambiguous" and status >= 500 for outcome, status in found)
    assert any(outcome == "Ambiguous" and status < 300 for outcome, status in found)


def test_every_word_of_its_callbacks_was_recorded(suite: ChannelContract) -> None:
    if suite.able().receipts != "push":
        assert load(suite.recordings, "hooks") == []
        return
    said = {word for case in load(suite.recordings, "hooks") for word in words(case["request"])}
    assert set(suite.words) - said == set()
    assert {"sent", "delivered", "failed"} - {receipt["status"] for receipt in receipts(suite)} <= absent(suite)
    assert any(case.get("unmapped") for case in load(suite.recordings, "hooks"))


def absent(suite: ChannelContract) -> set[str]:
    """Infobip has no word for a message that left for the carrier."""
    return {"sent"} if isinstance(suite, gateways.TestInfobip) else set()


def receipts(suite: ChannelContract) -> list[Case]:
    return [receipt for case in load(suite.recordings, "hooks") for receipt in case.get("receipts", ())]


def words(node: Any) -> Iterator[str]:
    """Every value, however deep."""
    if isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from words(value)
    else:
        yield str(node)
