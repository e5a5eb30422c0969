"""Real drains against a provider that does as it is told (invariants 3 to 5, 9)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from dispatcher.core.status import Reason, Status
from dispatcher.operations import outgoing
from dispatcher.operations.deliver import Deliverer
from dispatcher.operations.drain import Drain
from dispatcher.operations.ends import Ends
from dispatcher.operations.sender_control import resume
from dispatcher.receipts.fold import parse_ref
from dispatcher.spi import (
    Absent,
    Accepted,
    Ambiguous,
    AmbiguousError,
    Filtered,
    Found,
    LookupQuery,
    LookupResult,
    Misconfigured,
    NotSent,
    NotSentError,
    OptedOut,
    OutboundMessage,
    Outcome,
    Rejected,
    Throttled,
    Unsupported,
)
from dispatcher.store import claims
from dispatcher.store.tables import messages, senders
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Stage

Make = Callable[..., Stage]


@pytest.fixture
def make(sqlite_url: str, tmp_path: Path) -> Make:
    return lambda providers=None, rates=None: Stage(sqlite_url, tmp_path, providers, rates)


def test_every_end_that_a_provider_may_give_a_message(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says, what it raises, what it never says: nothing is sent again that may have left."""
    monkeypatch.setattr(outgoing, "SEND_TIMEOUT_S", 0.2)

    def raises(error: Exception) -> Callable[[], Outcome]:
        def answer() -> Outcome:
            raise error

        return answer

    ends: list[tuple[Callable[[], Any], str]] = [
        (lambda: Accepted(("x",)), "accepted"),
        (lambda: Accepted(final=True), "delivered"),
        (lambda: Rejected(Reason.INVALID_NUMBER), "failed"),
        (OptedOut, "failed"),
        (Unsupported, "failed"),
        (Filtered, "failed"),
        (Ambiguous, "unknown"),
        (raises(AmbiguousError("gone")), "unknown"),
        (raises(ValueError("+62812")), "unknown"),
        (lambda: asyncio.sleep(5), "unknown"),
        (lambda: NotSent(retry_after_s=60.0), "queued"),
        (raises(NotSentError("refused")), "queued"),
    ]
    turns, expected = cycle(ends), list[str]()

    def answer(message: Any) -> Any:
        respond, end = next(turns)
        expected.append(end)
        return respond()

    provider = stage.providers["sms"]
    provider.answer = answer
    stage.people(3 * len(ends))
    stage.start()
    stage.drain(lambda: len(provider.refs) == 36 and not stage.statuses().get("sending"))
    stage.check()
    assert stage.statuses() == {end: expected.count(end) for end in set(expected)}
    assert len(set(provider.refs)) == len(provider.refs) == len(set(provider.numbers))


def test_one_throttled_sender_slows_nobody_else_and_uses_up_no_try(make: Make) -> None:
    slow = Provider(lambda message: Throttled(600.0))
    stage = make({"slow": slow, "sms": Provider()})
    stage.people(20)
    stage.start("lambat", route="[{senders: slow}]")
    stage.start("lancar", route="[{senders: sms}]")
    stage.drain(lambda: len(stage.rows(status="accepted")) == 20)
    stage.check()
    waiting = stage.rows(status="queued")
    assert len(waiting) == 20
    assert {row.tries for row in waiting} == {0}
    assert {row.not_before_rule for row in waiting} <= {"throttled", "due", "late-permit"}
    assert stage.sender("slow").slow_until_us > stage.context.now_us()
    stage.close()


