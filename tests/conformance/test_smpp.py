from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from dispatcher.spi import (
    Accepted,
    Ambiguous,
    HookAnswer,
    Misconfigured,
    NotSent,
    Outcome,
    Reason,
    Rejected,
    Status,
    Throttled,
    Unsupported,
)
from dispatcher.testing.conformance import ChannelContract
from dispatcher.testing.conformance.base import NUMBER, TEXT, outcome_of, run
from dispatcher_channels.smpp import SmppChannel, SmppConfig
from dispatcher_channels.smpp.deliver import read
from dispatcher_channels.smpp.words import ERRORS, STATES
from tests.conformance import smsc
from tests.conformance.smsc import Smsc, deliver_sm, reply

RECORDINGS = Path(__file__).parents[1] / "recordings" / "smpp"
LONG = "Undangan rapat warga. " * 20


class Smpp:
    def settings(self, url: str) -> dict[str, Any]:
        at = urlsplit(url)
        return {
            "host": at.hostname, "port": at.port, "system_id": "dinas", "password": "pa55word", "from": "KESBANGPOL",
        }  # fmt: skip


class TestSmpp(Smpp, ChannelContract):
    channel = SmppChannel

    def provider(self) -> AbstractAsyncContextManager[Any]:
        return Smsc()


class Heard:
    """Takes what is delivered as the engine does. `kept` False: the database is away."""

    def __init__(self) -> None:
        self.answers: list[HookAnswer] = []
        self.kept = True
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, answer: HookAnswer, raw: str) -> bool:
        await self.gate.wait()
        if self.kept:
            self.answers.append(answer)
        return self.kept


@asynccontextmanager
async def opened(centre: Smsc, **settings: Any) -> AsyncIterator[tuple[SmppChannel, Heard]]:
    config = SmppConfig.model_validate({**Smpp().settings(centre.url), **settings})
    channel, heard = SmppChannel(config, http=None), Heard()  # type: ignore[arg-type]
    channel.attached(heard)
    try:
        yield channel, heard
    finally:
        await channel.close()


def send(*scripts: smsc.Script, text: str = TEXT, **settings: Any) -> tuple[Outcome, Smsc]:
    """One message, and that nothing private was told."""

    async def scenario() -> tuple[Outcome, Smsc]:
        async with Smsc(*scripts) as centre, opened(centre, **settings) as (channel, _):
            contract = TestSmpp()
            return await outcome_of(contract, channel, contract.message(text=text)), centre

    return run(scenario())


def in_time(scenario: Coroutine[Any, Any, None]) -> None:
    run(asyncio.wait_for(scenario, 15))


# Sending


def test_a_message_goes_out_as_the_specification_says() -> None:
    outcome, centre = send()
    assert outcome == Accepted(("id1",), 1)
    (said,) = centre.submits
    assert (said.source_addr, said.source_addr_ton, said.source_addr_npi) == ("KESBANGPOL", 5, 0)
    assert (said.destination_addr, said.dest_addr_ton, said.dest_addr_npi) == (NUMBER[1:], 1, 1)
    assert (said.registered_delivery, said.data_coding, said.esm_class) == (1, 0, 0)
    assert said.short_message == TEXT.encode("ascii")
    assert centre.binds[0][16:] == b"dinas\0pa55word\0\0\x34\0\0\0"


@pytest.mark.parametrize(
    ("sender", "kind"), [("+62811", (1, 1)), ("4321", (0, 1)), ("INFO", (5, 0))], ids=["number", "short code", "name"]
)
def test_the_kind_of_the_source_follows_from_it(sender: str, kind: tuple[int, int]) -> None:
    _, centre = send(**{"from": sender})
    said = centre.submits[0]
    assert (said.source_addr_ton, said.source_addr_npi) == kind
    _, centre = send(**{"from": sender, "from_ton": 3, "from_npi": 8})
    assert (centre.submits[0].source_addr_ton, centre.submits[0].source_addr_npi) == (3, 8)


@pytest.mark.parametrize("text", ["Harga {5} €", "Selamat 😀 pagi"], ids=["extension", "surrogates"])
def test_characters_travel_in_their_alphabet(text: str) -> None:
    _, centre = send(text=text)
    said = centre.submits[0]
    encoded = text.encode("utf-16-be") if said.data_coding == 8 else b"Harga \x1b\x285\x1b\x29 \x1b\x65"
    assert said.short_message == encoded


