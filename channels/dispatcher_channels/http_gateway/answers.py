"""What the answer to a send means. A 200 alone means nothing: gateways refuse with it as well."""

from __future__ import annotations

import re
from typing import Any

from dispatcher.spi import (
    Accepted,
    Ambiguous,
    ErrorTable,
    HttpResponse,
    Misconfigured,
    OutboundMessage,
    Outcome,
    Reason,
    Rejected,
    Throttled,
    classify_status,
    retry_after_s,
)
from dispatcher_channels.http_gateway.config import Answer
from dispatcher_channels.http_gateway.paths import shown, text_at, texts_at

MAX_TEXT_BYTES = 4096


def outcome_of(response: HttpResponse, answer: Answer, errors: ErrorTable, message: OutboundMessage) -> Outcome:
    common = classify_status(response)
    if isinstance(common, Throttled | Ambiguous):
        return common
    try:
        said = read(response, answer)
    except ValueError:
        return common or _unreadable(response.status)
    if common is None and response.status in answer.statuses and all(rule.holds(said) for rule in answer.accepted):
        return _accepted(said, answer, message)
    code = _code(said, answer)
    known = errors.outcome(code, retry_after_s(response))
    return known or common or _unknown(response.status, said, answer, shown(code))


def read(response: HttpResponse, answer: Answer) -> Any:
    """ValueError where it is neither JSON nor the text that is configured."""
    if not answer.pattern:
        return response.json()
    if len(response.body) > MAX_TEXT_BYTES:
        raise ValueError("longer than any plain answer")
    match = re.fullmatch(answer.pattern, response.body.decode("utf-8").strip())
    if match is None:
        raise ValueError("not as configured")
    return match.groupdict()


def _accepted(said: Any, answer: Answer, message: OutboundMessage) -> Outcome:
    ids = tuple(dict.fromkeys(texts_at(said, answer.id)))
    if answer.id_required and not ids:
        return Ambiguous(detail="a success without an id")
    parts = text_at(said, (answer.parts,)) if answer.parts else ""
    if answer.numbered_parts and ids and message.segments > 1:
        numbered = (f"{ids[0]}.{part}" for part in range(1, message.segments + 1))
        return Accepted((ids[0], *numbered), message.segments)
    return Accepted(ids, int(parts) if parts.isdecimal() and len(parts) < 4 else len(ids) if len(ids) > 1 else 0)


def _code(said: Any, answer: Answer) -> str:
    code = text_at(said, answer.code)
    match = re.search(answer.code_pattern, code) if answer.code_pattern else None
    return (match[1] if match.lastindex else match[0]) if match else code


def _unknown(status: int, said: Any, answer: Answer, code: str) -> Outcome:
    if status in (404, 405):
        return Misconfigured(str(status), "there is no such address at this base_url")
    if any(rule.holds(said) for rule in answer.refused) or (400 <= status < 500 and code):
        return Rejected(Reason.PROVIDER, code, "refused with a code that is not among `codes`")
    return Ambiguous(code or str(status), "an answer that is neither a success nor a refusal as configured")


def _unreadable(status: int) -> Outcome:
    if status in (404, 405):
        return Misconfigured(str(status), "there is no such address at this base_url")
    return Ambiguous(str(status), "an answer that cannot be read")
