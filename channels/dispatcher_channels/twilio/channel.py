"""The two channels: what they can do, and which file does it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from dispatcher.spi import (
    Capabilities,
    Channel,
    Check,
    HookAnswer,
    HookRequest,
    HttpClient,
    LookupQuery,
    LookupResult,
    OutboundMessage,
    Outcome,
    Private,
    TemplateResult,
    Unsupported,
)
from dispatcher_channels.twilio import check, content, hooks, lookup, send
from dispatcher_channels.twilio.config import TwilioConfig
from dispatcher_channels.twilio.words import ERRORS


class TwilioChannel(Channel[TwilioConfig]):
    """What SMS and WhatsApp share. `prefix` goes before every address."""

    Config = TwilioConfig
    private = Private(numbers=("To",), texts=("Body", "ContentVariables"), secrets=("Authorization",))
    prefix: str = ""
    questions: ClassVar[dict[str, check.Question]]

    def __init__(self, config: TwilioConfig, http: HttpClient) -> None:
        super().__init__(config, http)
        self._url = config.messages_url + ".json"
        self._headers = {
            "authorization": config.authorization,
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        self._fixed = send.fixed_fields(config, self.prefix)
        self._auth_token = config.auth_token.get_secret_value().encode()

    @property
    def identity(self) -> str:
        return self.config.address or self.config.messaging_service_sid

    async def send(self, message: OutboundMessage) -> Outcome:
        if len(message.text or "") > self.capabilities.max_characters:
            return Unsupported(f"a text of more than {self.capabilities.max_characters} characters")
        body = send.form(message, self._fixed, self.prefix)
        return send.outcome_of(await self.http.request("POST", self._url, headers=self._headers, body=body))

    def verify(self, request: HookRequest) -> bool:
        return hooks.verify(request, self._auth_token)

    def parse(self, request: HookRequest) -> HookAnswer:
        return hooks.parse(request)

    async def lookup(self, query: LookupQuery) -> LookupResult:
        return await lookup.look_up(query, self.config, self.http, self.prefix)

    async def template(self, template_id: str) -> TemplateResult:
        return await content.held(template_id, self.config, self.http, for_whatsapp=bool(self.prefix))

    async def check(self) -> Sequence[Check]:
        return await asyncio.to_thread(check.ask, self.config, self.questions)

    @classmethod
    def explain(cls, code: str, language: str = "id") -> str:
        return ERRORS.explain(code, language)


class TwilioSmsChannel(TwilioChannel):
    name = "twilio-sms"
    capabilities = Capabilities(
        media="sms",
        receipts="push",
        inbound=True,
        templates=True,
        template_query=True,
        echoes_ref=True,
        signs_hooks=True,
        lookup=True,
    )
    questions: ClassVar = {"account": check.account, "balance": check.balance, "origin": check.origin}


class TwilioWhatsappChannel(TwilioChannel):
    name = "twilio-whatsapp"
    prefix = "whatsapp:"
    capabilities = Capabilities(
        media="whatsapp",
        receipts="push",
        inbound=True,
        templates=True,
        template_query=True,
        free_text=False,
        cost_unit="message",
        echoes_ref=True,
        signs_hooks=True,
        lookup=True,
    )
    questions: ClassVar = {"account": check.account, "balance": check.balance, "templates": check.templates}
