"""Exchanges with a provider as the wire log keeps them: redacted, bounded, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from dispatcher.delivery.redact import Redaction
from dispatcher.spi.http import FORM
from dispatcher.spi.tap import Exchange

MOST_BYTES: Final = 4096
"""Of a body, or of the headers, as they are kept."""

MOST_READ_BYTES: Final = 16 * 1024
"""Of a body that is looked at: a longer one is not kept at all, because a part of it could not be understood."""


def write(exchanges: Sequence[Exchange], redaction: Redaction, ended_us: int, ended_s: float) -> str:
    """All exchanges of one attempt. `ended_us` and `ended_s` are one instant: of the database, and of the tap's clock.

    What a provider says may be no text at all (halves of surrogate pairs): this can be stored and printed.
    """
    return _printable([_record(one, redaction, ended_us, ended_s) for one in exchanges])


def read(text: str) -> list[dict[str, Any]]:
    """As `write` made them."""
    records: list[dict[str, Any]] = json.loads(text)
    return records


def call(raw: str, redaction: Redaction) -> dict[str, Any]:
    """A provider's call as the journal keeps it (`POST https://…`, an empty line, the body), or a PDU (`deliver_sm …`).

    The path is shown up to `/hooks/<sender>`: what follows may be what proves who calls.
    """
    head, _, body = raw.partition("\n\n")
    method, _, url = head.partition(" ")
    if not url.startswith("http"):
        return {"method": method, "body": _bounded(redaction.words(url))}  # hexadecimal
    parts = urlsplit(url)
    before, hooks, sender = unquote(parts.path).partition("/hooks/")
    octets = body.encode("latin-1", "replace")
    is_form = "=" in body and not any(mark in body for mark in ' {"<\n')
    record = {
        "method": method,
        "path": redaction.words(f"{before}{hooks}{sender.partition('/')[0]}"),
        "query": _bounded(redaction.tree(_pairs(parts.query))),
        "body": _bounded(_body(octets, FORM if is_form else "", redaction)),
    }
    shown: dict[str, Any] = json.loads(_printable({name: one for name, one in record.items() if one not in ("", {})}))
    return shown


def _printable(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def _record(one: Exchange, redaction: Redaction, ended_us: int, ended_s: float) -> dict[str, Any]:
    url = urlsplit(one.url)
    over_s = ended_s if one.ended_s is None else one.ended_s
    answer, heard = one.answer, one.heard
    record = {
        "at_us": ended_us - int((ended_s - one.began_s) * 1_000_000),
        "ms": int((over_s - one.began_s) * 1000),
        "method": one.method,
        "host": redaction.without_secrets(url.netloc.rpartition("@")[2]),
        "path": redaction.words(unquote(url.path)),
        "query": _bounded(redaction.tree(_pairs(url.query))),
        "headers": _bounded(redaction.tree(one.headers or {})),
        "request": _bounded(_said(one, redaction)),
        "status": answer.status if answer else None,
        "answer_headers": _bounded(redaction.tree(dict(answer.headers))) if answer else {},
        "answer": _bounded(_heard(one, redaction)),
        "failure": one.failure or ("" if answer or heard is not None else "no answer was waited for any longer"),
    }
    return {name: value for name, value in record.items() if value not in ("", None, {})}


def _said(one: Exchange, redaction: Redaction) -> Any:
    if one.form is not None:
        return redaction.tree(one.form)
    if one.body is not None:
        return _body(one.body, _content_type(one.headers or {}), redaction)
    return redaction.tree(one.json)


def _heard(one: Exchange, redaction: Redaction) -> Any:
    if one.answer is not None:
        return _body(one.answer.body, _content_type(one.answer.headers), redaction)
    return redaction.tree(one.heard)


def _content_type(headers: Mapping[str, str]) -> str:
    found = (value for name, value in headers.items() if name.lower() == "content-type")
    return next(found, "").partition(";")[0].strip().lower()


def _body(body: bytes, content_type: str, redaction: Redaction) -> Any:
    """Read as what it says it is; else as JSON, which many call text; else as text."""
    if len(body) > MOST_READ_BYTES:
        return f"[{len(body)} bytes, too many to keep]"
    text = body.decode("utf-8", "replace")
    if content_type == FORM:
        return redaction.tree(_pairs(text))
    try:
        return redaction.tree(json.loads(text))
    except (ValueError, RecursionError):
        return redaction.words(text)


def _pairs(text: str) -> dict[str, Any]:
    """A key that comes again has all its values."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _bounded(value: Any) -> Any:
    """Cut only after it was redacted: half a text is not known again."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    octets = text.encode("utf-8", "replace")
    if len(octets) <= MOST_BYTES:
        return value
    return octets[:MOST_BYTES].decode("utf-8", "ignore") + "… (cut)"
