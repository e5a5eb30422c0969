"""Twilio's words: errors, the JSON of a message, forms, segments. Source: the public OpenAPI document, api v2010."""

from __future__ import annotations

import json
import re
from binascii import a2b_qp
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from dispatcher.testing.carrier.messages import Message

VERSION: Final = "2010-04-01"

#: code → (HTTP status, message); `{to}` and `{sender}` are echoed, as the real one does.
ERRORS: Final = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "Invalid 'To' Phone Number: {to}"),
    21212: (400, "Invalid From Number (caller ID): {sender}"),
    21408: (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number provided ({sender}) is not a valid message-capable phone number."),
    21609: (400, "The 'StatusCallback' URL is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (429, "The 'From' number {sender} has exceeded the maximum number of queued messages."),
    21612: (
        400,
        "Message cannot be sent with the current combination of 'To' ({to}) and/or 'From' ({sender}) parameters",
    ),
    21614: (400, "'To' number is not a valid mobile number: {to}"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21656: (400, "The ContentVariables parameter is invalid."),
    21910: (400, "Invalid From and To pair. From and To should be of the same channel"),
}
#: The magic numbers of the test credentials.
MAGIC_FROM: Final = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
MAGIC_TO: Final = {
    "+15005550001": 21211, "+15005550002": 21612, "+15005550003": 21408, "+15005550004": 21610, "+15005550009": 21614,
}  # fmt: skip

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = "^{}\\[]~|€\f"
_ONLY_BASIC = re.compile(f"[{re.escape(_GSM_BASIC)}]*")
_ONLY_GSM = re.compile(f"[{re.escape(_GSM_BASIC + _GSM_EXTENDED)}]*")


def error_body(code: int, to: str = "", sender: str = "") -> tuple[int, bytes]:
    """HTTP status and JSON of an error."""
    status, message = ERRORS[code]
    return status, json.dumps({
        "code": code,
        "message": message.format(to=to, sender=sender),
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }).encode()  # fmt: skip


def read_form(body: bytes) -> dict[str, str]:
    """As `urllib.parse.parse_qsl` reads it, several times as fast; of a repeated name the last value."""
    form: dict[str, str] = {}
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        if value:
            form[_decoded(name)] = _decoded(value)
    return form


def _decoded(text: bytes) -> str:
    """Percent-decoding is quoted-printable with another sign, and that is decoded in C."""
    if b"+" in text:
        text = text.replace(b"+", b" ")
    if b"%" in text:
        if _BROKEN_ESCAPE.search(text):
            text = unquote_to_bytes(text)
        else:
            text = a2b_qp(text.replace(b"=", b"%3D").replace(b"%", b"="))
    return text.decode("utf-8", "replace")


def read_query(query: str) -> dict[str, str]:
    """`DateSent>=2026-11-01` arrives as the name `DateSent>`."""
    return dict(parse_qsl(query))


def segments(text: str) -> int:
    """How many parts Twilio would bill: 160/153 in the GSM alphabet, else 70/67 UTF-16 units."""
    if _ONLY_BASIC.fullmatch(text):
        return _parts(len(text), 160, 153)
    if _ONLY_GSM.fullmatch(text):
        return _parts(len(text) + sum(text.count(character) for character in _GSM_EXTENDED), 160, 153)
    return _parts(len(text.encode("utf-16-le")) // 2, 70, 67)


def _parts(length: int, alone: int, each: int) -> int:
    return 1 if length <= alone else -(-length // each)


def _date(instant_us: int) -> str:
    return _date_of(instant_us // 1_000_000)


@lru_cache(maxsize=64)
def _date_of(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime('"%a, %d %b %Y %H:%M:%S +0000"') if second else "null"


def message_json(message: Message, sid: str, account: str, form: dict[str, str]) -> str:
    """A message as create, fetch and list show it. Written by hand: the JSON encoder costs more than all the rest."""
    uri = f"/{VERSION}/Accounts/{account}/Messages/{sid}"
    service, sender, body = form.get("MessagingServiceSid"), form.get("From"), form.get("Body", "")
    return (
        f'{{"account_sid": "{account}", "api_version": "{VERSION}", "body": {quoted(body)}, '
        f'"date_created": {_date(message.created_us)}, "date_sent": {_date(message.sent_us)}, '
        f'"date_updated": {_date(message.updated_us)}, "direction": "outbound-api", '
        f'"error_code": {message.error or "null"}, "error_message": null, '
        f'"from": {quoted(sender) if sender else "null"}, '
        f'"messaging_service_sid": {quoted(service) if service else "null"}, "num_media": "0", '
        f'"num_segments": "{0 if service and message.status == "accepted" else segments(body)}", '
        f'"price": null, "price_unit": "USD", "sid": "{sid}", "status": "{message.status}", '
        f'"subresource_uris": {{"media": "{uri}/Media.json"}}, "to": {quoted(message.to)}, "uri": "{uri}.json"}}'
    )
