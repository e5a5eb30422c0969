"""The HTTP gateway's configuration: what it refuses before anything is sent, and what a text can never do."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import ValidationError

from dispatcher.spi import HookRequest, HttpResponse, OutboundMessage, Reason, Rejected, Status, Template
from dispatcher_channels.http_gateway import HttpGatewayChannel, HttpGatewayConfig
from dispatcher_channels.http_gateway.hooks import status_of
from dispatcher_channels.http_gateway.paths import find, shown
from dispatcher_channels.http_gateway.ready import ready_gateways
from dispatcher_channels.http_gateway.templates import compile_form, compile_tree

PLAIN: dict[str, Any] = {
    "base_url": "https://gateway.example",
    "text": {"json": {"to": "{{ to }}", "text": "{{ text }}"}},
    "answer": {"accepted": [{"path": "ok", "is": ["true"]}], "id": "id"},
}


class Heard:
    """An HTTP client that keeps what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, str], bytes | None]] = []

    async def request(
        self, method: str, url: str, *, headers: Any = None, form: Any = None, json: Any = None, body: Any = None
    ) -> HttpResponse:
        self.calls.append((method, url, dict(headers), body))
        return HttpResponse(200, {}, b'{"ok": true, "id": "1"}')


async def sent(settings: dict[str, Any], text: str) -> tuple[str, str, dict[str, str], bytes | None]:
    heard = Heard()
    channel = HttpGatewayChannel(HttpGatewayConfig.model_validate(settings), heard)
    await channel.send(OutboundMessage("7.1", "+6281234567890", text))
    (call,) = heard.calls
    return call


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"base_url": "ftp://gateway.example"}, "base_url"),
        ({"path": "send?x=1"}, "path"),
        ({"text": None}, "set `text`, `template` or both"),
        ({"text": {"json": {"to": "{{ to"}}}, "text.json.to: "),
        ({"text": {"json": {"messages": [{"to": "{{ too }}"}]}}}, "text.json.messages.0.to: 'too' is undefined"),
        ({"text": {"json": {"to": "{{ values.channel }}"}}}, "text.json.to: "),
        ({"text": {"json": {"to": "{{ to + 1 }}"}}}, "text.json.to: TypeError"),
        ({"headers": {"X-Sender": "{{ 1 / 0 }}"}}, "headers.X-Sender: ZeroDivisionError"),
        ({"text": {"json": {"to": "{{ to.__class__.__mro__ }}"}}}, "text.json.to: "),
        ({"text": {"json": {"a": "1"}, "form": {"a": "1"}}}, "either `form` or `json`"),
        ({"headers": {"Authorization": "Bearer {{ secret.token }}"}}, "headers.Authorization: "),
        ({"method": "GET"}, "a GET carries a `query` only"),
        ({"answer": {"accepted": []}}, "answer.accepted"),
        ({"answer": {"accepted": [{"path": "a..b"}]}}, "accepted.0.path"),
        ({"answer": {"accepted": [{"path": "ok"}], "pattern": "("}}, "answer.pattern"),
        ({"codes": {"5": {"class": "odd", "reason": "other"}}}, "codes: [5] class 'odd'"),
        ({"codes": {"5": {"class": "rejected"}}}, "codes: [5] has no 'reason'"),
        ({"signature": {"header": "X-Sign", "key": "hmac"}}, "signature.key: there is no hmac in `credentials`"),
        ({"callback": {"status": "s", "statuses": {"ok": "queued"}}}, "callback.statuses"),
        ({"callback": {"status": "s", "statuses": {"ok": "sent"}}}, "nothing proves who calls"),
        (
            {
                "credentials": {"k": "key"},
                "callback": {
                    "format": "query",
                    "status": "s",
                    "statuses": {"ok": "sent"},
                    "signature": {"header": "X-Sign", "key": "k"},
                },
            },
            "callback.signature: it covers the body",
        ),
        ({"hook_secret": "short"}, "hook_secret"),
        ({"credentials": {"hmac": ""}, "signature": {"header": "X", "key": "hmac"}}, "credentials.hmac"),
        ({"timeout_s": 60}, "timeout_s"),
        ({"gateway": "zensiva"}, "ready are: dartmedia, infobip"),
        ({"no_such_key": 1}, "no_such_key"),
    ],
)
def test_a_broken_configuration_names_the_place(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        HttpGatewayConfig.model_validate({**PLAIN, **changes})
    error = caught.value.errors()[0]
    assert place in ".".join(str(part) for part in error["loc"]) + " " + error["msg"]


@pytest.mark.parametrize(
    "settings",
    [
        {"gateway": "fonnte"},
        {"base_url": "https://api.fonnte.com"},
        {"base_url": "https://solo.wablas.com."},
        {"gateway": "watzap", "base_url": "https://elsewhere.example"},
    ],
)
def test_gateways_that_drive_a_private_session_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="numbers get banned"):
        HttpGatewayConfig.model_validate({**PLAIN, **settings})
    assert HttpGatewayConfig.model_validate({**PLAIN, **settings, "allow_unofficial": True})


