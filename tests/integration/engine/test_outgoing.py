"""Whatever a channel does with one message, its end is named, and the lane's next message goes its own way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import update

from dispatcher.operations import outgoing
from dispatcher.operations.lanes import Lanes
from dispatcher.operations.outgoing import Outgoing
from dispatcher.settings.model import WireLog
from dispatcher.spi import (
    Accepted,
    Ambiguous,
    Capabilities,
    NotSent,
    NotSentError,
    OutboundMessage,
    Outcome,
    Reason,
    Rejected,
)
from dispatcher.spi.http import PooledClient
from dispatcher.spi.tap import Tap
from dispatcher.store.tables import messages
from dispatcher.testing.rawserver import RawServer, answer
from tests.integration.builders import make_context
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Stage

SENT = Accepted(("id",))
Answer = Callable[[OutboundMessage], Awaitable[Any]]


def _outgoing(answer: Answer) -> Outgoing:
    channel = SimpleNamespace(capabilities=Capabilities(media="sms"), send=answer)
    context = SimpleNamespace(environment=SimpleNamespace(public_url=""))
    return Outgoing(cast("Any", context), "sms", cast("Any", channel))


def _message(number: int) -> OutboundMessage:
    return OutboundMessage(ref=str(number), to="+62812000000", text="x")


def _in_lanes(answer: Answer, messages: int, width: int = 1) -> list[Outcome | None]:
    """What became of each, in lanes; None where nobody said. No send leaves a cancellation behind."""
    ended: dict[int, Outcome] = {}
    left_behind: list[int] = []

    async def main() -> None:
        out = _outgoing(answer)

        async def work(number: int) -> None:
            ended[number] = (await out.exchange(_message(number)))[0]
            current = asyncio.current_task()
            assert current is not None
            left_behind.append(current.cancelling())

        lanes = Lanes(width, work)
        await lanes.take(range(messages))
        await lanes.ended()

    asyncio.run(asyncio.wait_for(main(), 10))
    assert not any(left_behind)
    return [ended.get(number) for number in range(messages)]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "SEND_TIMEOUT_S", 0.2)


@pytest.mark.usefixtures("soon")
def test_an_overdue_send_is_ambiguous_and_the_next_of_its_lane_goes_on() -> None:
    async def answer(message: OutboundMessage) -> Outcome:
        if message.ref == "0":
            await asyncio.sleep(60)
        await asyncio.sleep(0.15)  # in time by itself, not together with the one before
        return SENT

    assert _in_lanes(answer, 4) == [Ambiguous(detail="no answer in time"), SENT, SENT, SENT]


@pytest.mark.usefixtures("soon")
def test_a_channel_that_keeps_the_cancellation_to_itself_leaves_none_for_the_next() -> None:
    async def answer(message: OutboundMessage) -> Outcome:
        try:
            await asyncio.sleep(60 if message.ref in "02" else 0.1)
        except asyncio.CancelledError:
            return Ambiguous(detail="its own words")
        return SENT

    own = Ambiguous(detail="its own words")
    assert _in_lanes(answer, 4) == [own, SENT, own, SENT]


@pytest.mark.usefixtures("soon")
def test_an_answer_in_the_moment_of_the_time_out_ends_its_own_message_only() -> None:
    """The send ends, and the watch cancels before its task goes on: only what was sent is in doubt."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Outcome]] = []

        async def answer(message: OutboundMessage) -> Outcome:
            answers.append(loop.create_future())
            return await answers[-1]

        out, ended = _outgoing(answer), list[Outcome]()

        async def work(number: int) -> None:
            ended.append((await out.exchange(_message(number)))[0])

        lanes = Lanes(1, work)
        taking = asyncio.create_task(lanes.take(range(2)))
        while not answers:
            await asyncio.sleep(0)
        watch = out._watch
        for task in watch._since_s:
            watch._since_s[task] = float("-inf")
        answers[0].set_result(SENT)
        watch._look(loop)
        await taking
        while len(answers) < 2:
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        answers[1].set_result(SENT)
        await lanes.ended()
        assert ended == [Ambiguous(detail="no answer in time"), SENT]

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_channel_whose_own_wait_is_cancelled_ends_no_lane() -> None:
    """A connection that is lost cancels what waits for it; nobody cancelled the lane."""

    async def answer(message: OutboundMessage) -> Outcome:
        if message.ref == "0":
            lost = asyncio.get_running_loop().create_future()
            lost.cancel()
            await lost
        return SENT

    assert _in_lanes(answer, 3) == [Ambiguous(detail="cancelled by its channel"), SENT, SENT]


