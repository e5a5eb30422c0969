"""A Twilio sender's settings, limits, sentences and checks."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import ValidationError

from dispatcher.spi import Check, OutboundMessage, Unsupported
from dispatcher.testing import rawserver as raw
from dispatcher.testing.conformance.base import GuardedClient
from dispatcher.testing.rawserver import Behaviour, RawServer
from dispatcher_channels.twilio import TwilioConfig, TwilioSmsChannel, TwilioWhatsappChannel
from dispatcher_channels.twilio.words import ERRORS
from tests.conformance import twilio_provider as twilio

PLAIN = {"account_sid": twilio.ACCOUNT_SID, "auth_token": twilio.AUTH_TOKEN, "from": "+15005550006"}
SERVICE = "MG" + "1" * 32


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"account_sid": "AC1"}, "account_sid"),
        ({"auth_token": ""}, "auth_token"),
        ({"from": ""}, "set either"),
        ({"messaging_service_sid": SERVICE}, "set either"),
        ({"from": "", "messaging_service_sid": "XX"}, "messaging_service_sid"),
        ({"from": "a name that is too long"}, "from"),
        ({"api_key": "SK" + "0" * 32}, "go together"),
        ({"api_secret": "x"}, "go together"),
        ({"base_url": "api.twilio.com"}, "must look like"),
        ({"base_url": "ftp://api.twilio.com"}, "must look like"),
        ({"base_url": "https://user:secret@api.twilio.com"}, "must look like"),
        ({"base_url": "https://api.twilio.com/?x=1"}, "must look like"),
    ],
)
def test_a_wrong_setting_is_named_and_not_shown(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        TwilioConfig.model_validate({**PLAIN, **changes})
    assert twilio.AUTH_TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "identity"),
    [
        ({}, "+15005550006"),
        ({"from": "whatsapp:+15005550006"}, "+15005550006"),
        ({"from": "PEMDA JKT"}, "PEMDA JKT"),
        ({"from": "", "messaging_service_sid": SERVICE}, SERVICE),
    ],
)
def test_the_identity_is_what_recipients_see(changes: dict[str, str], identity: str) -> None:
    config = TwilioConfig.model_validate({**PLAIN, **changes})
    assert TwilioWhatsappChannel(config, GuardedClient()).identity == identity


def test_a_text_that_is_too_long_is_not_sent() -> None:
    http = GuardedClient()
    channel = TwilioSmsChannel(TwilioConfig.model_validate(PLAIN), http)
    outcome = asyncio.run(channel.send(OutboundMessage("7.1", "+6281234567890", text="a" * 1601)))
    assert isinstance(outcome, Unsupported)
    assert http.calls == 0


@pytest.mark.parametrize("code", ERRORS)
def test_every_code_has_its_sentences(code: str) -> None:
    channel = TwilioSmsChannel(TwilioConfig.model_validate(PLAIN), GuardedClient())
    assert channel.explain(code).endswith(".")
    assert channel.explain(code, "en").endswith(".")


def said(body: object, status: int = 200) -> Behaviour:
    return raw.answer(status, json.dumps(body).encode(), {"content-type": "application/json"})


def check(
    channel: type[TwilioSmsChannel] | type[TwilioWhatsappChannel], *answers: Behaviour, **changes: Any
) -> list[Check]:
    async def scenario() -> list[Check]:
        async with RawServer(*answers) as server:
            urls = dict.fromkeys(("base_url", "content_base_url", "messaging_base_url"), server.url)
            config = TwilioConfig.model_validate({**PLAIN, **urls, **changes})
            return list(await channel(config, GuardedClient()).check())

    return asyncio.run(scenario())


ACCOUNT = said({"sid": twilio.ACCOUNT_SID, "status": "active"})
BALANCE = said({"account_sid": twilio.ACCOUNT_SID, "balance": "12.34", "currency": "USD"})


def test_a_sender_that_is_ready() -> None:
    numbers = said({"incoming_phone_numbers": [{"sid": "PN1", "phone_number": "+15005550006"}], "next_page_uri": None})
    lines = check(TwilioSmsChannel, ACCOUNT, BALANCE, numbers)
    assert [(line.name, line.ok, line.fix) for line in lines] == [
        ("account", True, ""),
        ("balance", True, ""),
        ("origin", True, ""),
    ]
    assert lines[1].detail == "USD 12.34"


def test_a_number_of_somebody_else() -> None:
    lines = check(TwilioSmsChannel, ACCOUNT, BALANCE, said({"incoming_phone_numbers": [], "next_page_uri": None}))
    assert (lines[2].ok, "another `from`" in lines[2].fix) == (False, True)


def test_a_messaging_service() -> None:
    service = said({"sid": SERVICE, "account_sid": twilio.ACCOUNT_SID})
    lines = check(TwilioSmsChannel, ACCOUNT, BALANCE, service, messaging_service_sid=SERVICE, **{"from": ""})
    assert lines[2].detail == f"messaging service {SERVICE}"


def test_templates_and_an_empty_account() -> None:
    contents = [
        {"sid": "HX1", "approval_requests": {"status": "approved"}},
        {"sid": "HX2", "approval_requests": {"status": "pending"}},
    ]
    page = {"contents": contents, "meta": {"key": "contents", "next_page_url": None}}
    lines = check(TwilioWhatsappChannel, ACCOUNT, said({"balance": "-1.00", "currency": "USD"}), said(page))
    assert [(line.name, line.ok) for line in lines] == [("account", True), ("balance", False), ("templates", True)]
    assert lines[2].detail == "1 of 2 templates are approved"


@pytest.mark.parametrize(
    ("behaviour", "detail"),
    [
        (said({"code": 20003, "message": "Authenticate", "status": 401}, 401), "refused with HTTP 401, code 20003"),
        (said({"code": 20404, "message": "Not found", "status": 404}, 404), "refused with HTTP 404, code 20404"),
        (said({"status": "suspended"}), "the account is suspended"),
        (raw.answer(200, b"<h1>Welcome</h1>"), "the answer is not Twilio's"),
        (raw.answer(502, b"<h1>Bad gateway</h1>"), "refused with HTTP 502"),
        (raw.close_after_reading, "no connection to Twilio (the request may have left (ConnectError))"),
    ],
)
def test_what_is_wrong_is_a_line_with_a_fix(behaviour: Behaviour, detail: str) -> None:
    (line,) = check(TwilioSmsChannel, behaviour)
    assert (line.name, line.ok, line.detail) == ("account", False, detail)
    assert line.fix
    assert twilio.AUTH_TOKEN not in line.detail + line.fix


@pytest.mark.parametrize(
    ("behaviour", "detail"),
    [
        (said({"code": 20003, "message": "Authenticate", "status": 401}, 401), "refused with HTTP 401, code 20003"),
        (
            said({"code": 20429, "message": "Too Many Requests", "status": 429}, 429),
            "refused with HTTP 429, code 20429",
        ),
        (raw.answer(502, b"<h1>Bad gateway</h1>"), "refused with HTTP 502"),
        (said({"numbers": [], "services": []}), "the answer is not Twilio's"),
        (said([]), "the answer is not Twilio's"),
    ],
)
def test_a_list_that_is_refused_is_a_line_with_a_fix(behaviour: Behaviour, detail: str) -> None:
    """The SDK raises another error for lists than for everything else, with the whole answer in it."""
    *_, line = check(TwilioSmsChannel, ACCOUNT, BALANCE, behaviour)
    assert (line.name, line.ok, line.detail) == ("origin", False, detail)
    assert line.fix