@pytest.mark.parametrize(("text", "coding", "room"), [(LONG, 0, 153), (LONG + "😀", 8, 134)], ids=["gsm", "ucs2"])
def test_long_texts_go_in_parts_with_one_id_each(text: str, coding: int, room: int) -> None:
    outcome, centre = send(text=text)
    count = len(centre.submits)
    assert outcome == Accepted(tuple(f"id{i}" for i in range(1, count + 1)), count)
    assert {(said.data_coding, said.esm_class) for said in centre.submits} == {(coding, 0x40)}
    heads = [said.short_message[:6] for said in centre.submits]
    assert heads == [bytes((5, 0, 3, heads[0][3], count, i)) for i in range(1, count + 1)]
    bodies = [said.short_message[6:] for said in centre.submits]
    assert max(map(len, bodies)) <= room
    assert b"".join(bodies) == text.encode("utf-16-be" if coding else "ascii")


def test_long_texts_may_go_whole() -> None:
    outcome, centre = send(text=LONG, concatenation="payload")
    (said,) = centre.submits
    assert outcome == Accepted(("id1",), 3)
    assert (said.short_message, said.esm_class) == (b"", 0)
    assert [(tlv.tag, tlv.value) for tlv in said.tlvs] == [(0x0424, LONG.encode())]


def test_a_text_that_is_too_long_or_none_is_unsupported() -> None:
    outcome, centre = send(text="a" * 1601)
    assert isinstance(outcome, Unsupported)
    assert centre.binds == []


@pytest.mark.parametrize("code", [code for code in ERRORS if code.startswith("0x")])
def test_each_refusal_of_the_table_means_its_class(code: str) -> None:
    outcome, _ = send(reply(int(code, 16)))
    assert outcome == ERRORS.outcome(code)


def test_throttling_uses_no_attempt() -> None:
    assert send(reply(0x58))[0] == Throttled(None, "0x58")
    assert send(reply(0x14))[0] == Throttled(None, "0x14")
    assert send(reply(0x58, command=0x80000000))[0] == Throttled(None, "0x58")


def test_a_refusal_nobody_knows_is_one() -> None:
    outcome, _ = send(reply(0x04FF))
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.code) == (Reason.PROVIDER, "0x4FF")


@pytest.mark.parametrize(
    ("refused", "expected"), [(0x58, Ambiguous), (0x0A, Ambiguous), (0x45, Ambiguous), (0x0B, Rejected)]
)
def test_what_is_partly_taken_is_not_sent_again(refused: int, expected: type[Outcome]) -> None:
    outcome, centre = send(reply(), reply(refused), text=LONG)
    assert isinstance(outcome, expected)
    assert len(centre.submits) == 2


def test_the_first_part_that_is_throttled_leaves_nothing_behind() -> None:
    outcome, centre = send(reply(0x58), text=LONG)
    assert outcome == Throttled(None, "0x58")
    assert len(centre.submits) == 1


# The session


def test_a_port_that_refuses_proves_that_nothing_left() -> None:
    async def scenario() -> None:
        async with Smsc() as centre:
            pass
        async with opened(centre) as (channel, _):
            first, second = await channel.send(TestSmpp().message()), await channel.send(TestSmpp().message())
            assert isinstance(first, NotSent)
            assert first.retry_after_s == 1.0
            assert isinstance(second, NotSent)

    in_time(scenario())


@pytest.mark.parametrize(("status", "expected"), [(0x0E, Misconfigured), (0x0F, Misconfigured), (0x05, NotSent)])
def test_a_refused_bind_sends_nothing_and_is_not_tried_for_each_message(status: int, expected: type[Outcome]) -> None:
    async def scenario() -> None:
        async with Smsc() as centre, opened(centre) as (channel, _):
            centre.bind_status = status
            outcomes = await asyncio.gather(*(channel.send(TestSmpp().message(ref=f"{i}.1")) for i in range(20)))
            assert {type(outcome) for outcome in outcomes} == {expected}
            assert (len(centre.binds), centre.submits) == (1, [])

    in_time(scenario())


