"""Twilio's side, written from its public documentation: answers, callbacks, and signatures by its own SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from twilio.request_validator import RequestValidator

from dispatcher.spi import HookRequest
from dispatcher.testing.conformance import Answer

RECORDINGS = Path(__file__).parents[1] / "recordings"
ACCOUNT_SID = "AC" + "0" * 31 + "1"
AUTH_TOKEN = "an auth token nobody may see"
SID = "SM" + "ab" * 16
WORDS = (
    "scheduled", "accepted", "queued", "sending", "sent", "delivered", "read", "undelivered", "failed", "canceled",
    "partially_delivered",
)  # fmt: skip


TEMPLATE = "HX" + "ab" * 16


def content(**changes: Any) -> Answer:
    record = {
        "sid": TEMPLATE, "account_sid": ACCOUNT_SID, "friendly_name": "undangan", "language": "id",
        "variables": {"1": "Siti"}, "types": {"twilio/text": {"body": "Yth. {{1}}, kami tunggu."}}, **changes,
    }  # fmt: skip
    return Answer(200, json.dumps(record).encode(), {"content-type": "application/json"})


def approval(**changes: Any) -> Answer:
    whatsapp = {"type": "whatsapp", "name": "undangan", "status": "approved", "rejection_reason": "", **changes}
    record = {"sid": TEMPLATE, "account_sid": ACCOUNT_SID, "whatsapp": whatsapp}
    return Answer(200, json.dumps(record).encode(), {"content-type": "application/json"})


def not_found() -> Answer:
    record = {"code": 20404, "message": "The requested resource was not found", "status": 404}
    return Answer(404, json.dumps(record).encode(), {"content-type": "application/json"})


def created(**changes: Any) -> Answer:
    record = {"sid": SID, "status": "queued", "num_segments": "1", "price": None, "error_code": None, **changes}
    return Answer(201, json.dumps(record).encode(), {"content-type": "application/json"})


def listed(*records: Mapping[str, Any], next_page_uri: str | None = None) -> Answer:
    page = {"messages": list(records), "page": 0, "page_size": 200, "next_page_uri": next_page_uri}
    return Answer(200, json.dumps(page).encode(), {"content-type": "application/json"})


def listed_message(**changes: Any) -> dict[str, Any]:
    return {
        "sid": SID,
        "status": "delivered",
        "body": "",
        "direction": "outbound-api",
        "date_created": "Tue, 17 Nov 2026 02:00:01 +0000",
        "messaging_service_sid": None,
        "error_code": None,
        **changes,
    }


def callback(word: str, ref: str, code: str) -> HookRequest:
    fields = {"MessageSid": SID, "SmsSid": SID, "MessageStatus": word, "SmsStatus": word, "AccountSid": ACCOUNT_SID}
    if code:
        fields["ErrorCode"] = code
    return HookRequest(
        "POST",
        f"https://example.org/hooks/a?m={ref}",
        {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"},
        urlencode(fields).encode(),
        {"m": ref},
    )


def signed(request: HookRequest, auth_token: str) -> HookRequest:
    fields = {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
    signature = RequestValidator(auth_token).compute_signature(request.url, fields)
    return replace(request, headers={**request.headers, "x-twilio-signature": signature})
