"""Meta's words: errors, webhooks, and the signature on them. Source: the public documentation of the Cloud API."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

from dispatcher.testing.carrier.callbacks import Callback, Post
from dispatcher.testing.carrier.fate import Step
from dispatcher.testing.carrier.messages import Message

NO_OBJECT: Final = 33  # a subcode of 100
#: code → (HTTP status, message)
ERRORS: Final = {
    2: (503, "Service temporarily unavailable"),
    NO_OBJECT: (400, "Unsupported request. Object with this ID does not exist, or cannot be loaded"),
    100: (400, "Invalid parameter"),
    190: (401, "Invalid OAuth access token."),
    2200: (400, "Callback verification failed"),
    130429: (429, "Rate limit hit"),
    131000: (500, "Something went wrong"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
}
#: What the fates say in Twilio's codes, in Meta's; any other is passed on if it is one of Meta's.
_CODES: Final = {
    "63003": "131026", "63014": "131050", "63016": "131047", "63018": "130429", "63024": "131021", "63032": "130472",
    "63033": "131050", "63049": "131049",
}  # fmt: skip
_SOMETHING_WENT_WRONG: Final = "131000"


def error_body(code: int) -> tuple[int, bytes]:
    """HTTP status and JSON of an error."""
    status, message = ERRORS[code]
    subcode = {"error_subcode": NO_OBJECT} if code == NO_OBJECT else {}
    shown = 100 if subcode else code
    error = {
        "message": f"(#{shown}) {message}", "type": "OAuthException", "code": shown, **subcode,
        "error_data": {"messaging_product": "whatsapp", "details": message}, "fbtrace_id": "AbCdEfGhIjK",
    }  # fmt: skip
    return status, json.dumps({"error": error}).encode()


def code_of(step: Step) -> int:
    return int(_CODES.get(step.error) or (step.error if len(step.error) == 6 else _SOMETHING_WENT_WRONG))


def accepted_json(message: Message, wamid: str) -> bytes:
    number = message.to[1:]
    return (
        f'{{"messaging_product": "whatsapp", "contacts": [{{"input": "{number}", "wa_id": "{number}"}}], '
        f'"messages": [{{"id": "{wamid}", "message_status": "accepted"}}]}}'
    ).encode()


def status_value(message: Message, wamid: str, ref: str, step: Step, now_us: int) -> dict[str, Any]:
    word = "failed" if step.error else step.status
    status: dict[str, Any] = {
        "id": wamid, "status": word, "timestamp": str(now_us // 1_000_000), "recipient_id": message.to[1:],
    }  # fmt: skip
    if ref:
        status["biz_opaque_callback_data"] = ref
    if word == "failed":
        status["errors"] = [{"code": code_of(step), "title": "Message failed", "message": "Message failed"}]
    else:
        status["pricing"] = {"billable": True, "pricing_model": "PMP", "category": "utility", "type": "regular"}
    return {"statuses": [status]}


def inbound_value(message: Message, wamid: str, text: str, now_us: int) -> dict[str, Any]:
    """What the recipient of `message` answers."""
    said = {
        "from": message.to[1:], "id": f"wamid.{blake2b(f'{wamid}/{text}'.encode(), digest_size=16).hexdigest()}",
        "timestamp": str(now_us // 1_000_000), "type": "text", "text": {"body": text},
        "context": {"from": message.sender, "id": wamid},
    }  # fmt: skip
    return {"contacts": [{"profile": {"name": "Warga"}, "wa_id": message.to[1:]}], "messages": [said]}


def webhook(
    subject: str, url: str, app_secret: str, account: str, number: str, value: Callable[[], dict[str, Any]]
) -> Callback:
    """`value` always gives the same."""

    def post() -> Post:
        metadata = {"display_phone_number": "15550783881", "phone_number_id": number}
        change = {"value": {"messaging_product": "whatsapp", "metadata": metadata, **value()}, "field": "messages"}
        entry = [{"id": account, "changes": [change]}]
        body = json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature(app_secret, body)}
        return Post(url, headers, body)

    return Callback(subject, post)


def signature(app_secret: str, body: bytes) -> str:
    """Of the raw body (Meta, "Validating payloads")."""
    return "sha256=" + hmac.digest(app_secret.encode(), body, "sha256").hex()
