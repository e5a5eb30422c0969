"""Templates as Twilio holds them: the Content API, and WhatsApp's approval of each.

https://www.twilio.com/docs/content/content-api-resources; asked through the engine's client, not the SDK, so that what
goes wrong on the wire is told apart as everywhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from dispatcher.spi import (
    Absent,
    AmbiguousError,
    HeldTemplate,
    HttpClient,
    NotSentError,
    TemplateResult,
    Undecided,
)
from dispatcher_channels.twilio.config import TwilioConfig

APPROVED: Final = "approved"
_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_BODIES: Final = ("body", "title", "header_text")
"""Where the types keep what people read first."""


class RefusedError(Exception):
    """An answer other than 200; `status` is its HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Twilio answered with HTTP {status}")
        self.status = status


async def held(template_id: str, config: TwilioConfig, http: HttpClient, *, for_whatsapp: bool) -> TemplateResult:
    """Approval is asked for where WhatsApp wants one; an SMS needs none."""
    try:
        record = await _get(template_id, "", config, http)
        approval = await _get(template_id, "/ApprovalRequests", config, http) if for_whatsapp else None
        return _read(template_id, record, approval)
    except RefusedError as refused:
        return Absent() if refused.status == 404 else Undecided(_told(refused))
    except (NotSentError, AmbiguousError) as error:
        return Undecided(f"no connection to Twilio ({error})")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return Undecided("the answer is not Twilio's")


async def _get(template_id: str, below: str, config: TwilioConfig, http: HttpClient) -> dict[str, Any]:
    url = f"{config.content_base_url}/v1/Content/{quote(template_id, safe='')}{below}"
    headers = {"authorization": config.authorization, "accept": "application/json"}
    response = await http.request("GET", url, headers=headers)
    if response.status == 404:
        _require_twilio(response.object())
    if response.status != 200:
        raise RefusedError(response.status)
    return response.object()


def _require_twilio(record: dict[str, Any]) -> None:
    """A 404 of some other server says nothing about templates. ValueError."""
    if str(record.get("code")) != "20404":
        raise ValueError("a 404 that is not Twilio's")


def _told(refused: RefusedError) -> str:
    if refused.status in (401, 403):
        return f"{refused}: look at account_sid and auth_token (or api_key and api_secret)"
    return str(refused)


def _read(template_id: str, record: dict[str, Any], approval: dict[str, Any] | None) -> HeldTemplate:
    if record["sid"] != template_id:
        raise ValueError("another template")
    types, variables = dict(record["types"]), dict(record.get("variables") or {})
    whatsapp = None if approval is None else dict(approval.get("whatsapp") or {})
    state = "" if whatsapp is None else str(whatsapp.get("status") or "not submitted")
    named = {name for text in _texts(types) for name in _PLACEHOLDER.findall(text)}
    return HeldTemplate(
        id=template_id,
        digest=_digest({"language": record["language"], "types": types, "variables": variables}),
        language=str(record["language"] or ""),
        approved=whatsapp is None or state == APPROVED,
        state=state,
        reason=str((whatsapp or {}).get("rejection_reason") or ""),
        parameters=frozenset(named) if types else None,
        text=_body(types),
    )


def _digest(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _texts(node: Any) -> Iterator[str]:
    """Every text of a template, however deep its type keeps it."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from _texts(value)


def _body(types: dict[str, Any]) -> str:
    """Twilio sends the richest type that the channel can show; all types of a template hold the same text."""
    bodies = (kind[name] for kind in types.values() for name in _BODIES if isinstance(kind.get(name), str))
    return next(bodies, "")