def test_a_panic_of_compiled_code_costs_its_message_only() -> None:
    class PanicException(BaseException):
        pass

    async def answer(message: OutboundMessage) -> Outcome:
        if message.ref == "0":
            raise PanicException
        return SENT

    assert _in_lanes(answer, 3) == [None, SENT, SENT]


def test_who_ends_a_lane_ends_it() -> None:
    async def answer(message: OutboundMessage) -> Outcome:
        await asyncio.sleep(60)
        return SENT

    async def main() -> None:
        task = asyncio.create_task(_outgoing(answer).exchange(_message(0)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(main(), 10))


@pytest.mark.parametrize(
    "said",
    [
        None,
        True,
        "accepted",
        Accepted(("a\x00b",)),
        Accepted(("\ud800",)),
        Accepted(cast("Any", (7,))),
        Accepted(cast("Any", "id")),
        Accepted(("id",), parts=70_000),
        Accepted(("id",), parts=-1),
    ],
)
def test_what_cannot_be_recorded_is_ambiguous(said: Any) -> None:
    async def answer(message: OutboundMessage) -> Any:
        return said

    (outcome,) = _in_lanes(answer, 1)
    assert isinstance(outcome, Ambiguous)


def test_not_sent_stays_not_sent() -> None:
    async def answer(message: OutboundMessage) -> Outcome:
        raise NotSentError

    assert _in_lanes(answer, 1) == [NotSent(detail="no connection")]


@pytest.mark.parametrize("bad", [None, Accepted(("a\x00b",)), Accepted(("x",), parts=1 << 70)])
def test_a_plug_in_that_says_nonsense_of_one_message_leaves_none_in_sending(stage: Stage, bad: Any) -> None:
    provider: Provider = stage.providers["sms"]
    provider.answer = lambda message: bad if len(provider.refs) == 3 else Accepted(("x",))
    stage.people(20)
    stage.start()
    stage.drain(stage.nothing_waits)
    assert stage.statuses() == {"accepted": 19, "unknown": 1}
    assert len(provider.numbers) == len(set(provider.numbers)) == 20
    stage.check()


@pytest.mark.parametrize("stored", [b"\x01\x00\x01cut", b"\x01\x00\x01", b""], ids=["cut", "head", "empty"])
def test_a_row_that_was_cut_short_fails_alone(stage: Stage, stored: bytes) -> None:
    stage.people(5)
    stage.start()
    with stage.context.database.begin() as connection:
        spoilt = stage.rows()[2].id
        connection.execute(update(messages).where(messages.c.id == spoilt).values(body_sealed=stored))
    stage.drain(stage.nothing_waits)
    assert stage.statuses() == {"accepted": 4, "failed": 1}
    stage.check()


def test_a_plug_in_that_declares_nothing_is_redacted_all_the_same() -> None:
    """Neither `private` nor a configuration of its own: what is found by itself goes."""

    async def answer(message: OutboundMessage) -> Outcome:
        tap.note("pdu", {"dest": message.to, "what": message.text}, {"error": f"no {message.to}"})
        return Rejected(Reason.PROVIDER)

    tap = Tap(cast("Any", None))
    channel = SimpleNamespace(capabilities=Capabilities(media="sms"), send=answer, private="nothing")
    settings = SimpleNamespace(wire_log=WireLog())
    clock = SimpleNamespace(clock=SimpleNamespace(now_us=lambda: 5))
    context = SimpleNamespace(environment=SimpleNamespace(public_url=""), settings=settings, database=clock)
    out = Outgoing(cast("Any", context), "sms", cast("Any", channel), tap)
    sent = OutboundMessage(ref="7.1", to="+6281234567890", text="Halo Siti")
    outcome, wire = asyncio.run(out.exchange(sent))
    assert outcome == Rejected(Reason.PROVIDER)
    assert "no +62812****890" in wire
    assert "234567" not in wire
    assert "Siti" not in wire


SECRETS = {
    "GATEWAY_TOKEN": "t0k3n-of-the-gateway",
    "GATEWAY_KEY": "kunci/rahasia",
    "GATEWAY_PIN": "9z4",
    "TENANT": "pemda",
    "HOST": "127.0.0.1",
}
GATEWAY = {
    "channel": "http-gateway",
    "path": "/v1/${GATEWAY_KEY}/send",
    "headers": {"X-Auth": "${GATEWAY_TOKEN}", "X-Pin": "${GATEWAY_PIN}", "X-Both": "${TENANT}:${GATEWAY_TOKEN}"},
    "values": {"key": "${GATEWAY_KEY}"},
    "text": {"json": {"to": "{{ to }}", "text": "{{ text }}", "k": "{{ values.key }}", "note": "of ${TENANT}"}},
    "answer": {"accepted": [{"path": "ok", "is": ["true"]}], "id": "id"},
}


def test_an_address_that_came_from_the_environment_is_not_shown_in_its_parts_either(sqlite_url: str) -> None:
    async def exchange() -> str:
        async with RawServer(answer(400, b"{}")) as server:
            url = f"http://127.0.0.1:{server.port}/v1/T00ABC/kq8ZZtok-en-tok"
            sender = {
                "channel": "http-gateway",
                "base_url": "${GATEWAY_URL}",
                "path": "/send",
                "text": {"json": {"to": "{{ to }}", "text": "{{ text }}"}},
                "answer": GATEWAY["answer"],
                "allow_private": True,
            }
            context = make_context(sqlite_url, {"senders": {"kota": sender}}, GATEWAY_URL=url)
            tap = Tap(http := PooledClient())
            out = Outgoing(context, "kota", context.open_sender("kota", tap), tap)
            _, wire = await out.exchange(OutboundMessage(ref="7.1", to="+6281234567890", text="Halo"))
            await http.close()
            context.database.close()
        return wire

    (kept,) = json.loads(asyncio.run(exchange()))
    assert (kept["host"], kept["path"]) == ("[secret]", "[secret]/send")


def test_what_came_from_the_environment_is_nowhere_in_the_wire_log(sqlite_url: str) -> None:
    """Under whatever key it was put, declared as a credential or not, and where the provider quotes it."""
    quoted = json.dumps({"error": f"no account for {SECRETS['GATEWAY_TOKEN']}", "key": SECRETS["GATEWAY_KEY"]})

    async def exchange() -> str:
        async with RawServer(answer(400, quoted.encode())) as server:
            sender = {**GATEWAY, "base_url": f"http://${{HOST}}:{server.port}", "allow_private": True}
            context = make_context(sqlite_url, {"senders": {"kota": sender}}, **SECRETS)
            tap = Tap(http := PooledClient())
            out = Outgoing(context, "kota", context.open_sender("kota", tap), tap)
            _, wire = await out.exchange(OutboundMessage(ref="7.1", to="+6281234567890", text="Halo"))
            (request,) = server.requests
            assert request.headers["x-auth"] == SECRETS["GATEWAY_TOKEN"]
            await http.close()
            context.database.close()
        return wire

    wire = asyncio.run(exchange())
    for secret in SECRETS.values():
        assert secret not in wire
    (kept,) = json.loads(wire)
    assert kept["headers"]["X-Auth"] == kept["headers"]["X-Pin"] == "[secret]"
    assert kept["headers"]["X-Both"] == "[secret]:[secret]"
    assert kept["host"].startswith("[secret]:")
    assert kept["path"] == "/v1/[secret]/send"
    assert kept["request"]["note"] == "of [secret]"
    assert kept["answer"] == {"error": "no account for [secret]", "key": "[secret]"}
