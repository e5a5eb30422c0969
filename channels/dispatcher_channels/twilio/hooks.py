"""Webhooks: the signature, status callbacks, and messages from people."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import unquote

from dispatcher.spi import HookAnswer, HookRequest, Inbound, Reason, Receipt, Status
from dispatcher_channels.twilio.words import ERRORS, INBOUND, STATUSES

MAX_BODY_BYTES: Final = 64 * 1024
MAX_FIELDS: Final = 500
_URL: Final = re.compile(r"(https?)://([^/?#:]+)(:\d+)?([/?#].*)?", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_KEYWORDS: Final[dict[str, Literal["stop", "start", "help"]]] = {"STOP": "stop", "START": "start", "HELP": "help"}

Fields = Mapping[str, Sequence[str]]


def verify(request: HookRequest, auth_token: bytes) -> bool:
    """https://www.twilio.com/docs/usage/security#validating-requests; ValueError where the body cannot be read."""
    given = request.headers.get("x-twilio-signature", "").encode("utf-8", "replace")
    fields: Fields = {}
    body_is_signed = True
    if "bodySHA256" in request.query and not _is_form(request):
        digest = hashlib.sha256(request.body).hexdigest()
        body_is_signed = hmac.compare_digest(digest.encode(), request.query["bodySHA256"].encode("utf-8", "replace"))
    else:
        fields = read_form(request)
    return body_is_signed and any(
        hmac.compare_digest(signature(url, fields, auth_token), given) for url in _with_and_without_port(request.url)
    )


def signature(url: str, fields: Fields, auth_token: bytes) -> bytes:
    """Base64 of HMAC-SHA1 over the URL and every name with each of its values, both sorted, repeated values once."""
    text = [url]
    for name, values in sorted(fields.items()):
        if len(values) == 1:
            text += name, values[0]
        else:
            text += (name + value for value in sorted(set(values)))
    mac = _keyed(auth_token).copy()
    mac.update("".join(text).encode())
    return b64encode(mac.digest())


@lru_cache(maxsize=16)
def _keyed(auth_token: bytes) -> hmac.HMAC:
    """To be copied: making one anew costs more than all else of a signature."""
    return hmac.new(auth_token, digestmod="sha1")


def parse(request: HookRequest) -> HookAnswer:
    fields = {name: values[0] for name, values in read_form(request).items()}
    status = fields.get("MessageStatus") or fields.get("SmsStatus", "")
    sid = fields.get("MessageSid") or fields.get("SmsSid", "")
    if not sid:
        raise ValueError("neither a status nor a message: MessageSid is missing")
    if status in INBOUND or ("Body" in fields and "MessageStatus" not in fields):
        return _inbound(fields, sid)
    return _receipt(fields, sid, status, request.query.get("m", ""))


def read_form(request: HookRequest) -> Fields:
    """The signed fields: of the body, none where the call is a GET. ValueError for anything but a form."""
    if request.method == "GET":
        return {}
    if len(request.body) > MAX_BODY_BYTES:
        raise ValueError("the body is larger than Twilio ever sends")
    if not _is_form(request):
        raise ValueError("the body is not a form")
    return _fields(request.body)


@lru_cache(maxsize=1)
def _fields(body: bytes) -> Fields:
    """`verify` and `parse` read the same body one after the other. As `parse_qs` reads it, in a third of the time."""
    fields: dict[str, list[str]] = {}
    pairs = body.decode("utf-8").split("&")
    if len(pairs) > MAX_FIELDS:
        raise ValueError("the form has more fields than Twilio ever sends")
    for pair in filter(None, pairs):
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = _plain(name), _plain(value)
        fields.setdefault(name, []).append(value)
    return fields


def _plain(text: str) -> str:
    text = text.replace("+", " ").replace("%2B", "+")  # what most of them have: every number begins with it
    return unquote(text, errors="strict") if "%" in text else text


def _is_form(request: HookRequest) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/x-www-form-urlencoded"


def _with_and_without_port(url: str) -> tuple[str, ...]:
    """Twilio signs either, depending on the product; first as it is configured."""
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("the public URL is not a URL")
    scheme, host, port, rest = match.groups(default="")
    if port:
        return url, f"{scheme}://{host}{rest}"
    return url, f"{scheme}://{host}:{443 if scheme == 'https' else 80}{rest}"


def _receipt(fields: Mapping[str, str], sid: str, word: str, ref: str) -> HookAnswer:
    """`RawDlrDoneDate` has no zone and so is no instant: the time of a receipt is ours."""
    status, code = STATUSES.get(word), fields.get("ErrorCode", "")
    if status is None:
        return HookAnswer(unmapped=(_unmapped("MessageStatus", word),))
    if status is not Status.FAILED:
        return HookAnswer((Receipt(status, ref, sid, code=code),))
    entry = ERRORS.get(code)
    reason = entry.reason if entry else Reason.OTHER
    receipt = Receipt(status, ref, sid, reason, code, suppress=bool(entry and entry.suppresses))
    return HookAnswer((receipt,), unmapped=(_unmapped("ErrorCode", code),) if code and not entry else ())


def _inbound(fields: Mapping[str, str], sid: str) -> HookAnswer:
    keyword = fields.get("OptOutType", "")
    message = Inbound(
        provider_id=sid,
        sender=fields.get("From", "").removeprefix("whatsapp:"),
        text=fields.get("Body", ""),
        opt_out=_KEYWORDS.get(keyword.upper(), ""),
        button=fields.get("ButtonPayload") or fields.get("ButtonText", ""),
    )
    unknown = keyword and keyword.upper() not in _KEYWORDS
    return HookAnswer(inbound=(message,), unmapped=(_unmapped("OptOutType", keyword),) if unknown else ())


def _unmapped(name: str, value: str) -> str:
    """Diagnostics are logged: only what looks like one of Twilio's words passes."""
    return f"{name} {value}" if _WORD.fullmatch(value) else f"{name} (unreadable)"
