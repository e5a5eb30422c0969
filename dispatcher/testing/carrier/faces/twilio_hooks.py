"""Twilio's webhooks: status callbacks and inbound messages, form-encoded and signed."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from dispatcher.testing.carrier.callbacks import Callback, Post
from dispatcher.testing.carrier.fate import Step
from dispatcher.testing.carrier.messages import Message

#: The From that a Messaging Service picks.
POOL_NUMBER: Final = "+15005550006"
OPT_OUT_WORDS: Final = {"STOP": "STOP", "BERHENTI": "STOP", "START": "START", "MULAI": "START", "HELP": "HELP"}


def signature(token: str, url: str, form: Mapping[str, str]) -> str:
    """Base64 of HMAC-SHA1 over the URL and the sorted names and values (Twilio, "Validating requests")."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def callback(subject: str, token: str, url: str, form: Callable[[], Mapping[str, str]]) -> Callback:
    """The same content has the same idempotency token, so a repetition can be told. `form` always gives the same."""

    def post() -> Post:
        fields = form()
        body = urlencode(fields).encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": signature(token, url, fields),
            "I-Twilio-Idempotency-Token": str(UUID(bytes=blake2b(body, digest_size=16).digest())),
        }
        return Post(url, headers, body)

    return Callback(subject, post)


def status_form(message: Message, sid: str, account: str, step: Step, now_us: int) -> dict[str, str]:
    whatsapp = message.to.startswith("whatsapp:")
    form = {
        "AccountSid": account,
        "ApiVersion": "2010-04-01",
        "From": visible_sender(message),
        "MessageSid": sid,
        "MessageStatus": step.status,
        "SmsSid": sid,
        "SmsStatus": step.status,
        "To": message.to,
    }
    if message.sender.startswith("MG"):
        form["MessagingServiceSid"] = message.sender
    if step.error:
        form["ErrorCode"] = step.error
    if whatsapp:
        form |= {"ChannelPrefix": "whatsapp", "ChannelToAddress": message.to}
        if step.status in {"delivered", "read"}:
            form["EventType"] = step.status.upper()
    elif step.status in {"delivered", "undelivered"}:
        form["RawDlrDoneDate"] = datetime.fromtimestamp(now_us / 1e6, UTC).strftime("%y%m%d%H%M")
    return form


def inbound_form(message: Message, sid: str, account: str, text: str, *, opt_outs: bool) -> dict[str, str]:
    """What the recipient of `message` answers."""
    reply_sid = "SM" + blake2b(f"{sid}/{text}".encode(), digest_size=16).hexdigest()
    form = {
        "AccountSid": account,
        "ApiVersion": "2010-04-01",
        "Body": text,
        "From": message.to,
        "MessageSid": reply_sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": reply_sid,
        "SmsSid": reply_sid,
        "SmsStatus": "received",
        "To": visible_sender(message),
    }
    if message.sender.startswith("MG"):
        form["MessagingServiceSid"] = message.sender
    if message.to.startswith("whatsapp:"):
        form |= {"WaId": message.to.removeprefix("whatsapp:+"), "ProfileName": "Warga", "MessageType": "text"}
        form["OriginalRepliedMessageSid"] = sid
    if opt_outs and text.upper() in OPT_OUT_WORDS:
        form["OptOutType"] = OPT_OUT_WORDS[text.upper()]
    return form


def visible_sender(message: Message) -> str:
    """What the recipient's phone shows."""
    if not message.sender.startswith("MG"):
        return message.sender
    return f"whatsapp:{POOL_NUMBER}" if message.to.startswith("whatsapp:") else POOL_NUMBER