def test_a_name_that_only_looks_like_theirs_is_no_matter() -> None:
    assert HttpGatewayConfig.model_validate({**PLAIN, "base_url": "https://notfonnte.com"})


def test_every_key_of_a_ready_gateway_can_be_changed_or_taken_away() -> None:
    changed = HttpGatewayConfig.model_validate(
        {
            "gateway": "zenziva",
            "path": "/other/",
            "credentials": {"userkey": "u", "passkey": "p"},
            "text": {"form": {"to": "{{ to_digits }}", "passkey": None}},
            "codes": {"5": None},
        }
    )
    assert changed.path == "/other/"
    assert changed.text is not None
    assert changed.text.form["to"] == "{{ to_digits }}"
    assert "passkey" not in changed.text.form
    assert "message" in changed.text.form
    assert "5" not in changed.error_table
    assert "99" in changed.error_table


def test_a_forged_callback_is_no_matter_without_callbacks() -> None:
    with pytest.raises(ValidationError, match="nothing proves who calls"):
        HttpGatewayConfig.model_validate(DARTMEDIA)
    assert HttpGatewayConfig.model_validate({**DARTMEDIA, "callback": None}).callback is None


DARTMEDIA = {
    "gateway": "dartmedia",
    "base_url": "https://gateway.example",
    "from": "PEMDA",
    "credentials": {"userid": "u", "password": "p"},
}


def test_secrets_are_told_to_the_logs_redaction_and_to_nobody_else() -> None:
    config = HttpGatewayConfig.model_validate({**PLAIN, "credentials": {"token": "s3cret"}, "hook_secret": "x" * 20})
    assert set(config.secret_values()) == {"s3cret", "x" * 20}
    assert "s3cret" not in f"{config!r} {config}"


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_a_text_never_breaks_out_of_its_value(text: str) -> None:
    _, _, _, body = asyncio.run(sent(PLAIN, text))
    assert body is not None
    assert json.loads(body) == {"to": "+6281234567890"} | ({"text": text} if text else {})
    _, _, _, body = asyncio.run(sent({**PLAIN, "text": {"form": {"t": "-{{ text }}", "z": "1"}}}, text))
    assert body is not None
    assert parse_qs(body.decode("ascii"), strict_parsing=True) == {"t": ["-" + text], "z": ["1"]}
    query = {**PLAIN, "method": "GET", "text": {"query": {"t": "-{{ text }}", "z": "1"}}}
    _, url, _, body = asyncio.run(sent(query, text))
    assert body is None
    assert parse_qs(url.partition("?")[2], strict_parsing=True) == {"t": ["-" + text], "z": ["1"]}


async def _signed() -> tuple[dict[str, str], bytes]:
    signature = {"header": "X-Sign", "key": "k", "algorithm": "sha1", "encoding": "base64", "prefix": "v1="}
    _, _, headers, body = await sent({**PLAIN, "signature": signature, "credentials": {"k": "key"}}, "Halo")
    assert body is not None
    return headers, body


def test_the_body_is_signed() -> None:
    headers, body = asyncio.run(_signed())
    wanted = base64.b64encode(hmac.new(b"key", body, hashlib.sha1).digest()).decode()
    assert headers["X-Sign"] == f"v1={wanted}"


def test_paths_lead_to_what_is_there_and_to_nothing_else() -> None:
    said = {"a": [{"id": 1}, {"id": 2}, {}], "b": None}
    assert find(said, "a.*.id") == [1, 2]
    assert find(said, "a.1.id") == [2]
    assert find(said, "") == [said]
    assert find(said, "a.9.id") == find(said, "b.c") == find("text", "a") == []


def test_status_words_in_ranges() -> None:
    statuses = {"10-12": Status.DELIVERED, "21-": Status.FAILED, "ok": Status.SENT}
    heard = {word: status_of(word, statuses) for word in ("9", "10", "12", "13", "21", "999", "OK", "10-12")}
    assert heard == {
        "9": None, "10": Status.DELIVERED, "12": Status.DELIVERED, "13": None, "21": Status.FAILED,
        "999": Status.FAILED, "OK": Status.SENT, "10-12": Status.DELIVERED,
    }  # fmt: skip


