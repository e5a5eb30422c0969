"""The door itself: what it answers to whom, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from sqlalchemy import update

from dispatcher.core.status import Status
from dispatcher.receipts.fold import make_ref
from dispatcher.store.tables import inbound, receipts, senders, suppressions
from dispatcher.testing.carrier.faces.twilio_hooks import signature
from dispatcher.web.body import MAX_BODY
from dispatcher.web.server import WebThread
from tests.integration.web.stage import PUBLIC_URL, SETTINGS, TOKEN, Provider, Stage, connect, signed


def test_a_receipt_is_committed_before_the_answer(stage: Stage) -> None:
    """Invariant 7."""
    message = stage.message(Status.ACCEPTED)
    with stage.web() as provider:
        assert provider.status(message, "sent") == 204
        assert stage.status(message) is Status.SENT
        assert provider.status(message, "delivered") == 204
        assert stage.status(message) is Status.DELIVERED
    row = stage.rows(receipts)[0]
    raw = stage.context.keys.sealer.open("receipts.raw", row.id, row.raw_sealed)
    assert raw.startswith(f"POST https://pesan.example/hooks/sms?m={make_ref(message, 1)}\n\nMessageSid=SM1&")


@pytest.mark.parametrize("kept", ["", "/dispatcher"], ids=["taken off", "kept"])
def test_a_public_url_with_a_path_behind_a_proxy(stage: Stage, kept: str) -> None:
    """The signature covers the public URL, whether the proxy takes its path off or not."""
    message = stage.message(Status.ACCEPTED)
    public = f"{PUBLIC_URL}/dispatcher"
    path = f"/hooks/sms?m={make_ref(message, 1)}"
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": signature(TOKEN, public + path, form),
    }
    with WebThread(lambda: connect(stage.url, public_url=public)) as thread:
        provider = Provider(thread.url)
        assert provider.ask("POST", kept + path, urlencode(form).encode(), headers)[0] == 204
        assert provider.ask("GET", f"{kept}/healthz")[0] == 200
        assert provider.ask("GET", "/dispatchers/healthz")[0] == 404
    assert stage.status(message) is Status.DELIVERED


def test_an_answer_by_a_person(stage: Stage) -> None:
    person = stage.person()
    stage.message(Status.DELIVERED, person, sender="wa")
    form = {"MessageSid": "SM9", "SmsStatus": "received", "From": f"whatsapp:{person.number}", "Body": "HADIR"}
    with stage.web() as provider:
        assert provider.post("/hooks/wa", form) == 204
        assert provider.post("/hooks/wa", form) == 204
    assert stage.answers == [(person.id, "hadir")]
    assert len(stage.rows(inbound)) == 1


def test_only_the_provider_is_heard(stage: Stage) -> None:
    message = stage.message(Status.ACCEPTED)
    path = f"/hooks/sms?m={make_ref(message, 1)}"
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    with stage.web() as provider:
        assert provider.post(path, form, "another-token") == 403
        assert (
            provider.ask("POST", path, urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})[
                0
            ]
            == 403
        )
        headers = signed(path, form)
        assert provider.ask("POST", path + "0", urlencode(form).encode(), headers)[0] == 403
        assert provider.ask("POST", path, urlencode({**form, "MessageStatus": "failed"}).encode(), headers)[0] == 403
    assert (stage.events, stage.status(message)) == ([], Status.ACCEPTED)


def test_what_cannot_be_read_is_a_bad_request(stage: Stage) -> None:
    with stage.web() as provider:
        form = {"MessageSid": "SM1", "MessageStatus": "sent"}
        json = signed("/hooks/sms", form) | {"Content-Type": "application/json"}
        assert provider.ask("POST", "/hooks/sms", b'{"a": 1}', json)[0] == 400
        assert provider.ask("POST", "/hooks/sms", b"\xff\xfe%", signed("/hooks/sms", form))[0] == 400
        assert provider.post("/hooks/sms", {"MessageStatus": "sent"}) == 400
        assert provider.ask("POST", "/hooks/broken", b"unreadable")[0] == 400
        assert provider.ask("POST", "/hooks/broken", b"verify")[0] == 400
    assert stage.events == []


def test_a_call_that_the_adapter_fails_on_is_kept(stage: Stage) -> None:
    with stage.web() as provider:
        assert provider.ask("POST", "/hooks/broken", b"crash")[0] == 204
        assert 'dispatcher_unparsed_hooks_total{channel="broken"}' in provider.ask("GET", "/metrics")[2].decode()
    row = stage.rows(receipts)[0]
    assert row.state == "unparsed"
    assert stage.context.keys.sealer.open("receipts.raw", row.id, row.raw_sealed).endswith("\n\ncrash")


def test_an_adapter_may_answer_in_its_providers_way(stage: Stage) -> None:
    with stage.web() as provider:
        status, headers, body = provider.ask("GET", "/hooks/broken?hub.challenge=12345", b"reply")
    assert (status, headers["content-type"], body) == (200, "text/plain", b"12345")


def test_unknown_words_and_messages_are_no_errors(stage: Stage) -> None:
    message = stage.message(Status.ACCEPTED)
    with stage.web() as provider:
        assert provider.status(message, "vanished") == 204
        assert provider.status(message, "undelivered", ErrorCode="99999") == 204
        assert provider.status(123, "delivered") == 204
        assert "dispatcher_unmapped_words_total" in provider.ask("GET", "/metrics")[2].decode()
    assert stage.events == [("unparsed", ""), ("folded", "failed"), ("unparsed", ""), ("parked", "delivered")]


def test_who_is_no_sender_gets_nothing(stage: Stage) -> None:
    with stage.web() as provider:
        for path in ("/hooks/nobody", "/hooks/", "/hooks/nobody/sms", "/hooks/" + "x" * 500, "/hooks/%00"):
            assert provider.ask("POST", path, b"a=b")[0] == 404
        assert provider.ask("PUT", "/hooks/sms", b"a=b")[0] == 405
        assert provider.ask("GET", "/hooks/sms")[0] == 403
        assert provider.ask("GET", "/hooks/sms/more")[0] == 403


def test_a_removed_sender_goes_on_listening(stage: Stage) -> None:
    """Invariant 15: another sender of the channel still has the account's credentials."""
    message = stage.message(Status.ACCEPTED)
    remaining = {"senders": {name: value for name, value in SETTINGS["senders"].items() if name != "sms"}}
    with stage.context.database.begin() as connection:
        connection.execute(update(senders).where(senders.c.name == "sms").values(removed=True))
    with stage.web(remaining) as provider:
        assert provider.status(message, "delivered") == 204
        assert provider.post("/hooks/sms", {"MessageSid": "SM2", "MessageStatus": "sent"}, "wrong") == 403
    assert stage.status(message) is Status.DELIVERED


