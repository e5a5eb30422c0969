"""Automatic answers leave once, by the sender's permits, and never again where nobody knows what became of them."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from dispatcher.core.clock import DAY_US, MINUTE_US, SECOND_US
from dispatcher.core.errors import UnavailableError
from dispatcher.core.segments import measure
from dispatcher.core.status import Reason, Status
from dispatcher.operations import reply_sender
from dispatcher.operations.inbox import show_reply
from dispatcher.operations.ingest import Arrived, Ingest, match_parked
from dispatcher.operations.reply_sender import _Round
from dispatcher.operations.restore import mark_restored
from dispatcher.operations.senders import sync_senders
from dispatcher.receipts.autoreply import looks_automatic
from dispatcher.receipts.fold import make_ref
from dispatcher.receipts.reply_texts import BUILT_IN
from dispatcher.spi import (
    Accepted,
    Ambiguous,
    HookAnswer,
    Inbound,
    Misconfigured,
    NotSent,
    OptedOut,
    OutboundMessage,
    Outcome,
    Receipt,
    Rejected,
    Throttled,
)
from dispatcher.store import reply_queue
from dispatcher.store.history import read_history
from dispatcher.store.tables import inbound, leases, receipts, senders, suppressions
from dispatcher.store.withdrawal import erase_contact
from tests.integration.builders import KEYS
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Stage

NUMBER = "+6281234500000"
ANSWERS = """
answers:
  - {keywords: [HADIR], meaning: hadir, reply: {id: "Terima kasih {{ contact.name }}, sampai jumpa.", en: "Thank you."}}
  - {keywords: [NANTI], meaning: nanti}
