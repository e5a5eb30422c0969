"""What can be asked of Meta's face about the account, and where it is told to call: as the Graph API documents it."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from dispatcher.testing.carrier.behaviour import HeldContent
from dispatcher.testing.carrier.carrier import Carrier
from dispatcher.testing.carrier.faces.meta_words import NO_OBJECT, error_body
from dispatcher.testing.carrier.http1 import Request

_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_STATES: Final = {"unsubmitted": "PENDING", "received": "PENDING"}
ANYTHING: Final = HeldContent(language="", body="")


def held(carrier: Carrier, name: str) -> HeldContent | None:
    """While `Behaviour.templates` is empty, any template is held and approved, with a text that nobody knows."""
    templates = carrier.behaviour.templates
    return templates.get(name) if templates else ANYTHING


def placeholders(content: HeldContent) -> list[str]:
    return _PLACEHOLDER.findall(content.body)


class MetaAccount:
    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, request: Request, path: str, query: str) -> None:
        """`path` without the version. Any signed-in request but that of a message."""
        options = self._carrier.options
        account, number = options.business_account_id, options.phone_number_id
        match (request.method, path):
            case (b"GET", _) if path == f"{account}/message_templates":
                request.answer_json(200, self._templates(dict(parse_qsl(query)).get("name", "")))
            case (b"GET", _) if path == f"{account}/phone_numbers":
                request.answer_json(200, {"data": [_number(number)], "paging": {"cursors": {}}})
            case (b"GET", _) if path == number:
                request.answer_json(200, _number(number))
            case (b"POST", _) if path == f"{account}/subscribed_apps":
                self._subscribe(request)
            case _:
                request.answer(*error_body(NO_OBJECT))

    def _templates(self, name: str) -> dict[str, Any]:
        """By a part of the name, as Meta searches."""
        templates = self._carrier.behaviour.templates
        found = {key: value for key, value in templates.items() if name.lower() in key.lower()}
        if not templates and name:
            found = {name: ANYTHING}
        return {"data": [_template(key, value) for key, value in found.items()], "paging": {"cursors": {}}}

    def _subscribe(self, request: Request) -> None:
        """Call `override_callback_uri` from now on, if it answers the challenge to `verify_token`."""
        try:
            wanted = json.loads(request.body)
            url, token = str(wanted["override_callback_uri"]), str(wanted["verify_token"])
        except (ValueError, KeyError, TypeError):
            request.answer(*error_body(100))
            return
        task = asyncio.ensure_future(self._challenge(request, url, token))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _challenge(self, request: Request, url: str, token: str) -> None:
        challenge = str(secrets.randbelow(10**10))
        query = urlencode({"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": token})
        answer = await self._carrier.callbacks.get(f"{url}?{query}")
        if answer == (200, challenge.encode()):
            self._carrier.behaviour = self._carrier.behaviour.merged({"webhook_url": url})
            request.answer_json(200, {"success": True})
        else:
            request.answer(*error_body(2200))


def _number(phone_number_id: str) -> dict[str, Any]:
    return {
        "id": phone_number_id, "display_phone_number": "+1 555-078-3881", "verified_name": "Simulator",
        "status": "CONNECTED", "quality_rating": "GREEN", "code_verification_status": "VERIFIED",
        "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
    }  # fmt: skip


def _template(name: str, content: HeldContent) -> dict[str, Any]:
    body = {"type": "BODY", "text": content.body}
    by_name = any(not placeholder.isdecimal() for placeholder in placeholders(content))
    return {
        "id": "1", "name": name, "language": content.language, "category": "UTILITY",
        "status": _STATES.get(content.status, content.status.upper()),
        "rejected_reason": content.rejection_reason or "NONE", "parameter_format": "NAMED" if by_name else "POSITIONAL",
        "components": [body] if content.body else [],
    }  # fmt: skip