def test_a_sender_without_credentials_asks_to_call_again(stage: Stage) -> None:
    settings = {"senders": {"sms": {"channel": "twilio-sms", "account_sid": "${NOT_SET}", "auth_token": "${NOT_SET}"}}}
    with stage.web(settings) as provider:
        status, headers, _ = provider.ask("POST", "/hooks/sms", b"a=b")
    assert (status, headers["retry-after"]) == (503, "2")


def test_a_sender_that_was_never_used_is_known_at_once(stage: Stage) -> None:
    settings = {"senders": {"fresh": {"channel": "simulator"}}}
    with stage.web(settings) as provider:
        assert provider.post("/hooks/fresh", {"MessageSid": "SM1", "MessageStatus": "sent"}) == 204


def test_where_nothing_is_signed_our_own_mac_vouches_for_one_attempt(stage: Stage) -> None:
    message, other = stage.message(sender="gateway"), stage.message(sender="gateway")
    ref = make_ref(message, 1)
    mac = stage.context.keys.mac("hook", ref)
    with stage.web() as provider:
        for m in (ref, f"{ref}.", f"{ref}.{'0' * 16}", f"{make_ref(other, 1)}.{mac}", "", "x"):
            assert provider.ask("GET", f"/hooks/gateway?status=sent&m={m}")[0] == 403
            assert provider.ask("POST", f"/hooks/gateway?status=sent&m={m}")[0] == 403
        # a body that speaks of another message is heard for this one only
        path = f"/hooks/gateway?status=delivered&m={ref}.{mac}&about={make_ref(other, 1)}"
        assert provider.ask("POST", path)[0] == 204
    assert (stage.status(message), stage.status(other)) == (Status.DELIVERED, Status.SENDING)


