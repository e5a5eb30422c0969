"""Each ready configuration of the HTTP gateway, by the suite and by recorded exchanges."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from dispatcher.spi import Capabilities, HookRequest, OutboundMessage, Template
from dispatcher.testing.conformance import Answer, ChannelContract
from dispatcher_channels.http_gateway import HttpGatewayChannel

RECORDINGS = Path(__file__).parents[1] / "recordings"
HOOK_SECRET = "a-secret-in-the-path-1"
SMS = Capabilities(media="sms")
PUSHED = replace(SMS, receipts="push", echoes_ref=True)


class Gateway(ChannelContract):
    gateway: ClassVar[str]
    credentials: ClassVar[dict[str, str]]
    more: ClassVar[dict[str, Any]] = {"from": "PEMDA"}

    def settings(self, url: str) -> dict[str, Any]:
        return {"gateway": self.gateway, "base_url": url, "credentials": self.credentials, **self.more}


class TestZenziva(Gateway):
    channel = HttpGatewayChannel
    gateway = "zenziva"
    credentials: ClassVar = {"userkey": "a user key", "passkey": "a pass key"}
    recordings = RECORDINGS / "zenziva"
    accepted = Answer(201, b'{"messageId": 1, "to": "08", "status": "1", "text": "Success"}')


class TestZenzivaWhatsapp(Gateway):
    channel = HttpGatewayChannel
    gateway = "zenziva-wa"
    credentials: ClassVar = {"userkey": "a user key", "passkey": "a pass key"}
    recordings = RECORDINGS / "zenziva-wa"
    capabilities = replace(SMS, media="whatsapp", cost_unit="message")
    accepted = Answer(201, b'{"messageId": 1, "to": "08", "status": "1", "text": "Success"}')


class TestDartMedia(Gateway):
    channel = HttpGatewayChannel
    gateway = "dartmedia"
    credentials: ClassVar = {"userid": "a user", "password": "a pass word"}
    more: ClassVar = {"from": "PEMDA", "hook_secret": HOOK_SECRET}
    recordings = RECORDINGS / "dartmedia"
    capabilities = replace(SMS, receipts="push", signs_hooks=True)
    accepted = Answer(200, b"000;0b6e-11")
    words = ("5", "10", "11", "12", "21")

    def callback(self, word: str, ref: str = "7.1", code: str = "") -> HookRequest:
        fields = {"id": f"0b6e-{ref}", "status": code or word}
        return HookRequest("GET", f"https://example.org/hooks/a?{urlencode(fields)}", {}, b"", fields)

    def signed(self, request: HookRequest) -> HookRequest:
        return in_path(request)

    def test_a_changed_signature_is_bad(self) -> None:
        for wrong in (HOOK_SECRET[:-1], HOOK_SECRET + "x", HOOK_SECRET.upper(), ""):
            assert not self.verified(in_path(self.callback("10"), wrong))

    def test_a_changed_body_is_bad(self) -> None:
        """The secret proves who calls; there is no signature over what is said."""
        assert self.verified(replace(in_path(self.callback("10")), body=b"x"))

    def test_a_signature_does_not_fit_another_message(self) -> None:
        """Nor does it need to: whoever knows the address is the gateway."""
        assert self.verified(in_path(self.callback("10", ref="8.1")))


class TestQontak(Gateway):
    channel = HttpGatewayChannel
    gateway = "qontak"
    credentials: ClassVar = {"token": "a token"}
    more: ClassVar = {
        "values": {"channel": "wa-1"},
        "callback": {"signature": {"header": "X-Signature", "key": "hook"}},
    }
    recordings = RECORDINGS / "qontak"
    capabilities = replace(
        SMS, media="whatsapp", cost_unit="message", receipts="push", signs_hooks=True, templates=True, free_text=False
    )
    accepted = Answer(201, b'{"status": "success", "data": {"id": "f8d3"}}')
    words = ("pending", "sent", "delivered", "read", "failed")

    def settings(self, url: str) -> dict[str, Any]:
        return super().settings(url) | {"credentials": {**self.credentials, "hook": "a hook secret"}}

    def message(self, **changes: Any) -> OutboundMessage:
        return super().message(**({"text": None, "template": Template("t")} | changes))

    def callback(self, word: str, ref: str = "7.1", code: str = "") -> HookRequest:
        body = json.dumps({"messages_broadcast_id": f"f8d3-{ref}", "status": word, "whatsapp_error_code": code})
        kind = {"content-type": "application/json"}
        return HookRequest("POST", "https://example.org/hooks/a", kind, body.encode(), {})

    def signed(self, request: HookRequest) -> HookRequest:
        signature = hmac.new(b"a hook secret", request.body, hashlib.sha256).hexdigest()
        return replace(request, headers={**request.headers, "x-signature": signature})


class TestInfobip(Gateway):
    channel = HttpGatewayChannel
    gateway = "infobip"
    credentials: ClassVar = {"api_key": "an api key"}
    recordings = RECORDINGS / "infobip"
    capabilities = replace(PUSHED, deduplicates=True)
    accepted = Answer(200, b'{"messages": [{"messageId": "7.1", "status": {"groupName": "PENDING"}}]}')
    words = ("PENDING", "DELIVERED", "SEEN", "UNDELIVERABLE", "EXPIRED", "REJECTED")

    def callback(self, word: str, ref: str = "7.1", code: str = "") -> HookRequest:
        said = {"results": [{"messageId": ref, "status": {"groupName": word}, "error": {"name": code}}]}
        return posted(said, ref)


class TestVonage(Gateway):
    channel = HttpGatewayChannel
    gateway = "vonage"
    credentials: ClassVar = {"api_key": "an api key", "api_secret": "an api secret"}
    recordings = RECORDINGS / "vonage"
    capabilities = PUSHED
    accepted = Answer(202, b'{"message_uuid": "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"}')
    words = ("submitted", "delivered", "read", "rejected", "undeliverable")

    def callback(self, word: str, ref: str = "7.1", code: str = "") -> HookRequest:
        return posted({"message_uuid": "u", "client_ref": ref, "status": word, "error": {"title": code}}, ref)


def posted(said: dict[str, Any], ref: str) -> HookRequest:
    kind = {"content-type": "application/json"}
    return HookRequest("POST", f"https://example.org/hooks/a?m={ref}", kind, json.dumps(said).encode(), {"m": ref})


def in_path(request: HookRequest, secret: str = HOOK_SECRET) -> HookRequest:
    return replace(request, url=request.url.replace("/hooks/a", f"/hooks/a/{secret}"))
