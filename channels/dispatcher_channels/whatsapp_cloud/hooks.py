"""Webhooks: the signature, Meta's own check of the address, statuses, and messages from people.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks; one call may hold many entries and changes, and those
of other phone numbers too. Nothing is matched by phone: `biz_opaque_callback_data` carries our `ref`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from typing import Any, Final

from dispatcher.spi import HookAnswer, HookRequest, Inbound, Reason, Receipt, Status, json_object
from dispatcher_channels.whatsapp_cloud.send import ERRORS, code_of

STATUSES: Final = {
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    "played": Status.READ,  # a voice message
    "failed": Status.FAILED,
}
MEDIA: Final = frozenset({"image", "video", "audio", "document", "sticker", "location", "contacts"})
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
Found = Receipt | Inbound | str  # str: a word that we do not know


def verify(request: HookRequest, app_secret: bytes, verify_token: bytes) -> bool:
    if request.method == "GET":
        given = request.query.get("hub.verify_token", "").encode("utf-8", "replace")
        return request.query.get("hub.mode") == "subscribe" and hmac.compare_digest(given, verify_token)
    wanted = "sha256=" + hmac.digest(app_secret, request.body, "sha256").hex()
    given = request.headers.get("x-hub-signature-256", "").encode("utf-8", "replace")
    return hmac.compare_digest(given, wanted.encode())


def parse(request: HookRequest, phone_number_id: str) -> HookAnswer:
    if request.method == "GET":
        challenge = request.query.get("hub.challenge", "")
        if not _CHALLENGE.fullmatch(challenge):
            raise ValueError("no challenge to answer")
        return HookAnswer(reply=challenge.encode(), content_type="text/plain")
    record = json_object(request.body)
    if record.get("object") != "whatsapp_business_account" or not isinstance(record.get("entry"), list):
        raise ValueError("not a call about a WhatsApp business account")
    found = [one for value in _values(record, phone_number_id) for one in _found(value)]
    return HookAnswer(
        tuple(one for one in found if isinstance(one, Receipt)),
        tuple(one for one in found if isinstance(one, Inbound)),
        unmapped=tuple(one for one in found if isinstance(one, str)),
    )


def _values(record: dict[str, Any], phone_number_id: str) -> Iterator[dict[str, Any]]:
    for entry in _objects(record, "entry"):
        for change in _objects(entry, "changes"):
            value = change.get("value")
            if change.get("field") == "messages" and isinstance(value, dict):
                metadata = value.get("metadata")
                if isinstance(metadata, dict) and str(metadata.get("phone_number_id")) == phone_number_id:
                    yield value


def _found(value: dict[str, Any]) -> Iterator[Found]:
    for status in _objects(value, "statuses"):
        yield from _receipt(status)
    for message in _objects(value, "messages"):
        yield _inbound(message)
    for error in _objects(value, "errors"):
        yield _unmapped("error", code_of(error))


def _receipt(record: dict[str, Any]) -> Iterator[Found]:
    word = str(record.get("status"))
    status, wamid, ref = STATUSES.get(word), record.get("id"), record.get("biz_opaque_callback_data")
    if status is None or not isinstance(wamid, str):
        yield _unmapped("status", word)
        return
    code = next((code_of(error) for error in _objects(record, "errors")), "")
    entry = ERRORS.get(code)
    reason = (entry.reason if entry else Reason.OTHER) if status is Status.FAILED else None
    yield Receipt(
        status,
        ref if isinstance(ref, str) else "",
        wamid,
        reason,
        code,
        _instant_us(record),
        suppress=bool(reason and entry and entry.suppresses),
    )
    if code and not entry:
        yield _unmapped("error", code)


def _inbound(record: dict[str, Any]) -> Found:
    kind, wamid, sender = str(record.get("type")), record.get("id"), str(record.get("from") or "")
    content = record.get(kind)
    if kind == "interactive" and isinstance(content, dict):
        content = content.get(str(content.get("type")))
    if not isinstance(wamid, str) or not sender.isdecimal():
        return "a message without a number"  # a user id is no address that we could keep or answer
    if kind in MEDIA:
        text = content.get("caption") if isinstance(content, dict) else ""
        return Inbound(wamid, f"+{sender}", str(text or ""), occurred_us=_instant_us(record))
    if kind not in ("text", "button", "interactive") or not isinstance(content, dict):
        return _unmapped("type", kind)
    text = content.get("body") or content.get("text") or content.get("title") or ""
    button = content.get("payload") or content.get("id") or ""
    return Inbound(wamid, f"+{sender}", str(text), button=str(button), occurred_us=_instant_us(record))


def _objects(record: dict[str, Any], name: str) -> list[dict[str, Any]]:
    values = record.get(name)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _instant_us(record: dict[str, Any]) -> int | None:
    seconds = str(record.get("timestamp"))
    return int(seconds) * 1_000_000 if seconds.isdecimal() and len(seconds) <= 11 else None


def _unmapped(name: str, value: str) -> str:
    """Diagnostics are logged: only what looks like one of Meta's words passes."""
    return f"{name} {value}" if _WORD.fullmatch(value) else f"{name} (unreadable)"