"""


class Replying(Stage):
    """One sender that receives too, and people who write to it."""

    def __init__(self, url: str, folder: Path, provider: Provider | None = None, **settings: Any) -> None:
        self.provider = provider or Provider(inbound=True)
        rates = {"sms": settings.pop("rate")} if "rate" in settings else None
        super().__init__(url, folder, {"sms": self.provider}, rates, **settings)
        sync_senders(self.context)
        self.ingest = Ingest(self.context)
        self._sids = itertools.count(1)

    def running(self) -> None:
        """A campaign that has reached everyone there is."""
        self.people(1)
        self.start(extra=ANSWERS)
        self.drain(self.nothing_waits)

    def say(self, text: str, number: str = NUMBER, **more: Any) -> None:
        said = Inbound(f"in-{next(self._sids)}", number, text, **more)
        self.ingest.take([Arrived(self.sender_id(), HookAnswer(inbound=(said,)), "raw")])

    def tell(self, ref: str, status: Status, provider_id: str = "", **more: Any) -> None:
        said = HookAnswer((Receipt(status, ref, provider_id, **more),))
        self.ingest.take([Arrived(self.sender_id(), said, "raw")])

    @property
    def replies(self) -> list[Any]:
        with self.context.database.read() as connection:
            return list(connection.execute(select(inbound).order_by(inbound.c.id)))

    @property
    def states(self) -> list[str]:
        return [row.reply_state for row in self.replies]

    def answer(self) -> None:
        """Until no answer is due or under way."""
        self.drain(lambda: not {"due", "begun"} & set(self.states))

    def settle(self, **values: Any) -> None:
        with self.context.database.begin() as connection:
            connection.execute(update(inbound).values(**values))


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Replying]:
    stage = Replying(database_url, tmp_path)
    yield stage
    stage.close()


def test_an_answer_is_confirmed_in_the_words_of_its_campaign(stage: Replying) -> None:
    stage.running()
    stage.say("hadir pak")
    stage.answer()
    assert stage.provider.texts[-1] == "Terima kasih Warga 0, sampai jumpa."
    assert stage.provider.numbers[-1] == NUMBER
    (row,) = stage.replies
    assert (row.reply, row.reply_state, row.reply_attempt) == ("answer", "accepted", 1)
    assert stage.provider.refs[-1] == make_ref(row.id, 1)
    assert row.reply_provider_id == f"id-{row.id}.1"


def test_an_answer_without_words_is_not_answered(stage: Replying) -> None:
    stage.running()
    stage.say("NANTI")
    (row,) = stage.replies
    assert (row.meaning, row.reply, row.no_reply, row.reply_state) == ("nanti", "", "no-text", "")


@pytest.mark.parametrize(
    ("text", "kind"), [("STOP", "stop"), ("BANTUAN", "help"), ("Tempatnya di mana?", "not-understood")]
)
def test_built_in_words(stage: Replying, text: str, kind: Any) -> None:
    stage.say(text)
    stage.answer()
    assert stage.provider.texts == [BUILT_IN[kind]["id"]]
    assert stage.states == ["accepted"]


def test_words_of_the_settings_come_before_the_built_in_ones(database_url: str, tmp_path: Path) -> None:
    stage = Replying(database_url, tmp_path, inbound={"texts": {"stop": {"id": "Baik."}, "help": "0860-0000-0001"}})
    stage.say("STOP")
    stage.say("BANTUAN", "+6281234500001")
    stage.answer()
    assert sorted(stage.provider.texts) == ["0860-0000-0001", "Baik."]
    stage.close()


@pytest.mark.parametrize("saying", BUILT_IN)
@pytest.mark.parametrize("language", ["id", "en"])
def test_built_in_words_are_one_sms_and_known_as_a_machines(saying: Any, language: str) -> None:
    text = BUILT_IN[saying][language].replace("{codes}", "PUSAT, BARAT")
    assert measure(text).segments == 1
    assert looks_automatic(text)


def test_a_stop_is_confirmed_once_and_nothing_else_goes_there(stage: Replying) -> None:
    """Invariants 8 and 14: what was due to the number is withdrawn, the confirmation of the stop goes."""
    stage.say("Di mana tempatnya?")
    stage.say("STOP")
    stage.say("STOP")
    stage.answer()
    assert stage.provider.texts == [BUILT_IN["stop"]["id"]]
    assert [(row.reply_state, row.no_reply) for row in stage.replies] == [
        ("cancelled", ""),
        ("accepted", ""),
        ("", "refused"),
    ]


def test_what_the_provider_answers_itself_we_do_not(stage: Replying) -> None:
    stage.say("STOP", opt_out="stop")
    assert [(row.meaning, row.no_reply) for row in stage.replies] == [("stop", "provider")]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Ambiguous("500"), "unknown"),
        (Rejected(Reason.UNREACHABLE, "30003"), "failed"),
        (OptedOut("21610"), "failed"),
        (Accepted(final=True), "delivered"),
    ],
)
def test_what_ends_it_is_not_tried_again(stage: Replying, outcome: Outcome, state: str) -> None:
    """Invariant 4, and stricter: of a courtesy, nothing is settled for resending."""
    stage.provider.answer = lambda message: outcome
    stage.say("BANTUAN")
    stage.answer()
    assert stage.states == [state]
    assert len(stage.provider.refs) == 1
    stage.tick()
    assert stage.states == [state]
    with stage.context.database.read() as connection:
        assert len(connection.execute(select(suppressions)).all()) == isinstance(outcome, OptedOut)


def test_a_refusal_that_the_provider_tells_outlives_a_database_that_is_away(
    stage: Replying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 14; the commit of the end fails once."""
    record, calls = _Round._record, list[str]()

    def goes_away(self: _Round, connection: Connection, ended: Any) -> None:
        record(self, connection, ended)
        calls.append("away")
        if len(calls) == 1:
            raise UnavailableError("database-away", "the database does not answer")

    monkeypatch.setattr(_Round, "_record", goes_away)
    monkeypatch.setattr(reply_sender, "_PATIENCE_S", (0.0,))
    stage.provider.answer = lambda message: OptedOut("21610")
    stage.say("BANTUAN")
    stage.drain(lambda: bool(stage.provider.refs))
    with stage.context.database.read() as connection:
        assert connection.execute(select(suppressions.c.via)).scalars().all() == ["provider"]
    assert stage.states == ["failed"]
    assert len(stage.provider.refs) == 1


@pytest.mark.parametrize("outcome", [NotSent("refused"), Throttled(0.01)])
def test_what_was_proven_not_sent_goes_again_under_another_reference(stage: Replying, outcome: Outcome) -> None:
    """Invariant 5."""
    outcomes = iter([outcome])
    stage.provider.answer = lambda message: next(outcomes, Accepted(("a",)))
    stage.say("BANTUAN")
    stage.answer()
    (row,) = stage.replies
    assert (row.reply_state, row.reply_attempt) == ("accepted", 2)
    assert stage.provider.refs == [make_ref(row.id, 1), make_ref(row.id, 2)]


def test_wrong_credentials_pause_the_sender_and_the_answer_waits_until_it_is_of_no_use(stage: Replying) -> None:
    stage.provider.answer = lambda message: Misconfigured("20003")
    stage.say("BANTUAN")
    stage.drain(lambda: stage.sender().paused)
    assert stage.states == ["due"]
    stage.settle(reply_until_us=stage.context.now_us())
    stage.tick()
    assert stage.states == ["expired"]