def test_a_poisonous_call_fails_alone(stage: Stage) -> None:
    """What the database refuses is kept unparsed; whoever shared the transaction is answered after a commit."""
    ids = [stage.message(Status.ACCEPTED) for _ in range(12)]

    async def all_at_once(provider: Provider) -> list[Any]:
        bad = asyncio.to_thread(provider.ask, "POST", f"/hooks/broken?m={make_ref(ids[0], 1)}", b"poison")
        good, answer = await asyncio.gather(provider.status_at_once(ids, "delivered"), bad)
        return [*good, answer[0]]

    with stage.web() as provider:
        assert asyncio.run(all_at_once(provider)) == [204] * 13
    assert {stage.status(i) for i in ids} == {Status.DELIVERED}
    assert sorted(state for state, _ in stage.events) == ["folded"] * 12 + ["unparsed"]


def test_bodies_are_bounded(stage: Stage) -> None:
    with stage.web() as provider:
        form = {"Body": "x" * MAX_BODY, "MessageSid": "SM1"}
        assert provider.post("/hooks/sms", form) == 413
        chunked = b"POST /hooks/sms HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks = b"".join(b"10000\r\n" + b"x" * 0x10000 + b"\r\n" for _ in range(20))
        assert spoken(provider, chunked + chunks + b"0\r\n\r\n").startswith(b"HTTP/1.1 413")
        lie = b"POST /hooks/sms HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n"
        assert spoken(provider, lie % b"99999999").startswith(b"HTTP/1.1 413")
        assert b"HTTP/1.1 400" in spoken(provider, lie % b"-5")
        assert b"HTTP/1.1 400" in spoken(provider, lie % b"2" + b"a=bcd not http\r\n\r\n")
        assert provider.ask("GET", "/healthz")[0] == 200
    assert stage.events == []


def spoken(provider: Provider, request: bytes) -> bytes:
    """What is answered to these bytes, up to the end or a moment of silence."""
    address = urlsplit(provider.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=20) as connection:
        received = b""
        try:
            connection.sendall(request)
            while part := connection.recv(65536):
                received += part
                if b"\r\n\r\n" in received and b" 400 " not in received[:20] and b" 403 " not in received[:20]:
                    break
        except ConnectionError:
            pass
        return received


def test_a_stop_is_in_force_when_it_is_answered(stage: Stage) -> None:
    person = stage.person()
    waiting = stage.message(Status.QUEUED, person)
    with stage.web() as provider:
        form = {"MessageSid": "SM7", "From": person.number, "Body": "BERHENTI", "OptOutType": "STOP"}
        assert provider.post("/hooks/sms", form) == 204
        assert stage.status(waiting) is Status.CANCELLED
    assert len(stage.rows(suppressions)) == 1


def test_health_readiness_metrics_and_nothing_else(stage: Stage) -> None:
    with stage.web() as provider:
        assert provider.ask("GET", "/healthz")[2] == b"ok\n"
        assert provider.ask("GET", "/readyz")[2] == b"ready\n"
        provider.status(stage.message(Status.ACCEPTED), "sent")
        counted = provider.ask("GET", "/metrics")[2].decode()
        assert 'dispatcher_hooks_total{sender="sms",status="204"}' in counted
        assert "+62" not in counted
        status, headers, page = provider.ask("GET", "/anything?To=%2B62812")
        assert (status, headers["x-content-type-options"], headers["referrer-policy"]) == (
            404,
            "nosniff",
            "no-referrer",
        )
        assert "default-src 'none'" in headers["content-security-policy"]
        assert len(page) < 500
        assert "server" not in headers
