"""No number, name, text or credential of a message survives in the wire log, however a provider spells it."""

from __future__ import annotations

import base64
import json
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.delivery import wirelog
from dispatcher.delivery.redact import Redaction, Redactor
from dispatcher.spi import HttpResponse, OutboundMessage, Private, Template
from dispatcher.spi.tap import Exchange

TO = "+6281234567890"
NAME = "Siti Aminah"
TEXT = f"Yth. {NAME}, gunakan hak pilih Anda di TPS 07, Rabu pukul 09.00 WIB."
SECRET = "k3y/of+the=house"
REF = "1882742614658787.2"
HOOK = f"https://pesan.example/hooks/kota?m={REF}.a1b2c3d4e5"
TEMPLATE = Template("HX1", "id", {"1": NAME, "2": "Balai RW 007"})
DECLARED = Private(numbers=("To", "msisdn"), texts=("Body", "ContentVariables"), secrets=("X-Merpati",))
MASKED = "+62812****890"
WAMID = "wamid." + base64.b64encode(b"\x1c\x18" + TO[1:].encode() + b"\x15\x02").decode()


def message(**changes: Any) -> OutboundMessage:
    return OutboundMessage(**{"ref": REF, "to": TO, "text": TEXT, "callback_url": HOOK, **changes})


def redaction(private: Private = DECLARED, **changes: Any) -> Redaction:
    return Redaction(Redactor(private, (SECRET,)), message(**changes))


def holds_nothing(kept: object, *private: str) -> None:
    shown = kept if isinstance(kept, str) else json.dumps(kept, ensure_ascii=False)
    for one in (TO[1:], TO[3:], TEXT, NAME, SECRET, *private):
        for spelled in (one, quote(one, safe=""), quote_plus(one), escape(one), json.dumps(one)[1:-1]):
            assert spelled not in shown


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("To", TO, MASKED),
        ("to", f"whatsapp:{TO}", MASKED),
        ("TO", "081298765432", "0812****432"),
        ("msisdn", 6281298765432, "62812****432"),
        ("msisdn", "12345", "****"),
        ("Body", TEXT, f"[text, {len(TEXT)} characters]"),
        ("content_variables", '{"1": "Siti"}', "[text, 13 characters]"),
        ("Authorization", "Basic eDp5", "[secret]"),
        ("x-merpati", "abc", "[secret]"),
        ("hub.verify_token", "abc", "[secret]"),
        ("Set-Cookie", "a=b", "[secret]"),
        ("credentials", {"user": "u", "key": ["k"]}, "[secret]"),
        ("body", {"text": "Halo", "n": None}, {"text": "[text, 4 characters]", "n": None}),
    ],
)
def test_declared_keys_whatever_their_case(key: str, value: Any, kept: Any) -> None:
    assert redaction().tree({key: value}) == {key: kept}


@pytest.mark.parametrize(
    "said",
    [
        TO, TO[1:], "0" + TO[3:], TO[3:], "0812-3456-7890", "(+62) 812 3456 7890", "0812.3456.7890", "008" + TO[3:],
        f"whatsapp:{TO}", quote(TO), f"x{TO[1:]}y", f"The 'To' number {TO} is not valid.", f"tel:{TO};ext=1",
        "+62 812 98765432", "62812-9876-5432 / 0813 1111 2222", WAMID,
        TO.encode().hex(), f"/v1/{TO[1:]}/send", json.dumps({"x": {"y": [int(TO[1:])]}}),
    ],
)  # fmt: skip
def test_what_looks_like_a_number_under_any_key(said: str) -> None:
    kept = redaction(Private()).words(said)
    holds_nothing(kept, "9876", "1111")
    assert redaction(Private()).tree({said: [said]}) == {kept: [kept]}


