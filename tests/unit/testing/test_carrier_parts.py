"""The carrier's small parts: HTTP, the ring of messages, forms, segments, sliding seconds."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.testing.carrier.faces.twilio_words import message_json, read_form, segments
from dispatcher.testing.carrier.http1 import MAX_BODY, MAX_HEAD, HttpError, parse
from dispatcher.testing.carrier.ledger import max_in_a_second
from dispatcher.testing.carrier.messages import Message, Messages

HEAD = b"POST /x HTTP/1.1\r\nHost: here\r\nauthorization: Basic AbC=\r\n"


def test_a_sized_request_is_read_whole_and_what_follows_is_left() -> None:
    data = HEAD + b"Content-Length: 5\r\n\r\nhelloGET"
    for cut in range(len(data) - 3):
        assert parse(data[:cut]) is None
    request, end = parse(data) or pytest.fail("incomplete")
    assert (request.method, request.target, request.body) == (b"POST", b"/x", b"hello")
    assert (request.authorization, request.close, data[end:]) == (b"Basic AbC=", False, b"GET")


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5), st.booleans())
def test_chunked_bodies(chunks: list[bytes], trailer: bool) -> None:
    body = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    end = b"0\r\nTrailer: x\r\n\r\n" if trailer else b"0\r\n\r\n"
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body + end
    assert parse(data[:-1]) is None
    request, at = parse(data + b"rest") or pytest.fail("incomplete")
    assert request.body == b"".join(chunks)
    assert at == len(data)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * MAX_HEAD + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * MAX_HEAD, 431),
        (HEAD + b"Content-Length: -1\r\n\r\n", 400),
        (HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (MAX_BODY + 1), 413),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, status: int) -> None:
    with pytest.raises(HttpError) as refused:
        parse(data)
    assert refused.value.status == status


@pytest.mark.parametrize("line", [b"POST / HTTP/1.0\r\n", b"POST / HTTP/1.1\r\nConnection: Close\r\n"])
def test_connections_that_end_after_the_answer(line: bytes) -> None:
    request, _ = parse(line + b"\r\n") or pytest.fail("incomplete")
    assert request.close


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1)))
def test_forms_are_read_as_the_standard_library_reads_them(form: dict[str, str]) -> None:
    assert read_form(urlencode(form, errors="replace").encode()) == dict(parse_qsl(urlencode(form, errors="replace")))


@given(st.text(alphabet="ab%=+ 0Fé_\n", min_size=1))
def test_unescaped_and_half_escaped_values_too(value: str) -> None:
    raw = "k=" + value.replace("&", "")
    assert read_form(raw.encode()) == dict(parse_qsl(raw))
    assert read_form(b"k=" + quote_plus(value).encode()) == {"k": value}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("–" * 70, 1),
        ("–" * 71, 2),
        ("😀" * 36, 2),
    ],
)
def test_segments(text: str, parts: int) -> None:
    assert segments(text) == parts


@given(st.text(), st.one_of(st.none(), st.text(min_size=1)), st.booleans())
def test_the_hand_written_json_of_a_message_is_json(body: str, sender: str | None, sent: bool) -> None:
    message = Message(0, -1, "+6286012345678", sender or "MG1", b"", "queued", 1_700_000_000_000_000)
    if sent:
        message.become("failed", "30008", 1_700_000_001_000_000)
    form = {"Body": body} | ({"From": sender} if sender else {"MessagingServiceSid": "MG1"})
    value = json.loads(message_json(message, "SM1", "AC1", form))
    assert (value["body"], value["from"], value["price"]) == (body, sender, None)
    assert (value["error_code"], value["date_sent"] is None) == ((30008, False) if sent else (None, True))


def test_the_ring_keeps_the_newest_and_finds_them_by_recipient() -> None:
    messages = Messages(capacity=4)
    for i in range(10):
        messages.add(f"to{i % 3}", "from", b"", "queued", i)
    assert [message.number for message in messages.newest_first()] == [9, 8, 7, 6]
    assert [message.number for message in messages.newest_first("to0")] == [9, 6]
    assert [message.number for message in messages.newest_first("to1")] == [7]
    assert [message.number for message in messages.newest_first("to0", before=9)] == [6]
    assert list(messages.newest_first("nobody")) == []
    assert messages.get(5) is None
    assert messages.get(10) is None


@given(st.lists(st.sampled_from(["sent", "failed", "undelivered", "delivered", "read"])))
def test_a_status_only_climbs(words: list[str]) -> None:
    message = Message(0, -1, "to", "from", b"", "queued", 0)
    for word in words:
        message.become(word, "30008" if word == "failed" else "", 1)
    if "read" in words:
        assert message.status == "read"
    elif "delivered" in words:
        assert (message.status, message.error) == ("delivered", "")


def test_tries_are_counted_per_recipient() -> None:
    messages = Messages(capacity=2)
    assert [messages.next_try("a"), messages.next_try("a"), messages.next_try("b")] == [0, 1, 0]
    for i in range(10):
        messages.next_try(f"other{i}")
    assert messages.next_try("a") < 2


@given(st.lists(st.integers(0, 5_000_000), max_size=60))
def test_the_most_in_a_sliding_second(times: list[int]) -> None:
    times.sort()
    slow = max((sum(start <= t < start + 1_000_000 for t in times) for start in times), default=0)
    assert max_in_a_second(times) == slow
