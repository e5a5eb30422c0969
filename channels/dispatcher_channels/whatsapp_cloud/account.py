"""What Meta holds: the account's numbers, and its templates in each language.

https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from dispatcher.spi import (
    Absent,
    AmbiguousError,
    Check,
    HeldTemplate,
    HttpClient,
    NotSentError,
    TemplateResult,
    Undecided,
)
from dispatcher_channels.whatsapp_cloud.config import WhatsappCloudConfig
from dispatcher_channels.whatsapp_cloud.send import ERRORS, MEDIA, code_of

_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_FIX: Final = "look at access_token, its permissions and business_account_id in Meta's Business Manager"


class UnansweredError(Exception):
    """Meta could not be asked, or refused; the words are for people."""


class Account:
    def __init__(self, config: WhatsappCloudConfig, http: HttpClient) -> None:
        self._config = config
        self._http = http
        self._headers = {"authorization": f"Bearer {config.access_token.get_secret_value()}"}

    async def template(self, name: str) -> TemplateResult:
        fields = "name,language,status,rejected_reason,components"
        try:
            records, more = await self._list("message_templates", name=name, fields=fields, limit="100")
            held = sorted((r for r in records if r["name"] == name), key=lambda r: str(r["language"]))
            if held:
                return _read(name, held)
            return Undecided("the list of templates is too long") if more else Absent()
        except UnansweredError as error:
            return Undecided(str(error))
        except (KeyError, TypeError, AttributeError):
            return Undecided("the answer is not Meta's")

    async def check(self) -> Sequence[Check]:
        fields = "id,status,quality_rating,whatsapp_business_manager_messaging_limit"
        try:
            records, _ = await self._list("phone_numbers", fields=fields, limit="100")
        except UnansweredError as error:
            return (Check("token", False, str(error), _FIX),)
        token = Check("token", True, "Meta accepts the access token")
        number = next((r for r in records if str(r.get("id")) == self._config.phone_number_id), None)
        if number is None:
            fix = "look at phone_number_id and business_account_id"
            return token, Check("number", False, "the account has no such phone number", fix)
        return token, _state(number), _quality(number)

    async def _list(self, what: str, **query: str) -> tuple[list[dict[str, Any]], bool]:
        """The first page, and whether there is another."""
        url = self._config.url(f"{self._config.business_account_id}/{what}?{urlencode(query)}")
        try:
            response = await self._http.request("GET", url, headers=self._headers)
            record = response.object()
        except (NotSentError, AmbiguousError) as error:
            raise UnansweredError(f"no connection to Meta ({error})") from None
        except ValueError:
            raise UnansweredError("the answer is not Meta's") from None
        refusal = record.get("error")
        if response.status != 200 or isinstance(refusal, dict):
            code = code_of(refusal) if isinstance(refusal, dict) else ""
            raise UnansweredError(f"refused with HTTP {response.status}, code {code}: {ERRORS.explain(code, 'en')}")
        data, paging = record.get("data"), record.get("paging")
        if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
            raise UnansweredError("the answer is not Meta's")
        return data, isinstance(paging, dict) and bool(paging.get("next"))


def _state(number: dict[str, Any]) -> Check:
    state = str(number.get("status") or "CONNECTED")
    fix = "" if state == "CONNECTED" else "register or restore the number in WhatsApp Manager"
    return Check("number", not fix, f"the number is {state}", fix)


def _quality(number: dict[str, Any]) -> Check:
    quality = str(number.get("quality_rating") or "UNKNOWN")
    limit = str(number.get("whatsapp_business_manager_messaging_limit") or "unknown")
    fix = "review the templates that people block or report" if quality == "RED" else ""
    return Check("quality", not fix, f"quality {quality}, limit of people in 24 hours {limit}", fix)


def _read(name: str, held: list[dict[str, Any]]) -> HeldTemplate:
    """One name covers all its languages: what they do not share cannot be told, and each must be approved."""
    bad = next((r for r in held if r["status"] != "APPROVED"), held[0])
    reason = str(bad.get("rejected_reason") or "")
    named = {frozenset(_parameters(r["components"])) for r in held}
    shapes = [{"language": r["language"], "components": r["components"]} for r in held]
    return HeldTemplate(
        id=name,
        digest=hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest(),
        language=str(held[0]["language"]) if len(held) == 1 else "",
        approved=bad["status"] == "APPROVED",
        state=str(bad["status"]),
        reason="" if reason == "NONE" else reason,
        parameters=named.pop() if len(named) == 1 and all(r["components"] for r in held) else None,
        text=_body(held[0]["components"]) if len(held) == 1 else "",
    )


def _body(components: list[dict[str, Any]]) -> str:
    return next((str(c.get("text", "")) for c in components if c["type"] == "BODY"), "")


def _parameters(components: list[dict[str, Any]]) -> Iterator[str]:
    """By the names that send.py gives them. Quick replies answer without a parameter."""
    for component in components:
        kind, text = component["type"], str(component.get("text", ""))
        if kind == "BODY":
            yield from _PLACEHOLDER.findall(text)
        elif kind == "HEADER":
            medium = str(component.get("format", "TEXT")).lower()
            yield from (f"header.{n}" for n in ([medium] if medium in MEDIA else _PLACEHOLDER.findall(text)))
        elif kind == "BUTTONS":
            for index, button in enumerate(component["buttons"]):
                if _PLACEHOLDER.search(str(button.get("url", ""))):
                    yield f"button.{index}"
                elif button.get("type") == "COPY_CODE":
                    yield f"button.{index}.code"
