"""The trade of webhooks: forms, signatures, and what may be told of a call that says something new."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Literal
from urllib.parse import unquote

from dispatcher.core.status import Status
from dispatcher.spi.codes import ErrorTable
from dispatcher.spi.http import FORM
from dispatcher.spi.messages import HookAnswer, HookRequest

MAX_FORM_BYTES: Final = 64 * 1024
MAX_FORM_FIELDS: Final = 500
_URL: Final = re.compile(r"(https?)://([^/?#:]+)(:\d+)?([/?#].*)?", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")

OPT_OUT: Final[dict[str, Literal["stop", "start", "help"]]] = {"STOP": "stop", "START": "start", "HELP": "help"}
"""For `Inbound.opt_out`, where the provider tells of the keywords that it acted on."""

Record = dict[str, Any]
Fields = Mapping[str, Sequence[str]]
"""A form: a name may come more than once."""


def is_form(request: HookRequest) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


def read_form(request: HookRequest) -> Fields:
    """The fields of the body, none where the call is a GET. ValueError for anything but a form of sensible size."""
    if request.method == "GET":
        return {}
    if len(request.body) > MAX_FORM_BYTES:
        raise ValueError("the body is larger than a form of a provider ever is")
    if not is_form(request):
        raise ValueError("the body is not a form")
    return _fields(request.body)


@lru_cache(maxsize=1)
def _fields(body: bytes) -> Fields:
    """`verify` and `parse` read the same body one after the other. As `parse_qs` reads it, in a third of the time."""
    fields: dict[str, list[str]] = {}
    pairs = body.decode("utf-8").split("&")
    if len(pairs) > MAX_FORM_FIELDS:
        raise ValueError("the form has more fields than a provider ever sends")
    for pair in filter(None, pairs):
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = _plain(name), _plain(value)
        fields.setdefault(name, []).append(value)
    return fields


def _plain(text: str) -> str:
    text = text.replace("+", " ").replace("%2B", "+")  # what most of them have: every number begins with it
    return unquote(text, errors="strict") if "%" in text else text


def keyed_digest(key: bytes, data: bytes, algorithm: str) -> bytes:
    """HMAC (RFC 2104). `algorithm`: as hashlib spells it."""
    mac = _keyed(key, algorithm).copy()
    mac.update(data)
    return mac.digest()


@lru_cache(maxsize=16)
def _keyed(key: bytes, algorithm: str) -> hmac.HMAC:
    """To be copied: making one anew costs more than all else of a short signature."""
    return hmac.new(key, digestmod=algorithm)


def is_same(given: str, wanted: bytes) -> bool:
    """Of a header or a parameter, in constant time, and whatever anyone put there."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted)


def with_and_without_port(url: str) -> tuple[str, ...]:
    """The URL as it is configured, then with the scheme's own port added or its port left out.

    Providers sign either. ValueError where it is none.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("the public URL is not a URL")
    scheme, host, port, rest = match.groups(default="")
    if port:
        return url, f"{scheme}://{host}{rest}"
    return url, f"{scheme}://{host}:{443 if scheme == 'https' else 80}{rest}"


def object_at(record: Record, name: str) -> Record:
    """The object of this name, `{}` where there is none."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def objects_at(record: Record, name: str) -> list[Record]:
    """The objects in the list of this name; whatever else is there is left out."""
    values = record.get(name)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def unix_us(seconds: object) -> int | None:
    """Microseconds since 1970 of whole seconds, as a number or as text; None for anything else."""
    text = str(seconds)
    return int(text) * 1_000_000 if text.isdecimal() and len(text) <= 11 else None


def unmapped(name: str, word: str) -> HookAnswer:
    """A word or a code that the adapter does not know. It is logged: only what looks like a provider's word passes."""
    return HookAnswer(unmapped=(_shown(name, word),))


def _shown(name: str, word: str) -> str:
    return f"{name} {word}" if _WORD.fullmatch(word) else f"{name} (unreadable)"


def told_of(
    statuses: Mapping[str, Status],
    errors: ErrorTable,
    word: str,
    ref: str,
    provider_id: str,
    code: str = "",
    occurred_us: int | None = None,
    names: tuple[str, str] = ("status", "code"),
) -> HookAnswer:
    """The receipt that a status word and a code make. `names`: what the provider calls the two, for diagnostics."""
    status = statuses.get(word)
    if status is None:
        return unmapped(names[0], word)
    receipt = errors.receipt(status, ref, provider_id, code, occurred_us)
    return HookAnswer((receipt,), unmapped=(_shown(names[1], code),) if code and code not in errors else ())


def joined(answers: Iterable[HookAnswer]) -> HookAnswer:
    """One answer for a call that holds several things. Replies are left out: there can be but one."""
    found = list(answers)
    return HookAnswer(
        tuple(receipt for answer in found for receipt in answer.receipts),
        tuple(message for answer in found for message in answer.inbound),
        unmapped=tuple(word for answer in found for word in answer.unmapped),
    )
