"""The channel: what it can do, and which file does it."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.spi import (
    Capabilities,
    Channel,
    Check,
    HookAnswer,
    HookRequest,
    HttpClient,
    OutboundMessage,
    Outcome,
    Private,
    TemplateResult,
    Unsupported,
)
from dispatcher_channels.whatsapp_cloud import hooks, send
from dispatcher_channels.whatsapp_cloud.account import Account
from dispatcher_channels.whatsapp_cloud.config import WhatsappCloudConfig


class WhatsappCloudChannel(Channel[WhatsappCloudConfig]):
    name = "whatsapp-cloud"
    Config = WhatsappCloudConfig
    capabilities = Capabilities(
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

    private = Private(
        numbers=("to", "input", "wa_id", "recipient_id"),
        texts=("text", "body", "image", "video", "document", "payload", "coupon_code", "profile"),
        secrets=("authorization",),
    )

    def __init__(self, config: WhatsappCloudConfig, http: HttpClient) -> None:
        super().__init__(config, http)
        self._url = config.url(f"{config.phone_number_id}/messages")
        self._headers = {"authorization": f"Bearer {config.access_token.get_secret_value()}"}
        self._app_secret = config.app_secret.get_secret_value().encode()
        self._verify_token = config.verify_token.get_secret_value().encode()
        self._account = Account(config, http)

    @property
    def identity(self) -> str:
        return self.config.phone_number_id

    async def send(self, message: OutboundMessage) -> Outcome:
        if len(message.text or "") > self.capabilities.max_characters:
            return Unsupported(f"a text of more than {self.capabilities.max_characters} characters")
        try:
            wanted = send.payload(message)
        except ValueError as misfit:
            return Unsupported(str(misfit))
        return send.outcome_of(await self.http.request("POST", self._url, headers=self._headers, json=wanted))

    def verify(self, request: HookRequest) -> bool:
        return hooks.verify(request, self._app_secret, self._verify_token)

    def parse(self, request: HookRequest) -> HookAnswer:
        return hooks.parse(request, self.config.phone_number_id)

    async def template(self, template_id: str) -> TemplateResult:
        return await self._account.template(template_id)

    async def check(self) -> Sequence[Check]:
        return await self._account.check()

    @classmethod
    def explain(cls, code: str, language: str = "id") -> str:
        return send.ERRORS.explain(code, language)