def test_a_link_dropped_in_mid_window_is_ambiguous_for_what_left_and_opened_again() -> None:
    async def scenario() -> None:
        held = [smsc.hold] * 19
        async with Smsc(reply(), *held, smsc.drop, reply()) as centre, opened(centre, window=20) as (channel, _):
            assert isinstance(await channel.send(TestSmpp().message()), Accepted)
            outcomes = await asyncio.gather(*(channel.send(TestSmpp().message(ref=f"{i}.1")) for i in range(20)))
            assert {type(outcome) for outcome in outcomes} == {Ambiguous}
            assert isinstance(await channel.send(TestSmpp().message()), Accepted)
            assert (len(centre.binds), len(centre.submits)) == (2, 22)

    in_time(scenario())


def test_a_link_that_ends_before_a_message_leaves_proves_it() -> None:
    async def scenario() -> None:
        async with Smsc(smsc.drop) as centre, opened(centre, window=1) as (channel, _):
            first, second = await asyncio.gather(*(channel.send(TestSmpp().message(ref=f"{i}.1")) for i in range(2)))
            assert isinstance(first, Ambiguous)
            assert isinstance(second, NotSent)
            assert len(centre.submits) == 1

    in_time(scenario())


def test_the_window_bounds_what_is_unanswered() -> None:
    async def scenario() -> None:
        async with Smsc(smsc.hold) as centre, opened(centre, window=5) as (channel, _):
            sends = [asyncio.create_task(channel.send(TestSmpp().message(ref=f"{i}.1"))) for i in range(12)]
            for expected in (5, 10, 12):
                await centre.until(lambda: len(centre.submits) == expected)  # noqa: B023
                await asyncio.sleep(0.02)
                assert len(centre.submits) == expected
                centre.release()
            assert {type(await one) for one in sends} == {Accepted}
            assert channel.capabilities.concurrency == 5

    in_time(scenario())


def test_a_cancelled_send_keeps_its_place_until_it_is_answered() -> None:
    async def scenario() -> None:
        async with Smsc(smsc.hold) as centre, opened(centre, window=1) as (channel, _):
            first = asyncio.create_task(channel.send(TestSmpp().message()))
            await centre.until(lambda: len(centre.submits) == 1)
            first.cancel()
            second = asyncio.create_task(channel.send(TestSmpp().message(ref="8.1")))
            await asyncio.sleep(0.02)
            assert len(centre.submits) == 1
            centre.release()
            await centre.until(lambda: len(centre.submits) == 2)
            centre.release()
            assert isinstance(await second, Accepted)

    in_time(scenario())


def test_answers_out_of_order_find_their_message() -> None:
    async def scenario() -> None:
        async with Smsc(smsc.hold) as centre, opened(centre) as (channel, _):
            sends = [asyncio.create_task(channel.send(TestSmpp().message(ref=f"{i}.1"))) for i in range(5)]
            await centre.until(lambda: len(centre.submits) == 5)
            numbers = [said.sequence_number for said in centre.submits]
            centre.release(centre.held[::-1])
            assert [await one for one in sends] == [Accepted((f"late{number}",), 1) for number in numbers]

    in_time(scenario())


@pytest.mark.parametrize(
    "garbage",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(16), b"\xff" * 64, smsc.HEADER.pack(15, 4, 0, 1)],
    ids=["http", "zeros", "ones", "short"],
)
def test_garbage_ends_the_session_and_leaves_the_message_open(garbage: bytes) -> None:
    outcome, _ = send(smsc.say(garbage))
    assert isinstance(outcome, Ambiguous)


def test_pdus_nobody_asked_for_are_answered_and_change_nothing() -> None:
    async def scenario() -> None:
        strange = smsc.encode(0x0103, 0, 77, b"data") + smsc.encode(0x80000004, 0, 9999, b"x\0")
        broken = smsc.encode(smsc.DELIVER, 0, 78, b"\xff" * 5)
        async with Smsc(smsc.also(strange + broken), reply()) as centre, opened(centre) as (channel, heard):
            assert isinstance(await channel.send(TestSmpp().message()), Accepted)
            assert {await centre.answers.get(), await centre.answers.get()} == {
                (0x80000000, 3, 77), (0x80000005, 0, 78),
            }  # fmt: skip
            assert [answer.unmapped for answer in heard.answers] == [("deliver_sm (unreadable)",)]
            assert isinstance(await channel.send(TestSmpp().message()), Accepted)
            assert len(centre.binds) == 1

    in_time(scenario())


def test_the_loop_of_the_workers_will_do() -> None:
    async def scenario() -> None:
        async with Smsc(smsc.also(deliver_sm(b"id:id1 stat:DELIVRD"))) as centre, opened(centre) as (channel, _):
            assert isinstance(await channel.send(TestSmpp().message()), Accepted)
            assert await centre.answers.get() == (0x80000005, 0, 1)

    uvloop.run(asyncio.wait_for(scenario(), 15))


