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
_NOT_METAS: Final = "the answer is not Meta's"
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
            records, is_all = await self._list("message_templates", name=name, fields=fields)
            held = sorted((r for r in records if r["name"] == name), key=lambda r: str(r["language"]))
            if not held:
                return Absent() if is_all else Undecided("the list of templates is too long")
            return _read(name, held)
        except UnansweredError as error:
            return Undecided(str(error))
        except (KeyError, TypeError, AttributeError):
            return Undecided(_NOT_METAS)

    async def check(self) -> Sequence[Check]:
        fields = "id,status,quality_rating,whatsapp_business_manager_messaging_limit"
        try:
            records, _ = await self._list("phone_numbers", fields=fields)
        except UnansweredError as error:
            return (Check("token", False, str(error), _FIX),)
        token = Check("token", True, "Meta accepts the access token")
        for number in records:
            if str(number.get("id")) == self._config.phone_number_id:
                return token, *_of_number(number)
        return token, Check("number", False, "the account has no such phone number", "look at both ids")

    async def _list(self, what: str, **query: str) -> tuple[list[dict[str, Any]], bool]:
        """The first page, and whether it is the only one."""
        url = self._config.url(f"{self._config.business_account_id}/{what}?{urlencode({**query, 'limit': '100'})}")
        try:
            response = await self._http.request("GET", url, headers=self._headers)
            record = response.object()
        except (NotSentError, AmbiguousError) as error:
            raise UnansweredError(f"no connection to Meta ({error})") from None
        except ValueError:
            raise UnansweredError(_NOT_METAS) from None
        refusal, data, paging = record.get("error"), record.get("data"), record.get("paging")
        if response.status != 200 or isinstance(refusal, dict):
            code = code_of(refusal) if isinstance(refusal, dict) else ""
            raise UnansweredError(f"refused with HTTP {response.status}, code {code}: {ERRORS.explain(code, 'en')}")
        if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
            raise UnansweredError(_NOT_METAS)
        return data, not (isinstance(paging, dict) and paging.get("next"))


def _of_number(number: dict[str, Any]) -> tuple[Check, Check]:
    state, quality = number.get("status") or "CONNECTED", number.get("quality_rating") or "UNKNOWN"
    limit = number.get("whatsapp_business_manager_messaging_limit") or "unknown"
    restore = "" if state == "CONNECTED" else "register or restore the number in WhatsApp Manager"
    review = "review the templates that people block or report" if quality == "RED" else ""
    return (
        Check("number", not restore, f"the number is {state}", restore),
        Check("quality", not review, f"quality {quality}, limit of people in 24 hours {limit}", review),
    )


def _read(name: str, held: list[dict[str, Any]]) -> HeldTemplate:
    """One name covers all its languages: what they do not share cannot be told, and each must be approved."""
    worst = next((r for r in held if r["status"] != "APPROVED"), held[0])
    reason = str(worst.get("rejected_reason") or "NONE")
    shapes = [(r["language"], r["components"]) for r in held]
    names = {frozenset(_parameters(components)) for _, components in shapes}
    is_known = len(names) == 1 and all(components for _, components in shapes)
    shared = names.pop() if is_known else frozenset[str]()
    return HeldTemplate(
        id=name,
        digest=hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest(),
        language=str(held[0]["language"]) if len(held) == 1 else "",
        approved=worst["status"] == "APPROVED",
        state=str(worst["status"]),
        reason="" if reason == "NONE" else reason,
        parameters=shared if is_known else None,
        text=next((str(c["text"]) for c in held[0]["components"] if c["type"] == "BODY"), "") if len(held) == 1 else "",
        optional=frozenset(name for name in shared if name.endswith(".payload")),
    )


def _parameters(components: list[dict[str, Any]]) -> Iterator[str]:
    """By the names that send.py gives them."""
    for component in components:
        kind, placeholders = component["type"], _PLACEHOLDER.findall(str(component.get("text", "")))
        medium = str(component.get("format", "")).lower()
        if kind == "BODY":
            yield from placeholders
        elif kind == "HEADER":
            yield from (f"header.{n}" for n in ([medium] if medium in MEDIA else placeholders))
        for index, button in enumerate(component.get("buttons", ())):
            if _PLACEHOLDER.search(str(button.get("url", ""))):
                yield f"button.{index}"
            elif (key := {"COPY_CODE": "code", "QUICK_REPLY": "payload"}.get(str(button.get("type")))) is not None:
                yield f"button.{index}.{key}"