@pytest.mark.parametrize(
    "said",
    [
        TEXT,
        TEXT.upper(),
        f"refused: {TEXT}",
        f"not allowed: '{TEXT[20:50]}'",
        escape(f"<b>{TEXT}</b> & more"),
        quote(TEXT),
        quote_plus(TEXT),
        json.dumps(TEXT),
        NAME.upper(),
        f"{{1}} may not be {NAME}",
        f"key {SECRET} is unknown",
        quote(SECRET, safe=""),
        "Basic " + base64.b64encode(f"user:{SECRET}".encode()).decode(),
        HOOK,
        f"cannot reach {HOOK}!",
        "a1b2c3d4e5",
        TEXT.replace(" ", "\n")[25:60],
        '{"half": "' + json.dumps(TEXT)[1:-1],
    ],
)
def test_texts_names_and_credentials_under_any_key(said: str) -> None:
    for kept in (
        redaction(Private()).words(said),
        redaction(Private(), text=None, template=Template("HX1", "id", {"1": NAME, "2": TEXT})).words(said),
    ):
        holds_nothing(kept, SECRET, "hak pilih", f"{REF}.a1b2c3d4e5")


@pytest.mark.parametrize(
    "said",
    [
        REF, REF.partition(".")[0], "21211", "SM00000000000000018327461902837465", "2026-11-30T01:04:54Z", "2026-11-30",
        "Mon, 30 Nov 2026 01:04:54 GMT", "Invalid 'To' Phone Number", "0b6e-11", "application/json",
        "wamid.HBgLMTY0Ng==", "00000000-0000-4000-8000-00805f9b34fb",
    ],
)  # fmt: skip
def test_what_explains_a_refusal_stays_readable(said: str) -> None:
    assert redaction().words(said) == said


def test_short_words_are_found_where_they_stand_alone() -> None:
    short = redaction(Private(), text=None, template=Template("t", "id", {"1": "Ani", "2": "5"}))
    assert short.tree({"a": "Ani", "b": 5, "c": "5 of them", "d": "Aniaya"}) == {
        "a": "[text, 3 characters]", "b": "[text, 1 characters]", "c": "5 of them", "d": "Aniaya",
    }  # fmt: skip


def record(exchange: Exchange, **changes: Any) -> dict[str, Any]:
    (found,) = wirelog.read(wirelog.write([exchange], redaction(**changes), 5_000_000, 3.0))
    return found


def test_a_whole_exchange() -> None:
    answer = HttpResponse(
        400, {"content-type": "application/json", "set-cookie": "s=1"}, b'{"code": 21211, "to": "+6281234567890"}'
    )
    form = urlencode({"To": TO, "Body": TEXT, "From": "PEMDA", "StatusCallback": HOOK}).encode()
    headers = {"Authorization": f"Bearer {SECRET}", "content-type": "application/x-www-form-urlencoded"}
    url = f"https://user:pw@api.example:8443/v1/{TO[1:]}/send?key={SECRET}&x=1"
    exchange = Exchange("POST", url, headers, body=form, answer=answer, began_s=1.0, ended_s=1.5)
    assert record(exchange) == {
        "at_us": 3_000_000, "ms": 500, "method": "POST", "host": "api.example:8443", "path": f"/v1/{MASKED}/send",
        "query": {"key": "[secret]", "x": "1"},
        "headers": {"Authorization": "[secret]", "content-type": "application/x-www-form-urlencoded"},
        "request": {"To": MASKED, "Body": f"[text, {len(TEXT)} characters]", "From": "PEMDA",
                    "StatusCallback": "[our address]"},
        "status": 400, "answer_headers": {"content-type": "application/json", "set-cookie": "[secret]"},
        "answer": {"code": 21211, "to": MASKED},
    }  # fmt: skip


def test_what_came_back_may_be_nothing() -> None:
    lost = record(Exchange("GET", "http://a/b", failure="the request may have left (ReadError)", began_s=1, ended_s=2))
    assert (lost["failure"], "status" in lost) == ("the request may have left (ReadError)", False)
    assert "no answer" in record(Exchange("GET", "http://a/b", began_s=1))["failure"]


