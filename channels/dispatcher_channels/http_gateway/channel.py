"""The channel: one request a message, as it is configured."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Final

from dispatcher.spi import (
    Ambiguous,
    Capabilities,
    Channel,
    HookAnswer,
    HookRequest,
    HttpClient,
    HttpResponse,
    OutboundMessage,
    Outcome,
    Reason,
    Rejected,
    Unsupported,
)
from dispatcher_channels.http_gateway import answers, hooks, inbound, ready
from dispatcher_channels.http_gateway.config import LONGEST_S, Body, HttpGatewayConfig
from dispatcher_channels.http_gateway.private import private_of
from dispatcher_channels.http_gateway.templates import Names, compile_form, compile_tree, names_of

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"


class _Request:
    """How a body is made, compiled once."""

    def __init__(self, body: Body, place: str, fixed: Names) -> None:
        self._query = compile_form(body.query, f"{place}.query", fixed) if body.query else None
        self._form = compile_form(body.form, f"{place}.form", fixed) if body.form else None
        self._json = compile_tree(body.json_, f"{place}.json", fixed) if body.json_ is not None else None
        self.content_type = _JSON if self._json else _FORM if self._form else ""

    def query(self, names: Names) -> str:
        return self._query(names) if self._query else ""

    def body(self, names: Names) -> bytes | None:
        if self._json:
            return json.dumps(self._json(names)).encode("ascii")
        return self._form(names).encode("ascii") if self._form else None


class HttpGatewayChannel(Channel[HttpGatewayConfig]):
    """Its capabilities on the class are those of the plainest gateway; a sender's own follow from its configuration."""

    name = "http-gateway"
    Config = HttpGatewayConfig
    capabilities = Capabilities(media="sms")

    def __init__(self, config: HttpGatewayConfig, http: HttpClient) -> None:
        super().__init__(config, http)
        self.capabilities = capabilities_of(config)
        self.private = private_of(config)
        self._url = config.base_url + config.path
        self._names = config.names
        self._errors = config.error_table
        self._text = _Request(config.text, "text", self._names) if config.text else None
        self._template = _Request(config.template, "template", self._names) if config.template else None
        self._headers = dict(compile_tree(config.headers, "headers")(self._names))
        self._headers_of = {kind: _with_type(kind, self._headers) for kind in ("", _JSON, _FORM)}
        # the longest is what the client keeps by itself: a second watch costs as much as all the rest of a send
        self._is_watched = config.timeout_s < LONGEST_S
        self._hook_secret = config.hook_secret.get_secret_value() if config.hook_secret else ""

    @property
    def identity(self) -> str:
        return self.config.from_

    async def send(self, message: OutboundMessage) -> Outcome:
        request = self._template if message.template else self._text
        if request is None:
            return Unsupported("templates only" if self._template else "no templates")
        if len(message.text or "") > self.capabilities.max_characters:
            return Unsupported(f"a text of more than {self.capabilities.max_characters} characters")
        names = names_of(message, self._names, self._callback_url(message))
        try:
            query, body = request.query(names), request.body(names)
        except ValueError:
            return Rejected(Reason.TEMPLATE, detail="the body asks for a parameter that this message does not have")
        url = f"{self._url}?{query}" if query else self._url
        asked = self.http.request(self.config.method, url, headers=self._head(request.content_type, body), body=body)
        response = await (self._in_time(asked) if self._is_watched else asked)
        if response is None:
            return Ambiguous(detail="no answer in time")
        return answers.outcome_of(response, self.config.answer, self._errors, message)

    def _head(self, content_type: str, body: bytes | None) -> dict[str, str]:
        signature, headers = self.config.signature, self._headers_of[content_type]
        if not signature or body is None:
            return headers
        key = self.config.credentials[signature.key].get_secret_value()
        return {**headers, signature.header: hooks.sign(body, signature, key)}

    async def _in_time(self, asked: Awaitable[HttpResponse]) -> HttpResponse | None:
        try:
            async with asyncio.timeout(self.config.timeout_s):
                return await asked
        except TimeoutError:
            return None

    def _callback_url(self, message: OutboundMessage) -> str:
        """With the secret in its path, where one is configured."""
        if not self._hook_secret or not message.callback_url:
            return message.callback_url
        place, mark, query = message.callback_url.partition("?")
        return f"{place}/{self._hook_secret}{mark}{query}"

    def verify(self, request: HookRequest) -> bool:
        return hooks.verify(request, self.config)

    def parse(self, request: HookRequest) -> HookAnswer:
        if self.config.inbound and (said := inbound.parse(request, self.config.inbound)):
            return said
        if self.config.callback is None:
            raise ValueError("this gateway is not configured to report back")
        return hooks.parse(request, self.config.callback, self._errors, marked=not self.config.signs_hooks)

    @classmethod
    def explain(cls, code: str, language: str = "id") -> str:
        return ready.explain(code, language)


def _with_type(content_type: str, headers: Mapping[str, str]) -> dict[str, str]:
    return {"content-type": content_type, **headers} if content_type else dict(headers)


def capabilities_of(config: HttpGatewayConfig) -> Capabilities:
    return replace(
        HttpGatewayChannel.capabilities,
        media=config.media,
        receipts="push" if config.callback else "none",
        inbound=config.inbound is not None,
        templates=config.template is not None,
        free_text=config.text is not None,
        max_characters=config.max_characters,
        cost_unit=config.cost_unit or ("segment" if config.media == "sms" else "message"),
        concurrency=config.concurrency,
        echoes_ref=bool(config.callback and (config.callback.ref or config.uses_callback_url)),
        signs_hooks=config.signs_hooks,
        deduplicates=config.deduplicates,
    )