def test_what_may_be_a_number_or_a_text_is_not_shown() -> None:
    assert [shown(word) for word in ("E-101", "6281234567890", "to 0812", "")] == ["E-101", "", "", ""]


def test_every_ready_gateway_has_a_sentence_for_each_of_its_codes() -> None:
    for name, settings in ready_gateways().items():
        for code, entry in settings["codes"].items():
            assert entry["en"].endswith("."), f"{name} {code}"
            assert entry["id"].endswith("."), f"{name} {code}"
    assert HttpGatewayChannel.explain("1070", "en") == "The credit is used up."


def test_a_message_without_a_parameter_that_the_body_asks_for_is_not_sent() -> None:
    settings = {**PLAIN, "template": {"json": {"name": "{{ parameters.nama }}"}}}
    heard = Heard()
    channel = HttpGatewayChannel(HttpGatewayConfig.model_validate(settings), heard)
    message = OutboundMessage("7.1", "+6281234567890", template=Template("t", "id", {"place": "x"}))
    outcome = asyncio.run(channel.send(message))
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.TEMPLATE
    assert heard.calls == []


def test_a_message_that_an_expression_does_not_fit_is_not_sent() -> None:
    """Nothing has left: `unknown` would hold it for evidence that never comes."""
    heard = Heard()
    settings = {**PLAIN, "text": {"form": {"t": "{{ text }}", "h": "{{ valid_for_s // (segments - 2) }}"}}}
    channel = HttpGatewayChannel(HttpGatewayConfig.model_validate(settings), heard)
    outcome = asyncio.run(channel.send(OutboundMessage("7.1", "+6281234567890", "Halo", valid_for_s=60, segments=2)))
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.TEMPLATE
    assert heard.calls == []


def test_a_message_that_is_of_use_for_ever_says_nothing_of_it() -> None:
    settings = {**PLAIN, "text": {"json": {"text": "{{ text }}", "ttl": "{{ valid_for_s }}"}}}
    assert json.loads(asyncio.run(sent(settings, "Halo"))[3] or b"") == {"text": "Halo"}


def test_the_secret_stands_in_the_address_that_the_gateway_is_told() -> None:
    settings = {
        **PLAIN,
        "text": {"json": {"text": "{{ text }}", "url": "{{ callback_url }}"}},
        "callback": {"status": "s", "id": "id", "statuses": {"ok": "sent"}},
        "hook_secret": "x" * 20,
    }
    heard = Heard()
    channel = HttpGatewayChannel(HttpGatewayConfig.model_validate(settings), heard)
    url = "https://example.org/hooks/kota?m=7.1"
    asyncio.run(channel.send(OutboundMessage("7.1", "+6281234567890", "Halo", callback_url=url)))
    told = json.loads(heard.calls[0][3] or b"")["url"]
    assert told == f"https://example.org/hooks/kota/{'x' * 20}?m=7.1"
    assert channel.verify(HookRequest("POST", told, {}, b"", {"m": "7.1"}))
    assert not channel.verify(HookRequest("POST", url, {}, b"", {"m": "7.1"}))


FIXED = {"sender": "PEMDA", "secret": {"key": "k&"}, "values": {}}
PLACES = {
    "fixed": "{{ sender }}/{{ secret.key }}", "constant": "a & {b}", "alone": "{{text}}", "number": "{{ valid_for_s }}",
    "both": "{{ sender }} to {{ to }}", "filtered": "{{ text | upper }}",
}  # fmt: skip


@given(st.text(max_size=20), st.none() | st.integers(1, 9))
def test_what_is_filled_in_once_or_looked_up_is_as_if_rendered(text: str, valid_for_s: int | None) -> None:
    names = {**FIXED, "text": text, "to": "+62", "valid_for_s": valid_for_s}
    filled = compile_tree(PLACES, "text.form", FIXED)(names)
    assert filled == compile_tree(PLACES, "text.form")(names)
    assert filled == {name: value for name, value in rendered(names).items() if value}
    assert compile_form(PLACES, "text.form", FIXED)(names) == urlencode(filled)


def rendered(names: dict[str, Any]) -> dict[str, str]:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    return {name: environment.from_string(text).render(names) for name, text in PLACES.items()}


@pytest.mark.parametrize("text", ["{{ lost }}", "{{ secret.lost }}", "{{ sender }} {{ lost }}"])
def test_a_name_that_is_not_there_is_told_with_its_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"text\.form\.to: .*lost"):
        compile_form({"to": text}, "text.form", FIXED)(FIXED)