@pytest.mark.parametrize("rate", ["", "100 msg/s"])
@pytest.mark.parametrize("outcome", [Throttled(600.0), Misconfigured("20003", "wrong")], ids=["throttled", "refused"])
def test_what_was_claimed_already_waits_as_well(make: Make, outcome: Any, rate: str) -> None:
    """The provider asked for a pause, or knows us not: it is not asked once more for each row in hand."""
    provider = Provider(lambda message: outcome)
    stage = make({"sms": provider}, rates={"sms": rate} if rate else {})
    stage.people(40)
    stage.start()
    stage.drain(lambda: bool(stage.sender().paused or stage.sender().slow_until_us))
    stage.check()
    assert 1 <= len(provider.refs) <= 3
    assert stage.statuses() == {"queued": 40}
    assert {row.tries for row in stage.rows()} == {0}
    stage.close()


def test_what_is_withdrawn_tells_nothing_of_the_pace(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a pause makes a slow provider look fast, and far more than a slice of it is begun (invariant 3)."""
    asked: list[str] = []

    async def answer(message: OutboundMessage) -> Outcome:
        asked.append(message.ref)
        is_too_fast = len(asked) == 130
        await asyncio.sleep(0.02)
        return Throttled(0.05) if is_too_fast else Accepted((message.ref,))

    wanted: list[int] = []

    def hold(connection: Any, sender_id: int, limit: int, *rest: Any) -> Any:
        wanted.append(limit)
        return held(connection, sender_id, limit, *rest)

    held = claims.hold
    monkeypatch.setattr(claims, "hold", hold)
    stage = make({"sms": Provider(answer, concurrency=4)})
    stage.people(400)
    stage.start()
    stage.drain(stage.nothing_waits)
    assert stage.statuses() == {"accepted": 400}
    assert max(wanted) <= 50
    stage.close()


def test_a_run_that_ends_uses_the_permits_that_it_has_taken(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A permit that is given back is lost: nobody else may send at its instant."""
    given_back: list[int] = []
    release = claims.release

    def note(connection: Any, token: int, ids: Any) -> None:
        given_back.extend(ids)
        release(connection, token, ids)

    monkeypatch.setattr(claims, "release", note)
    stage = make(rates={"sms": "200 msg/s"})
    stage.people(400)
    stage.start()
    first_us = stage.context.now_us()

    async def deliver() -> None:
        deliverer = Deliverer(stage.context)
        await deliverer.run(budget_s=0.8)
        await deliverer.close()

    asyncio.run(deliver())
    stage.check()
    assert stage.statuses().get("accepted", 0) >= 1, "it sent"
    assert stage.statuses().get("queued", 0) >= 1, "it ended before all were sent"
    assert stage.sender().tat_us > first_us
    assert given_back == []
    stage.close()


def test_a_claim_is_begun_before_the_last_permit_of_the_one_before_it(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its first permits are void by the time of their commit, once for each claim. Never are more than two slices
    begun and not handed over (invariant 3)."""
    token_of: dict[int, int] = {}
    begun_after: dict[int, int] = {}
    all_begun: list[int] = []
    outstanding: list[int] = []
    ended: list[Any] = []
    sent: list[int] = []
    begin, add = claims.begin, Ends.add

    def note(connection: Any, token: int, rows: Any, *rest: Any, **more: Any) -> Any:
        begun = begin(connection, token, rows, *rest, **more)
        begun_after.setdefault(token, len(sent))
        token_of.update((row.id, token) for row in rows)
        all_begun.extend(begun)
        outstanding.append(len(all_begun) - len(ended))
        return begun

    def end(ends: Ends, one: Any) -> None:
        ended.append(one)
        add(ends, one)

    def answer(message: OutboundMessage) -> Outcome:
        ref = parse_ref(message.ref)
        assert ref is not None
        sent.append(ref.message_id)
        return Accepted((message.ref,))

    monkeypatch.setattr(claims, "begin", note)
    monkeypatch.setattr(Ends, "add", end)
    stage = make({"sms": Provider(answer)}, rates={"sms": "100 msg/s"})
    stage.people(200)
    stage.start()
    stage.drain(stage.nothing_waits)
    tokens = [token_of[message_id] for message_id in sent]
    borders = [index for index in range(1, len(tokens)) if tokens[index] != tokens[index - 1]]
    assert len(borders) >= 3
    # on a machine with much to do some commits come later
    assert any(begun_after[tokens[index]] < index for index in borders)
    assert max(outstanding) <= 2 * 5  # at 100 a second, 50 ms are five
    stage.close()


def test_refused_credentials_pause_the_sender_with_the_reason_and_lose_nothing(make: Make) -> None:
    provider = Provider(lambda message: Misconfigured("20003", "the account refuses our token"))
    stage = make({"sms": provider})
    stage.people(5)
    stage.start()
    stage.drain(lambda: bool(stage.sender().paused) and not stage.statuses().get("sending"))
    assert stage.sender().pause_reason == "the account refuses our token (20003)"
    assert stage.statuses() == {"queued": 5}

    provider.answer = lambda message: Accepted(("x",))
    resume(stage.context, "sms", "Ani")
    stage.drain(stage.nothing_waits)
    assert stage.statuses() == {"accepted": 5}
    stage.check()
    stage.close()


def test_a_channel_that_does_not_open_pauses_its_sender_only(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = make({"broken": Provider(), "sms": Provider()})
    stage.people(5)
    stage.start("rusak", route="[{senders: broken}]")
    stage.start("lancar", route="[{senders: sms}]")
    broken = stage.context.channels.get("broken")
    monkeypatch.setattr(broken, "__init__", lambda self, config, http: 1 / 0)
    stage.drain(lambda: len(stage.rows(status="accepted")) == 5 and bool(stage.sender("broken").paused))
    assert "ZeroDivisionError" in stage.sender("broken").pause_reason
    assert not stage.sender("sms").paused
    stage.close()


def test_made_up_contacts_are_refused_by_every_sender_that_is_not_a_pretend_carrier(make: Make) -> None:
    real, pretend = Provider(), Provider(synthetic_only=True)
    stage = make({"real": real, "pretend": pretend})
    stage.people(4, lambda index: f"+62860{index:08}")
    stage.start("nyata", route="[{senders: real}]")
    stage.start("pura", route="[{senders: pretend}]")
    stage.drain(stage.nothing_waits)
    assert real.refs == []
    assert {row.reason for row in stage.rows(status="failed")} == {"synthetic_contact"}
    assert len(pretend.refs) == 4
    stage.close()


def test_a_row_that_does_not_open_fails_alone(make: Make) -> None:
    stage = make()
    stage.people(5)
    stage.start()
    with stage.context.database.begin() as connection:
        spoilt = stage.rows()[2].id
        connection.execute(update(messages).where(messages.c.id == spoilt).values(body_sealed=b"spoilt"))
    stage.drain(stage.nothing_waits)
    assert stage.statuses() == {"accepted": 4, "failed": 1}
    stage.close()


def test_what_is_unknown_is_looked_up_though_nothing_waits(make: Make) -> None:
    """Invariant 4: found → adopted; an absence that is proof → sent again, once; anything else stays held."""
    provider = Provider(lambda message: Ambiguous(), lookup=True, absence_is_proof=True, settle_time_s=0.0)
    stage = make({"sms": provider})
    stage.people(3)
    stage.start()
    stage.drain(lambda: stage.statuses() == {"unknown": 3})
    found, absent, undecided = (row.id for row in stage.rows())

    def look_up(query: LookupQuery) -> LookupResult:
        asked = int(query.ref.partition(".")[0])
        if asked == undecided:
            raise TimeoutError
        return Found("SM1", Status.DELIVERED) if asked == found else Absent()

    provider.look_up = look_up
    provider.answer = lambda message: Accepted(("x",))
    assert stage.tick().senders == (stage.sender_id(),)
    # another process, which has sent nothing yet
    fresh = stage.connect()
    stage.drain(lambda: stage.statuses() == {"delivered": 1, "accepted": 1, "unknown": 1}, fresh)
    fresh.database.close()
    assert provider.refs.count(f"{absent}.2") == 1
    assert stage.tick().senders == ()
    stage.close()


def test_a_stop_lets_what_was_begun_finish_and_returns_the_rest(make: Make) -> None:
    async def slowly(message: Any) -> Outcome:
        await asyncio.sleep(0.2)
        return Accepted(("x",))

    provider = Provider(slowly, concurrency=10)
    stage = make({"sms": provider})
    stage.people(300)
    stage.start()
    stage.drain(lambda: len(provider.refs) >= 15)
    stage.check()
    assert stage.statuses().keys() <= {"accepted", "queued"}
    assert stage.statuses()["accepted"] == len(provider.refs) == len(set(provider.numbers))
    stage.drain(stage.nothing_waits)
    assert stage.statuses() == {"accepted": 300}
    assert len(provider.numbers) == len(set(provider.numbers)) == 300
    stage.close()


def test_a_sender_may_be_paused_in_the_middle(make: Make) -> None:
    """Invariant 8: nothing leaves later than 0.8 s after it."""
    stage = make({"sms": Provider()}, {"sms": "40 msg/s"})
    stage.people(100)
    stage.start()
    provider = stage.providers["sms"]

    def pause_then_wait() -> bool:
        if len(provider.refs) >= 10 and not stage.sender().paused:
            with stage.context.database.begin() as connection:
                connection.execute(update(senders).values(paused=True))
            provider.paused_at_s = time.monotonic()  # type: ignore[attr-defined]
        return hasattr(provider, "paused_at_s") and time.monotonic() - provider.paused_at_s > 1.2

    stage.drain(pause_then_wait)
    assert 10 <= len(provider.refs) < 60
    assert provider.at_s[-1] - provider.paused_at_s <= 0.9  # type: ignore[attr-defined]
    assert stage.statuses()["queued"] == 100 - len(provider.refs)
    stage.close()


@pytest.mark.parametrize(
    "waits",
    [update(senders).values(paused=True), update(messages).values(claim_token=1, claim_until_us=1 << 62)],
    ids=["paused", "in another worker's hands"],
)
def test_what_may_not_go_is_not_claimed_again_and_again(
    make: Make, monkeypatch: pytest.MonkeyPatch, waits: Any
) -> None:
    """A sender is paused for hours, and the others want the processor and the database meanwhile."""
    claimed: list[None] = []
    claim = Drain._claim
    monkeypatch.setattr(Drain, "_claim", lambda self: claimed.append(None) or claim(self))
    stage = make()
    stage.people(5)
    stage.start()
    with stage.context.database.begin() as connection:
        connection.execute(waits)
    until_s = time.monotonic() + 1.0
    stage.drain(lambda: time.monotonic() > until_s)
    assert len(claimed) <= 6
    assert stage.statuses() == {"queued": 5}
    stage.close()


def test_a_paused_sender_is_no_work(make: Make) -> None:
    stage = make()
    stage.people(1)
    stage.start()
    assert stage.tick().senders == (stage.sender_id(),)
    with stage.context.database.begin() as connection:
        connection.execute(update(senders).values(paused=True))
    assert stage.tick().senders == ()
    stage.close()


@pytest.mark.parametrize(("language", "greeting"), [("id", "Yth. Warga, "), ("en", "Dear Resident, ")])
def test_a_person_without_a_name_is_greeted_in_the_language_of_the_text(
    make: Make, language: str, greeting: str
) -> None:
    provider = Provider()
    stage = make({"sms": provider})
    stage.import_rows([("1", "", "0812 3456 7890")])
    address = greeting.split(maxsplit=1)[0]
    stage.start(extra=f"language: {language}", text=address + " {{ contact.name }}, gunakan hak pilih. {{ stop }}")
    stage.drain(stage.nothing_waits)
    assert provider.texts[0].startswith(greeting)
    stage.close()