@pytest.mark.parametrize(
    "size", [wirelog.MOST_BYTES + 1, wirelog.MOST_READ_BYTES, wirelog.MOST_READ_BYTES + 1, 1_000_000]
)
@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_bodies_are_bounded_after_they_were_redacted(size: int, kind: str) -> None:
    """A text that the bound cuts in half would not be known again."""
    said = (f"{TEXT} {TO} " * (size // 60)).encode()[:size]
    body = said if kind == "text/html" else json.dumps({"x": "é" * (size // 4), "body": TEXT}).encode()
    kept = record(
        Exchange("POST", "http://a/b", body=body, answer=HttpResponse(500, {"content-type": kind}, body), ended_s=1)
    )
    holds_nothing(kept)
    assert len(json.dumps(kept, ensure_ascii=False).encode()) < 2 * wirelog.MOST_BYTES + 1000


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe\x00",
        b"[" * 10_000,
        b'{"a": NaN, "b": 1e999}',
        b'"\\ud800"',
        b'["\\ud800"]',
        b"",
        b"\x1b[2J",
        *(b"[" * depth + b"]" * depth for depth in (300, 450, 900)),
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: f"{len(body)}-bytes",
)
def test_any_answer_can_be_kept_and_shown(body: bytes) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
        kept = record(Exchange("POST", "http://a/b", answer=HttpResponse(200, {"content-type": kind}, body), ended_s=1))
        call = wirelog.call(f"POST https://a/hooks/b\n\n{body.decode('latin-1')}", redaction())
        for shown in (kept, call):
            json.dumps(shown, ensure_ascii=False, allow_nan=False).encode()


numbers = st.integers(10**8, 10**11 - 1).map(lambda n: f"+628{n}")
names = st.text(st.characters(categories=("L", "Zs")), min_size=4, max_size=30).filter(
    lambda s: len(s.strip()) >= 4 and s == s.strip()
)
around = st.text(max_size=20)


@given(to=numbers, name=names, before=around, after=around, form=st.sampled_from(["json", "form", "text", "nested"]))
def test_whatever_surrounds_them(to: str, name: str, before: str, after: str, form: str) -> None:
    sent = OutboundMessage(ref="7.1", to=to, template=Template("t", "id", {"1": name}))
    said = f"{before} {to} {name} {after}"
    body = {
        "json": json.dumps({"a": [said], said: 1}),
        "form": urlencode({"a": said}),
        "text": said,
        "nested": json.dumps({"a": json.dumps({"b": said})}),
    }[form].encode("utf-8", "replace")
    kinds = {"form": "application/x-www-form-urlencoded", "text": "text/plain"}
    answer = HttpResponse(400, {"content-type": kinds.get(form, "application/json")}, body)
    exchange = Exchange("POST", "http://a/b", answer=answer, ended_s=1.0)
    kept = wirelog.write([exchange], Redaction(Redactor(Private()), sent), 0, 1.0)
    shown = json.dumps(json.loads(kept)[0].get("answer"), ensure_ascii=False)
    assert to[1:] not in shown
    assert to[3:] not in shown
    assert name not in shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (f"GET https://a.example/x/hooks/kota/the-secret?to={quote(TO)}\n\n", {"to": MASKED}),
        (f'POST https://a.example/hooks/kota\n\n{{"to": "{TO}", "who": ["{NAME}"]}}', {"to": MASKED}),
        (f"deliver_sm 0000{TO[1:].encode().hex()}00", "[encoded, 32 characters]"),
    ],
)
def test_a_call_of_the_provider(raw: str, shown: Any) -> None:
    call = wirelog.call(raw, redaction())
    holds_nothing(call, "the-secret")
    found = call.get("query", call.get("body"))
    assert found == shown or found["to"] == shown["to"]
    assert call.get("path", "/hooks/kota").endswith("/hooks/kota")
