"""Twilio's own SDK is the judge of what we send and of whom we believe."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.base import serialize
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from dispatcher.spi import HookRequest, OutboundMessage, Template, webhooks
from dispatcher.testing.conformance.base import GuardedClient
from dispatcher_channels.twilio import TwilioConfig, TwilioSmsChannel, TwilioWhatsappChannel
from dispatcher_channels.twilio.channel import signature as our_signature
from tests.conformance import twilio_provider as twilio

TOKEN = "12345"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
words = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0189._~-", min_size=1, max_size=12)
forms = st.dictionaries(texts.filter(bool), st.lists(texts, min_size=1, max_size=3), min_size=1, max_size=8)


@st.composite
def urls(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(["http", "https"]))
    port = draw(st.sampled_from(["", ":80", ":443", ":8443"]))
    path = "/".join(draw(st.lists(words, max_size=3)))
    query = urlencode(draw(st.dictionaries(words, words, max_size=2)))
    return f"{scheme}://{draw(words.filter(str.isalpha))}.example{port}/{path}" + (f"?{query}" if query else "")


class Fields(dict[str, list[str]]):
    """A form as web frameworks hand it to the SDK."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def form_call(url: str, form: dict[str, list[str]], signature: str) -> HookRequest:
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    return HookRequest("POST", url, headers, urlencode(form, doseq=True).encode(), {})


def config(**changes: Any) -> TwilioConfig:
    plain = {"account_sid": twilio.ACCOUNT_SID, "auth_token": TOKEN, "from": "+15005550006"}
    return TwilioConfig.model_validate({**plain, **changes})


CHANNEL = TwilioSmsChannel(config(), GuardedClient())


@given(urls(), forms)
def test_we_sign_as_twilio_signs(url: str, form: dict[str, list[str]]) -> None:
    assert our_signature(url, form, TOKEN.encode()).decode() == RequestValidator(TOKEN).compute_signature(
        url, Fields(form)
    )


@given(urls(), urls(), forms, st.sampled_from(["", "wrong"]))
def test_we_believe_whom_twilios_validator_believes(
    url: str, other: str, form: dict[str, list[str]], wrong: str
) -> None:
    validator = RequestValidator(TOKEN)
    standard = {"https": ":443", "http": ":80"}[url.partition(":")[0]]
    host = url.split("/")[2]
    variants = {
        url,
        other,
        url.replace(host, host.split(":")[0], 1),
        url.replace(host, host.split(":")[0] + standard, 1),
    }
    for variant in variants:
        signature = wrong or validator.compute_signature(variant, Fields(form))
        expected = validator.validate(url, Fields(form), signature)
        assert CHANNEL.verify(form_call(url, form, signature)) == expected


@given(st.one_of(forms.map(lambda form: urlencode(form, doseq=True)), st.text("ab=&+%25cé;", max_size=30)))
def test_we_read_forms_as_the_standard_library_does(text: str) -> None:
    call = HookRequest("POST", "", {"content-type": "application/x-www-form-urlencoded"}, text.encode(), {})
    try:
        expected = parse_qs(text, keep_blank_values=True, errors="strict")
    except ValueError:
        with pytest.raises(ValueError):
            webhooks.read_form(call)
    else:
        assert webhooks.read_form(call) == expected


@given(urls(), st.binary(max_size=200), st.booleans())
def test_json_bodies_are_signed_by_their_hash(url: str, noise: bytes, honest: bool) -> None:
    body = noise.decode("latin-1").encode()
    digest = hashlib.sha256(body if honest else body + b"x").hexdigest()
    url += ("&" if "?" in url else "?") + f"bodySHA256={digest}"
    validator = RequestValidator(TOKEN)
    signature = validator.compute_signature(url, {})
    headers = {"content-type": "application/json", "x-twilio-signature": signature}
    request = HookRequest("POST", url, headers, body, {"bodySHA256": digest})
    assert CHANNEL.verify(request) == validator.validate(url, body.decode(), signature) == honest


class Recorder(HttpClient):
    """The SDK's transport: keeps the body that would have been sent."""

    def __init__(self) -> None:
        self.body = ""

    def request(self, method: str, url: str, **call: Any) -> Response:
        self.url = url
        prepared = requests.Request(method, url, data=call["data"], auth=call["auth"]).prepare()
        self.body, self.authorization = str(prepared.body), prepared.headers["Authorization"]
        return Response(201, '{"sid": "SM1", "status": "queued"}')


@settings(max_examples=150, deadline=None)
@given(
    texts,
    st.none() | st.dictionaries(words, texts, max_size=3),
    st.none() | st.integers(1, 36_000),
    st.sampled_from([TwilioSmsChannel, TwilioWhatsappChannel]),
    st.booleans(),
)
def test_we_ask_as_the_sdk_asks(
    text: str, parameters: dict[str, str] | None, valid_for_s: int | None, kind: Any, by_service: bool
) -> None:
    prefix = {TwilioSmsChannel: "", TwilioWhatsappChannel: "whatsapp:"}[kind]
    ours = config(**({"from": "", "messaging_service_sid": "MG" + "1" * 32} if by_service else {}))
    template = None if parameters is None else Template("HX" + "c" * 32, parameters=parameters)
    callback_url = "https://example.org/hooks/a?m=7.1"
    message = OutboundMessage("7.1", "+6281234567890", None if template else text, template, callback_url, valid_for_s)
    wanted: dict[str, Any] = {"to": prefix + message.to, "status_callback": callback_url}
    wanted |= {"messaging_service_sid": ours.messaging_service_sid} if by_service else {"from_": prefix + ours.address}
    wanted |= {"content_sid": template.id} if template else {"body": text}
    wanted |= {"content_variables": serialize.object(dict(template.parameters))} if template and parameters else {}
    wanted |= {} if valid_for_s is None else {"validity_period": valid_for_s}
    recorder = Recorder()
    Client(ours.account_sid, TOKEN, http_client=recorder).messages.create(**wanted)

    body = kind(ours, GuardedClient()).form(message).decode()
    assert sorted(body.split("&")) == sorted(recorder.body.split("&"))
    assert ours.authorization == recorder.authorization
    assert ours.account_url + "/Messages.json" == recorder.url