def test_a_paused_sender_answers_nobody(stage: Replying) -> None:
    with stage.context.database.begin() as connection:
        connection.execute(update(senders).values(paused=True))
    stage.say("BANTUAN")
    with stage.context.database.read() as connection:
        able = reply_queue.senders_with_replies(connection, [stage.sender_id()], stage.context.now_us())
    assert able == [stage.sender_id()]
    assert stage.tick().senders == ()
    assert stage.states == ["due"]


def test_a_tick_names_senders_with_answers_to_give(stage: Replying) -> None:
    """So that workers at scale are woken."""
    assert stage.tick().senders == ()
    stage.say("BANTUAN")
    assert stage.tick().senders == (stage.sender_id(),)


def test_two_workers_give_one_answer(stage: Replying) -> None:
    numbers = [f"+62812345{n:05}" for n in range(40)]
    for number in numbers:
        stage.say("BANTUAN", number)
    other = stage.connect()

    async def both() -> None:
        from dispatcher.operations.deliver import Deliverer

        deliverers = [Deliverer(stage.context), Deliverer(other)]
        runs = [asyncio.create_task(one.run(20.0)) for one in deliverers]
        while {"due", "begun"} & set(await asyncio.to_thread(lambda: stage.states)):
            await asyncio.sleep(0.02)
        for one in deliverers:
            one.stop()
        await asyncio.gather(*runs)
        for one in deliverers:
            await one.close()

    asyncio.run(both())
    other.database.close()
    assert sorted(stage.provider.numbers) == numbers


def test_answers_and_messages_share_the_senders_permits(database_url: str, tmp_path: Path) -> None:
    """Invariant 9."""
    stage = Replying(database_url, tmp_path, rate="40 msg/s")
    stage.people(60)
    stage.start()
    for n in range(20):
        stage.say("BANTUAN", f"+62813345{n:05}")
    stage.drain(lambda: stage.nothing_waits() and not {"due", "begun"} & set(stage.states))
    assert len(stage.provider.at_s) == 80
    at_s = sorted(stage.provider.at_s)
    assert all(later - earlier > 1 - 0.025 for earlier, later in zip(at_s, at_s[40:], strict=False))
    stage.close()


def test_one_person_is_not_answered_within_the_senders_spacing(database_url: str, tmp_path: Path) -> None:
    senders_ = {"sms": {"channel": "sms", "spacing": "6s"}}
    stage = Replying(database_url, tmp_path, senders=senders_, inbound={"reply_spacing": "1 minute"})
    stage.people(1)
    stage.start()
    stage.drain(stage.nothing_waits)
    stage.say("BANTUAN")
    now_us = stage.context.now_us()
    with stage.context.database.read() as connection:
        assert reply_queue.due_replies(connection, stage.sender_id(), 6 * SECOND_US, now_us, 9) == []
        later_us = now_us + 7 * SECOND_US
        assert len(reply_queue.due_replies(connection, stage.sender_id(), 6 * SECOND_US, later_us, 9)) == 1
    stage.close()


def test_an_answer_that_comes_back_does_not_stand_in_its_own_way(database_url: str, tmp_path: Path) -> None:
    """Its permit stands among whom the sender messaged lately, though it has not left."""
    stage = Replying(database_url, tmp_path, senders={"sms": {"channel": "sms", "spacing": "1h"}})
    outcomes = iter([Throttled(0.01)])
    stage.provider.answer = lambda message: next(outcomes, Accepted(("a",)))
    stage.say("BANTUAN")
    stage.answer()
    (row,) = stage.replies
    assert (row.reply_state, row.reply_attempt) == ("accepted", 2)
    stage.close()


def test_the_senders_spacing_holds_between_two_answers_that_are_due_at_once(database_url: str, tmp_path: Path) -> None:
    stage = Replying(database_url, tmp_path, senders={"sms": {"channel": "sms", "spacing": "1h"}})
    stage.running()
    for text in ("HADIR", "hadir"):
        stage.say(text)
    assert stage.states == ["due"] * 2
    with stage.context.database.read() as connection:
        later_us = stage.context.now_us() + 10 * SECOND_US
        due = reply_queue.due_replies(connection, stage.sender_id(), SECOND_US, later_us, 9)
    assert [one.id for one in due] == [stage.replies[0].id]
    stage.close()


def test_an_answer_that_a_stop_withdraws_does_not_take_the_turn_of_its_confirmation(
    database_url: str, tmp_path: Path
) -> None:
    """Invariant 8; it was due first, and with the sender's spacing only one of them may go."""
    stage = Replying(database_url, tmp_path, senders={"sms": {"channel": "sms", "spacing": "1h"}})
    stage.say("BANTUAN")
    stage.say("STOP")
    stage.answer()
    assert stage.provider.texts == [BUILT_IN["stop"]["id"]]
    assert stage.states == ["cancelled", "accepted"]
    stage.close()


