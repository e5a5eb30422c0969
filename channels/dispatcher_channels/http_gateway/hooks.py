"""What the gateway calls: who proves it, and the receipts in it."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from dispatcher.spi import ErrorTable, HookAnswer, HookRequest, HttpResponse, Receipt, Status, webhooks
from dispatcher_channels.http_gateway.config import Callback, HttpGatewayConfig, Inbound, Signature
from dispatcher_channels.http_gateway.paths import find, shown, text_at

MAX_BODY_BYTES: Final = 256 * 1024
MAX_FIELDS: Final = 500
MAX_RECEIPTS: Final = 1000
_RANGE: Final = re.compile(r"(\d{1,6})-(\d{0,6})")


def verify(request: HookRequest, config: HttpGatewayConfig) -> bool:
    """By every means that is configured; by none where none is: then the engine looks at its own mark in `m`."""
    proofs = []
    if config.hook_secret:
        last = urlsplit(request.url).path.rstrip("/").rpartition("/")[2]
        proofs.append(webhooks.is_same(last, config.hook_secret.get_secret_value().encode()))
    if config.callback and config.callback.signature:
        signature = config.callback.signature
        wanted = sign(request.body, signature, config.credentials[signature.key].get_secret_value())
        proofs.append(webhooks.is_same(request.headers.get(signature.header.lower(), ""), wanted.encode()))
    return bool(proofs) and all(proofs)


def sign(body: bytes, signature: Signature, key: str) -> str:
    digest = webhooks.keyed_digest(key.encode(), body, signature.algorithm)
    text = digest.hex() if signature.encoding == "hex" else base64.b64encode(digest).decode()
    return signature.prefix + text


def parse(request: HookRequest, callback: Callback, errors: ErrorTable, *, marked: bool) -> HookAnswer:
    """`marked`: the engine's mark in `m` vouches for this one message, whatever else the body names."""
    said = read(request, callback)
    items = find(said, callback.receipts)
    if not items:
        raise ValueError("there is no receipt where one should be")
    receipts: list[Receipt] = []
    unmapped: list[str] = []
    for item in items[:MAX_RECEIPTS]:
        receipt, words = _receipt(item, callback, errors, request.query.get("m", ""), marked)
        receipts += [receipt] if receipt else []
        unmapped += words
    reply = callback.reply.encode()
    return HookAnswer(tuple(receipts), (), reply, "text/plain" if reply else "", tuple(unmapped))


def read(request: HookRequest, callback: Callback | Inbound) -> Any:
    if len(request.body) > MAX_BODY_BYTES:
        raise ValueError("the body is larger than a receipt ever is")
    if callback.format == "json":
        return HttpResponse(200, {}, request.body).json()
    if callback.format == "query":
        return dict(request.query)
    return dict(parse_qsl(request.body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS))


def _receipt(
    item: Any, callback: Callback, errors: ErrorTable, m: str, marked: bool
) -> tuple[Receipt | None, tuple[str, ...]]:
    word, provider_id = text_at(item, callback.status), text_at(item, callback.id)
    if not word:
        raise ValueError("a receipt without a status")
    named = text_at(item, callback.ref)
    if marked and named and named != m and not m.startswith(f"{named}."):
        return None, ("a receipt of another message",)
    ref = m if marked or not named else named
    status = status_of(word, callback.statuses)
    if status is None:
        return None, (f"status {shown(word) or '(unreadable)'}",)
    code = text_at(item, callback.code)
    if status is not Status.FAILED:
        return Receipt(status, ref, provider_id, code=""), ()
    receipt = replace(errors.receipt(status, ref, provider_id, code), code=shown(code))
    return receipt, () if code in errors or not code else (f"code {shown(code) or '(unreadable)'}",)


def status_of(word: str, statuses: dict[str, Status]) -> Status | None:
    """By the word, whatever its case, else by the first range of numbers that it is in: `"10-12"`, `"21-"`."""
    exact = statuses.get(word) or statuses.get(word.lower()) or statuses.get(word.upper())
    if exact or not word.isdecimal():
        return exact
    for known, status in statuses.items():
        limits = _RANGE.fullmatch(known)
        if limits and int(limits[1]) <= int(word[:9]) <= int(limits[2] or word[:9]):
            return status
    return None