def certificate(folder: Path) -> Path:
    """Of 127.0.0.1, with its key in the same file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "smsc")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "smsc.pem"
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


def test_tls_trusts_only_what_it_is_told_to(tmp_path: Path) -> None:
    async def scenario() -> None:
        path, centre = certificate(tmp_path), Smsc()
        centre.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        centre.tls.load_cert_chain(path)
        async with centre:
            async with opened(centre, tls=True, tls_ca=path) as (channel, _):
                assert isinstance(await channel.send(TestSmpp().message()), Accepted)
            async with opened(centre, tls=True) as (channel, _):
                assert isinstance(await channel.send(TestSmpp().message()), NotSent)
            assert len(centre.binds) == 1

    in_time(scenario())


def test_a_silent_line_is_asked_and_a_dead_one_is_opened_again() -> None:
    async def scenario() -> None:
        async with Smsc(smsc.hold, reply()) as centre, opened(centre, enquire_link_s=0.05) as (channel, _):
            centre.answers_enquiries = False
            assert isinstance(await channel.send(TestSmpp().message()), Ambiguous)
            assert centre.enquiries >= 1
            centre.answers_enquiries = True
            await centre.until(lambda: len(centre.binds) == 2)
            await centre.until(lambda: centre.enquiries >= 6)
            assert len(centre.binds) == 2
            assert isinstance(await channel.send(TestSmpp().message()), Accepted)

    in_time(scenario())


def test_closing_waits_for_no_answer_to_unbind() -> None:
    async def scenario() -> None:
        async with Smsc() as centre:
            centre.answers_unbind = False
            async with opened(centre) as (channel, _):
                await channel.send(TestSmpp().message())
            assert centre.unbinds == 1
            await centre.until(lambda: centre.open == 0)

    in_time(scenario())


def test_an_unbind_of_the_centre_is_answered_and_the_next_send_binds_again() -> None:
    async def scenario() -> None:
        async with Smsc(smsc.also(smsc.encode(smsc.UNBIND, 0, 5)), reply()) as centre, opened(centre) as (channel, _):
            assert isinstance(await channel.send(TestSmpp().message()), Accepted)
            assert await centre.answers.get() == (0x80000006, 0, 5)
            await centre.until(lambda: len(centre.binds) == 2)
            assert isinstance(await channel.send(TestSmpp().message()), Accepted)

    in_time(scenario())


# What is heard


def test_a_receipt_is_confirmed_after_it_is_kept() -> None:
    async def scenario() -> None:
        receipt = deliver_sm(b"id:id1 stat:DELIVRD err:000", sequence=41)
        async with Smsc(smsc.also(receipt)) as centre, opened(centre) as (channel, heard):
            heard.gate.clear()
            await channel.send(TestSmpp().message())
            await asyncio.sleep(0.05)
            assert centre.answers.empty()  # invariant 7
            heard.gate.set()
            assert await centre.answers.get() == (0x80000005, 0, 41)
            assert heard.answers[0].receipts[0].provider_id == "id1"

    in_time(scenario())


def test_a_receipt_that_cannot_be_kept_is_asked_for_again() -> None:
    async def scenario() -> None:
        receipt = deliver_sm(b"id:id1 stat:DELIVRD err:000", sequence=41)
        async with Smsc(smsc.also(receipt)) as centre, opened(centre) as (channel, heard):
            heard.kept = False
            await channel.send(TestSmpp().message())
            assert await centre.answers.get() == (0x80000005, 0x64, 41)
            heard.kept = True
            centre.conversations[0].write(receipt)
            assert await centre.answers.get() == (0x80000005, 0, 41)
            assert len(heard.answers) == 1

    in_time(scenario())


def test_a_flood_of_receipts_is_read_no_faster_than_it_is_kept() -> None:
    async def scenario() -> None:
        flood = b"".join(deliver_sm(b"id:%d stat:DELIVRD" % i, sequence=i) for i in range(1, 2001))
        async with Smsc(smsc.also(flood)) as centre, opened(centre) as (channel, heard):
            await channel.send(TestSmpp().message())
            await centre.until(lambda: centre.answers.qsize() == 2000)
            assert {answer.receipts[0].provider_id for answer in heard.answers} == {str(i) for i in range(1, 2001)}

    in_time(scenario())


def config(**settings: Any) -> SmppConfig:
    return SmppConfig.model_validate({**Smpp().settings("smpp://127.0.0.1:9"), **settings})


def recorded() -> list[Any]:
    return [
        pytest.param(case, id=case["name"])
        for path in sorted(RECORDINGS.glob("*.json"))
        for case in json.loads(path.read_text())
    ]


@pytest.mark.parametrize("case", recorded())
def test_recorded_deliver_sm(case: dict[str, Any]) -> None:
    tlvs = [smsc.smpp34.Tlv(int(tag, 16), bytes.fromhex(value)) for tag, value in case.get("tlvs", {}).items()]
    fields = {"esm_class": case.get("esm_class", 4), "data_coding": case.get("data_coding", 0), "tlvs": tlvs}
    octets = bytes.fromhex(case["hex"]) if "hex" in case else case.get("text", "").encode("latin-1")
    answer = read(deliver_sm(octets, **fields), config(**case.get("settings", {})))
    expected = case["answer"]
    receipts = [
        {name: value for name, value in (
            ("status", one.status.value), ("id", one.provider_id), ("code", one.code),
            ("reason", one.reason.value if one.reason else ""), ("occurred_us", one.occurred_us or 0),
        ) if value}
        for one in answer.receipts
    ]  # fmt: skip
    assert receipts == expected.get("receipts", [])
    assert [{"sender": one.sender, "text": one.text} for one in answer.inbound] == expected.get("inbound", [])
    assert list(answer.unmapped) == expected.get("unmapped", [])


@pytest.mark.parametrize("word", STATES)
def test_every_state_has_a_meaning_by_text_and_by_number(word: str) -> None:
    answer = read(deliver_sm(f"id:7 stat:{word} err:000".encode()), config())
    assert [receipt.status for receipt in answer.receipts] == [STATES[word]]
    if STATES[word] is Status.FAILED:
        assert SmppChannel.explain(answer.receipts[0].code, "id")
        assert SmppChannel.explain(answer.receipts[0].code, "en")


def test_every_code_has_a_sentence_in_both_languages() -> None:
    for code in ERRORS:
        assert ERRORS.explain(code, "id")
        assert ERRORS.explain(code, "en")


@pytest.mark.parametrize(
    ("notation", "answered", "receipt"),
    [("as-is", "0aF", "0aF"), ("decimal", "0000001F", "31"), ("hex", "31", "1f"), ("decimal", "uuid-1", "uuid-1")],
)
def test_ids_match_whatever_their_notation(notation: str, answered: str, receipt: str) -> None:
    outcome, _ = send(reply(message_id=answered), receipt_ids=notation)
    heard = read(deliver_sm(f"id:{receipt} stat:DELIVRD".encode()), config(receipt_ids=notation))
    assert isinstance(outcome, Accepted)
    assert outcome.provider_ids == (heard.receipts[0].provider_id,)


def test_a_reply_of_a_person_has_a_name_that_repeats() -> None:
    said = deliver_sm(b"HADIR", esm_class=0)
    (first,), (again,) = read(said, config()).inbound, read(said, config()).inbound
    (other,) = read(deliver_sm(b"BERHENTI", esm_class=0), config()).inbound
    assert first.provider_id == again.provider_id != other.provider_id


# Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"system_id": "x" * 16}, {"password": "kata\0sandi"}, {"port": 0}, {"window": 0}, {"from": "NAMA PENGIRIM"},
        {"concatenation": "sar"}, {"receipt_zone": "Asia/Batavia"}, {"tls_ca": "/ca.pem"}, {"receipt_ids": "octal"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).removesuffix("_ca")):
        config(**wrong)


def test_a_check_binds_only_where_a_second_session_is_granted() -> None:
    async def scenario() -> None:
        async with Smsc() as centre:
            async with opened(centre) as (channel, _):
                assert [check.ok for check in await channel.check()] == [True]
            assert centre.binds == []
            async with opened(centre, max_binds=2) as (channel, _):
                assert [check.ok for check in await channel.check()] == [True]
            centre.bind_status = 0x0E
            async with opened(centre, max_binds=2) as (channel, _):
                (refused,) = await channel.check()
                assert (refused.ok, "password" in refused.detail) == (False, True)
            assert len(centre.binds) == 2
        async with opened(centre) as (channel, _):
            assert [check.ok for check in await channel.check()] == [False]

    in_time(scenario())