def test_nor_does_one_that_had_its_permit_already(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop comes between the permit and the begin."""
    stage = Replying(database_url, tmp_path, senders={"sms": {"channel": "sms", "spacing": "1h"}})
    send, came = reply_sender._Round.send, []

    async def send_after_the_stop(turn: Any, given: Any) -> None:
        if not came:
            came.append(stage.say("STOP"))
        await send(turn, given)

    monkeypatch.setattr(reply_sender._Round, "send", send_after_the_stop)
    stage.say("BANTUAN")
    stage.answer()
    assert stage.provider.texts == [BUILT_IN["stop"]["id"]]
    assert stage.states == ["cancelled", "accepted"]
    stage.close()


def test_receipts_of_an_answer_find_it_in_any_order(stage: Replying) -> None:
    """Invariant 6; by our reference, and none of them is a message's."""
    stage.say("BANTUAN")
    stage.answer()
    ref = stage.provider.refs[0]
    for status in (Status.DELIVERED, Status.SENT, Status.FAILED, Status.DELIVERED):
        stage.tell(ref, status)
    assert stage.states == ["delivered"]
    shown = show_reply(stage.context, stage.replies[0].id, "Ani", show_text=True)
    assert [one["status"] for one in shown["receipts"]] == ["delivered", "sent", "failed", "delivered"]
    assert (shown["reply_state"], shown["answer"]) == ("delivered", BUILT_IN["help"]["id"])
    assert NUMBER not in str(shown)
    with stage.context.database.read() as connection:
        told = connection.execute(select(receipts.c.state).where(receipts.c.state != "inbound")).scalars().all()
    assert told == ["folded"] * 4


def test_receipts_find_an_answer_by_the_providers_id(database_url: str, tmp_path: Path) -> None:
    stage = Replying(database_url, tmp_path, Provider(inbound=True, echoes_ref=False))
    stage.say("BANTUAN")
    (row,) = stage.replies
    stage.tell("", Status.DELIVERED, f"id-{row.id}.1")  # before our own record of it
    stage.answer()
    assert match_parked(stage.context, 10) == 1
    assert stage.states == ["delivered"]
    stage.close()


def test_a_receipt_settles_what_nobody_knew(stage: Replying) -> None:
    stage.provider.answer = lambda message: Ambiguous()
    stage.say("BANTUAN")
    stage.answer()
    stage.tell(stage.provider.refs[0], Status.FAILED, code="30003")
    assert [(row.reply_state, row.reply_code) for row in stage.replies] == [("failed", "30003")]


def test_a_begun_answer_whose_worker_is_gone_becomes_unknown_and_stays_it(stage: Replying) -> None:
    """Invariant 3."""
    stage.say("BANTUAN")
    long_ago = stage.context.now_us() - reply_queue.LEASE_US
    stage.settle(reply_state="begun", reply_token=7, reply_attempt=1, reply_begun_us=long_ago)
    stage.tick()
    assert stage.states == ["unknown"]
    stage.drain(lambda: True)
    assert stage.provider.refs == []


def test_whoever_begins_late_begins_nothing(stage: Replying) -> None:
    """Two workers with the same row in their hands: the commit of the first decides."""
    stage.say("BANTUAN")
    now_us = stage.context.now_us()

    def begin(token: int) -> dict[int, int]:
        return stage.run(lambda c: reply_queue.begin_replies(c, due, token, now_us))  # type: ignore[no-any-return]

    with stage.context.database.read() as connection:
        due = reply_queue.due_replies(connection, stage.sender_id(), None, now_us, 9)
    assert len(begin(1)) == 1
    assert begin(2) == {}


def test_a_restored_database_answers_nobody_again(stage: Replying) -> None:
    """Invariant 16."""
    stage.say("BANTUAN")
    mark_restored(stage.context, stage.context.now_us() - MINUTE_US)
    assert stage.states == ["unknown"]


def test_an_erased_person_is_not_answered_and_the_words_are_gone(stage: Replying) -> None:
    stage.running()
    stage.say("HADIR")
    person = stage.replies[0].contact_id
    stage.tell(make_ref(stage.replies[0].id, 1), Status.SENT)
    with stage.context.database.read() as connection:
        (told,) = read_history(connection, KEYS, [person], [])["replies"]
    assert told["answered"] == "Terima kasih Warga 0, sampai jumpa."
    with stage.context.database.begin() as connection:
        erase_contact(connection, person, stage.context.now_us())
    (row,) = stage.replies
    assert row.reply_sealed is None
    with stage.context.database.read() as connection:
        assert set(connection.execute(select(receipts.c.raw_sealed)).scalars()) == {None}
    stage.run(lambda c: reply_queue.begin_replies(c, [_as_due(row)], 1, stage.context.now_us()))
    assert stage.states == ["cancelled"]


def _as_due(row: Any) -> reply_queue.DueReply:
    return reply_queue.DueReply(row.id, row.sender_id, row.address_hash, b"", row.reply, b"", 0, row.reply_until_us)


def test_made_up_numbers_are_answered_by_the_simulator_only(stage: Replying) -> None:
    stage.say("BANTUAN", "+6286012345678")
    stage.answer()
    assert (stage.states, stage.provider.refs) == (["failed"], [])


def test_a_few_changes_of_mind_are_confirmed_and_then_no_more(stage: Replying) -> None:
    stage.running()
    for _ in range(5):
        stage.say("HADIR")
    assert [row.no_reply for row in stage.replies] == ["", "", "", "recent", "recent"]


def test_two_robots_fall_silent(database_url: str, sqlite_template: Path, tmp_path: Path) -> None:
    """Two installations answer each other's automatic answers: one word each at most."""
    import shutil

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    shutil.copyfile(sqlite_template, tmp_path / "other.db")
    ours = Replying(database_url, tmp_path / "a", inbound={"texts": {"not-understood": "Baik, kami mengerti."}})
    theirs = Replying(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "b")
    ours.say("Halo, apa kabar?", "+6281200000002")
    for _ in range(6):
        for here, there, number in ((ours, theirs, "+6281200000001"), (theirs, ours, "+6281200000002")):
            said = len(here.provider.texts)
            here.answer()
            for text in here.provider.texts[said:]:
                there.say(text, number)
    assert len(ours.provider.texts) == 1
    assert len(theirs.provider.texts) == 1
    assert [row.no_reply for row in ours.replies] == ["", "robot"]
    ours.close()
    theirs.close()


WORKER = """
import asyncio, os, sys
from pathlib import Path
from dispatcher.spi import Accepted
from tests.integration.engine.scripted import Provider
from tests.integration.engine.test_reply_sender import Replying
from dispatcher.operations.deliver import Deliverer

url, folder = sys.argv[1:]

async def hang(message):
    with open(Path(folder) / "sent", "a") as file:
        file.write(message.ref + "\\n")
    await asyncio.sleep(60)
    return Accepted(("late",))

async def work():
    stage = Replying(url, Path(folder), Provider(hang, inbound=True))
    await Deliverer(stage.context).run()

asyncio.run(work())
"""


def test_a_worker_killed_while_it_answers_leaves_one_answer_and_no_second(stage: Replying, tmp_path: Path) -> None:
    """Invariant 3: SIGKILL between the begin and the end."""
    stage.say("BANTUAN")
    sent = tmp_path / "sent"
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, stage.url, str(tmp_path)], env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    )
    deadline = time.monotonic() + 60
    while not sent.exists() or not sent.read_text():
        assert worker.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert stage.states == ["begun"]
    long_ago = stage.context.now_us() - reply_queue.LEASE_US
    stage.settle(reply_begun_us=long_ago)
    with stage.context.database.begin() as connection:
        connection.execute(update(leases).values(until_us=long_ago))
    stage.tick()
    stage.say("BANTUAN", "+6281234500001")
    stage.answer()
    assert stage.states == ["unknown", "accepted"]
    assert len(stage.provider.refs) == 1
    assert len(sent.read_text().split()) == 1


def test_on_whatsapp_only_within_a_day_of_the_persons_message(database_url: str, tmp_path: Path) -> None:
    stage = Replying(database_url, tmp_path, Provider(inbound=True, media="whatsapp", free_text=False))
    now_us = stage.context.now_us()
    stage.say("BANTUAN", occurred_us=now_us - DAY_US)
    stage.say("BANTUAN", "+6281234500001", occurred_us=now_us - DAY_US + 65 * MINUTE_US)
    late, near = stage.replies
    assert late.no_reply == "window"
    assert near.reply_until_us - now_us <= 5 * MINUTE_US + SECOND_US
    stage.close()


async def _slow(message: OutboundMessage) -> Outcome:
    await asyncio.sleep(0.3)
    return Accepted(("a",))


def test_a_stop_of_the_worker_waits_for_the_answer_that_is_under_way(stage: Replying) -> None:
    stage.provider.answer = _slow
    stage.say("BANTUAN")
    stage.drain(lambda: bool(stage.provider.refs))
    assert stage.states == ["accepted"]
