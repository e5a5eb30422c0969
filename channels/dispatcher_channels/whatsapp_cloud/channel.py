"""The channel: what it can do, what an answer means, and what Meta calls back with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dispatcher import spi
from dispatcher.spi import Status, webhooks
from dispatcher_channels.whatsapp_cloud import send
from dispatcher_channels.whatsapp_cloud.account import WhatsappCloudAccount
from dispatcher_channels.whatsapp_cloud.config import WhatsappCloudConfig

STATUSES: Final = {
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    "played": Status.READ,  # a voice message
    "failed": Status.FAILED,
}
MEDIA: Final = frozenset({"image", "video", "audio", "document", "sticker", "location", "contacts"})
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")


class WhatsappCloudChannel(spi.Channel[WhatsappCloudConfig]):
    name = "whatsapp-cloud"
    Config = WhatsappCloudConfig
    error_table = send.ERRORS
    capabilities = spi.Capabilities(
        media="whatsapp",
        receipts="push",
        inbound=True,
        templates=True,
        template_query=True,
        free_text=False,
        max_characters=4096,
        cost_unit="message",
        echoes_ref=True,
        signs_hooks=True,
    )

    private = spi.Private(
        numbers=("to", "input", "wa_id", "recipient_id"),
        texts=("text", "body", "image", "video", "document", "payload", "coupon_code", "profile"),
        secrets=("authorization",),
    )

    def __init__(self, config: WhatsappCloudConfig, http: spi.HttpClient) -> None:
        super().__init__(config, http)
        self.account = WhatsappCloudAccount(config, http)
        self._headers = self.account.headers
        self._url = config.url(f"{config.phone_number_id}/messages")
        self._app_secret = config.app_secret.get_secret_value().encode()
        self._verify_token = config.verify_token.get_secret_value().encode()

    @property
    def identity(self) -> str:
        return self.config.phone_number_id

    async def send(self, message: spi.OutboundMessage) -> spi.Outcome:
        if len(message.text or "") > self.capabilities.max_characters:
            return spi.Unsupported(f"a text of more than {self.capabilities.max_characters} characters")
        try:
            wanted = send.payload(message)
        except ValueError as misfit:
            return spi.Unsupported(str(misfit))
        response = await self.http.request("POST", self._url, headers=self._headers, json=wanted)
        record = response.record()
        code = send.code_of(webhooks.object_at(record, "error"))
        if 200 <= response.status < 300 and record.get("error") is None:
            wamid = next((one.get("id") for one in webhooks.objects_at(record, "messages")), None)
            if not isinstance(wamid, str) or not wamid:
                return spi.Ambiguous(detail="a success without an id")
            return spi.Accepted((wamid,))
        is_account = isinstance(send.ERRORS.outcome(code), spi.Misconfigured)  # which holds for a 5xx too
        return spi.Misconfigured(code) if is_account and response.status != 429 else send.ERRORS.refusal(response, code)

    def verify(self, request: spi.HookRequest) -> bool:
        if request.method == "GET":
            knows_token = webhooks.is_same(request.query.get("hub.verify_token", ""), self._verify_token)
            return request.query.get("hub.mode") == "subscribe" and knows_token
        wanted = "sha256=" + webhooks.keyed_digest(self._app_secret, request.body, "sha256").hex()
        return webhooks.is_same(request.headers.get("x-hub-signature-256", ""), wanted.encode())

    def parse(self, request: spi.HookRequest) -> spi.HookAnswer:
        """https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks; a GET is Meta's own check of the address.

        One call may hold many entries and changes, and those of other phone numbers too. Nothing is matched by phone:
        `biz_opaque_callback_data` carries our `ref`.
        """
        if request.method == "GET":
            challenge = request.query.get("hub.challenge", "")
            if not _CHALLENGE.fullmatch(challenge):
                raise ValueError("no challenge to answer")
            return spi.HookAnswer(reply=challenge.encode(), content_type="text/plain")
        record = spi.json_object(request.body)
        if record.get("object") != "whatsapp_business_account" or not isinstance(record.get("entry"), list):
            raise ValueError("not a call about a WhatsApp business account")
        changes = (
            one for entry in webhooks.objects_at(record, "entry") for one in webhooks.objects_at(entry, "changes")
        )
        values = (webhooks.object_at(one, "value") for one in changes if one.get("field") == "messages")
        return webhooks.joined(found for value in values for found in self._found(value))

    def _found(self, value: webhooks.Record) -> Iterator[spi.HookAnswer]:
        if str(webhooks.object_at(value, "metadata").get("phone_number_id")) == self.config.phone_number_id:
            yield from map(_receipt, webhooks.objects_at(value, "statuses"))
            yield from map(_inbound, webhooks.objects_at(value, "messages"))
            yield from (webhooks.unmapped("error", send.code_of(one)) for one in webhooks.objects_at(value, "errors"))


def _receipt(record: webhooks.Record) -> spi.HookAnswer:
    word, wamid, ref = str(record.get("status")), record.get("id"), record.get("biz_opaque_callback_data")
    if not isinstance(wamid, str):
        return webhooks.unmapped("status", word)
    code = next((send.code_of(error) for error in webhooks.objects_at(record, "errors")), "")
    ref, at_us = ref if isinstance(ref, str) else "", webhooks.unix_us(record.get("timestamp"))
    return webhooks.told_of(STATUSES, send.ERRORS, word, ref, wamid, code, at_us, names=("status", "error"))


def _inbound(record: webhooks.Record) -> spi.HookAnswer:
    kind, wamid, sender = str(record.get("type")), record.get("id"), str(record.get("from") or "")
    content = webhooks.object_at(record, kind)
    if kind == "interactive":
        content = webhooks.object_at(content, str(content.get("type")))
    if not isinstance(wamid, str) or not sender.isdecimal():
        # a user id is no address that we could keep or answer
        return spi.HookAnswer(unmapped=("a message without a number",))
    if kind in MEDIA:
        content = {"text": content.get("caption")}
    elif kind not in ("text", "button", "interactive") or not content:
        return webhooks.unmapped("type", kind)
    text = content.get("body") or content.get("text") or content.get("title") or ""
    button, at_us = content.get("payload") or content.get("id") or "", webhooks.unix_us(record.get("timestamp"))
    return spi.HookAnswer(inbound=(spi.Inbound(wamid, f"+{sender}", str(text), "", str(button), at_us),))
