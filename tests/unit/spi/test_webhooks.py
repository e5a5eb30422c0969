from __future__ import annotations

import hashlib
import hmac

import pytest

from dispatcher.spi import ErrorTable, HookAnswer, HookRequest, Inbound, Reason, Receipt, Status, webhooks

ERRORS = ErrorTable.of(
    {
        "7": {"class": "rejected", "reason": "blocked", "also": ["8"], "en": "No."},
        "9": {"class": "opted_out", "reason": "opted_out"},
    },
    "errors.toml",
)
STATUSES = {"sampai": Status.DELIVERED, "gagal": Status.FAILED}


def call(body: bytes, kind: str = "application/x-www-form-urlencoded", method: str = "POST") -> HookRequest:
    return HookRequest(method, "https://example.org/hooks/a", {"content-type": kind}, body, {})


def test_a_form_may_repeat_a_name_and_a_get_has_none() -> None:
    assert webhooks.read_form(call(b"a=1&b=&a=x%2By+z")) == {"a": ["1", "x+y z"], "b": [""]}
    assert webhooks.read_form(call(b"a=1", method="GET")) == {}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (call(b"{}", "application/json"), "not a form"),
        (call(b"a=" + b"x" * webhooks.MAX_FORM_BYTES), "larger"),
        (call(b"a=b&" * (webhooks.MAX_FORM_FIELDS + 1)), "more fields"),
        (call(b"a=%ff"), "utf-8"),
    ],
)
def test_what_is_no_form_of_sensible_size_is_refused(request_: HookRequest, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        webhooks.read_form(request_)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_digests_are_hmacs_also_the_second_time(algorithm: str) -> None:
    for data in (b"a", b"b"):
        wanted = hmac.new(b"key", data, getattr(hashlib, algorithm)).digest()
        assert webhooks.keyed_digest(b"key", data, algorithm) == wanted


@pytest.mark.parametrize(
    ("given", "is_same"), [("abc", True), ("abd", False), ("", False), ("é", False), ("\ud800", False)]
)
def test_whatever_is_given_as_a_signature_is_compared(given: str, is_same: bool) -> None:
    assert webhooks.is_same(given, b"abc") == is_same


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("https://a.example/x?m=1", "https://a.example:443/x?m=1"),
        ("http://a.example/x", "http://a.example:80/x"),
        ("https://a.example:8443/x", "https://a.example/x"),
        ("https://a.example", "https://a.example:443"),
    ],
)
def test_a_url_is_told_with_and_without_its_port(url: str, other: str) -> None:
    assert webhooks.with_and_without_port(url) == (url, other)


def test_what_is_no_url_has_no_port() -> None:
    with pytest.raises(ValueError, match="not a URL"):
        webhooks.with_and_without_port("hooks/a")


@pytest.mark.parametrize(
    ("word", "code", "expected"),
    [
        ("sampai", "", HookAnswer((Receipt(Status.DELIVERED, "7.1", "m", occurred_us=5),))),
        ("gagal", "8", HookAnswer((Receipt(Status.FAILED, "7.1", "m", Reason.BLOCKED, "8", 5),))),
        ("gagal", "9", HookAnswer((Receipt(Status.FAILED, "7.1", "m", Reason.OPTED_OUT, "9", 5, suppress=True),))),
        ("gagal", "", HookAnswer((Receipt(Status.FAILED, "7.1", "m", Reason.OTHER, "", 5),))),
        (
            "gagal",
            "E-1",
            HookAnswer((Receipt(Status.FAILED, "7.1", "m", Reason.OTHER, "E-1", 5),), unmapped=("kode E-1",)),
        ),
        ("hilang", "7", HookAnswer(unmapped=("kata hilang",))),
        ("+62 812", "", HookAnswer(unmapped=("kata (unreadable)",))),
    ],
)
def test_a_word_and_a_code_make_a_receipt(word: str, code: str, expected: HookAnswer) -> None:
    assert webhooks.told_of(STATUSES, ERRORS, word, "7.1", "m", code, 5, names=("kata", "kode")) == expected


def test_several_answers_are_one() -> None:
    receipt, message = Receipt(Status.SENT), Inbound("m", "+6281234567890", "Ya")
    parts = (HookAnswer((receipt,)), HookAnswer(inbound=(message,)), webhooks.unmapped("status", "x"))
    assert webhooks.joined(parts) == HookAnswer((receipt,), (message,), unmapped=("status x",))


def test_records_of_any_shape_are_looked_into() -> None:
    record = {"a": [{"b": 1}, 2, None], "c": {"d": 1}, "e": 7}
    assert webhooks.objects_at(record, "a") == [{"b": 1}]
    assert webhooks.objects_at(record, "e") == webhooks.objects_at(record, "none") == []
    assert webhooks.object_at(record, "c") == {"d": 1}
    assert webhooks.object_at(record, "e") == webhooks.object_at(record, "a") == {}


@pytest.mark.parametrize(
    ("seconds", "us"),
    [("1764000000", 1_764_000_000_000_000), (5, 5_000_000), ("-1", None), (None, None), ("9" * 12, None)],
)
def test_seconds_are_read_as_microseconds(seconds: object, us: int | None) -> None:
    assert webhooks.unix_us(seconds) == us
