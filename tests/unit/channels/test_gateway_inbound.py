"""Replies through the HTTP gateway: found where the configuration says, believed where the address proves it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from dispatcher.spi import HookRequest, Inbound
from dispatcher_channels.http_gateway import HttpGatewayChannel, HttpGatewayConfig
from tests.unit.channels.test_http_gateway import PLAIN, Heard

SECRET = "rahasia-0123456789"
LISTENS: dict[str, Any] = {"sender": "from", "text": "text", "id": "messageId", "at": "receivedAt"}
CALLBACK = {"id": "messageId", "status": "status", "statuses": {"ok": "delivered"}}


def channel(inbound: dict[str, Any], **more: Any) -> HttpGatewayChannel:
    settings = {**PLAIN, "hook_secret": SECRET, "inbound": inbound, **more}
    return HttpGatewayChannel(HttpGatewayConfig.model_validate(settings), Heard())


def call(body: object = None, *, secret: str = SECRET, form: bool = False, **query: str) -> HookRequest:
    url = f"https://pesan.example/hooks/kota/{secret}?{urlencode(query)}"
    content = urlencode(body) if form else json.dumps(body)  # type: ignore[arg-type]
    return HookRequest("POST", url, {}, content.encode(), query)


def test_one_message_and_several() -> None:
    one = {"from": "6281234567890", "text": " HADIR ", "messageId": "a1", "receivedAt": "2027-02-10T09:00:00+07:00"}
    said = channel(LISTENS).parse(call(one)).inbound
    assert said == (Inbound("a1", "6281234567890", "HADIR", occurred_us=1_802_224_800_000_000),)
    several = {"results": [one, {"to": "62812", "status": "x"}, {**one, "messageId": "a2"}]}
    heard = channel({**LISTENS, "messages": "results.*"}).parse(call(several)).inbound
    assert [one.provider_id for one in heard] == ["a1", "a2"]


def test_forms_and_queries() -> None:
    fields = {"from": "0812", "text": "STOP", "messageId": "7"}
    assert channel({**LISTENS, "format": "form"}).parse(call(fields, form=True)).inbound[0].text == "STOP"
    assert channel({**LISTENS, "format": "query"}).parse(call(**fields)).inbound[0].sender == "0812"


@pytest.mark.parametrize(
    ("at", "instant_us"),
    [("1802224800", 1_802_224_800_000_000), ("1802224800123", 1_802_224_800_123_000), ("kemarin", None), ("", None),
     ("2027-02-10 09:00:00", None), ("9" * 40, None)],
)  # fmt: skip
def test_instants(at: str, instant_us: int | None) -> None:
    (said,) = channel(LISTENS).parse(call({"from": "62", "text": "x", "receivedAt": at})).inbound
    assert said.occurred_us == instant_us


def test_reports_come_to_the_same_address() -> None:
    both = channel(LISTENS, callback=CALLBACK)
    assert len(both.parse(call({"messageId": "a1", "status": "ok"})).receipts) == 1
    assert len(both.parse(call({"messageId": "a1", "from": "62", "text": "x"})).inbound) == 1
    assert both.capabilities.inbound
    with pytest.raises(ValueError, match="report back"):
        channel(LISTENS).parse(call({"messageId": "a1"}))


@pytest.mark.parametrize("body", [b"\xff", b"<html>", b"[" * 100_000, b"{}" * 200_000])
def test_what_cannot_be_read_is_no_crash(body: bytes) -> None:
    request = HookRequest("POST", f"https://pesan.example/hooks/kota/{SECRET}", {}, body, {})
    with pytest.raises(ValueError):
        channel(LISTENS).parse(request)


def test_only_the_address_with_the_secret_is_believed() -> None:
    assert channel(LISTENS).verify(call({"from": "62", "text": "STOP"}))
    assert not channel(LISTENS).verify(call({"from": "62", "text": "STOP"}, secret="tebakan-0123456789"))
    with pytest.raises(ValidationError, match="nothing proves who calls"):
        HttpGatewayConfig.model_validate({**PLAIN, "inbound": LISTENS})
