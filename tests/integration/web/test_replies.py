"""What people write back: refusals act, keywords answer, the rest waits for a person."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, update

from dispatcher.core.clock import DAY_US
from dispatcher.core.status import Status
from dispatcher.operations.ingest import Arrived, Ingest
from dispatcher.spi import HookAnswer, Inbound
from dispatcher.store.tables import (
    answer_events,
    answers,
    campaigns,
    consents,
    contact_points,
    inbound,
    messages,
    suppressions,
)
from tests.acceptance.place import eventually
from tests.integration.builders import KEYS, Person, somebody_waits
from tests.integration.web.stage import Stage


@pytest.mark.parametrize("text", ["STOP", "Berhenti.", "tolong stop ya pak"])
def test_a_stop_suppresses_and_cancels_in_one_commit(stage: Stage, text: str) -> None:
    """Invariants 8 and 14; all purposes, all senders."""
    person, other = stage.person(), stage.person()
    waiting = stage.message(Status.QUEUED, person, sender="wa", claim_token=9)
    spared = stage.message(Status.QUEUED, other)
    stage.say(person, text)
    assert [(row.address_hash, row.purpose) for row in stage.rows(suppressions)] == [
        (KEYS.hash_address(person.number), "*")
    ]
    assert (stage.row(waiting).status, stage.row(waiting).reason) == ("cancelled", "opted_out")
    assert stage.row(waiting).claim_token is None
    assert stage.status(spared) is Status.QUEUED
    assert stage.inbox == [("stop", False)]


def test_a_stop_that_the_provider_recognised(stage: Stage) -> None:
    stage.say(stage.person(), "Arrêtez", opt_out="stop")
    assert len(stage.rows(suppressions)) == 1


def test_a_stop_from_an_unknown_number_holds_for_later(stage: Stage) -> None:
    stage.say(Person(0, 0, "+6281399999999"), "STOP")
    assert stage.rows(suppressions)[0].address_hash == KEYS.hash_address("+6281399999999")
    assert stage.rows(inbound)[0].contact_id is None


def test_start_does_not_lift_a_refusal(stage: Stage) -> None:
    """Invariant 14: a person decides."""
    person = stage.person()
    stage.say(person, "STOP", "SM1")
    stage.say(person, "MULAI", "SM2")
    assert len(stage.rows(suppressions)) == 1
    assert stage.inbox == [("stop", False), ("start", True)]


def test_help_waits_for_a_person(stage: Stage) -> None:
    stage.say(stage.person(), "BANTUAN")
    assert stage.inbox == [("help", True)]


def test_a_keyword_answers_the_campaign(stage: Stage) -> None:
    person = stage.person()
    message = stage.message(Status.DELIVERED, person)
    stage.say(person, "Hadir pak 🙏")
    (row,) = stage.rows(answers)
    assert (row.campaign_id, row.contact_id, row.meaning, row.via) == (stage.campaign_id, person.id, "hadir", "reply")
    assert (row.step_id, row.message_id, row.cell_id) == (stage.step_id, message, person.cell_id)
    assert row.text_version == f"{'f' * 16}/ajakan/0"
    assert row.text_hash == hashlib.sha256(b"Halo").hexdigest()
    assert stage.inbox == [("hadir", False)]
    assert stage.rows(inbound)[0].contact_id == person.id


def test_a_button_answers_as_well(stage: Stage) -> None:
    person = stage.person()
    stage.message(Status.DELIVERED, person)
    stage.say(person, "Saya akan datang", button="HADIR")
    assert stage.answers == [(person.id, "hadir")]


def test_the_last_answer_wins(stage: Stage) -> None:
    campaign_id, step_id = stage.campaign("rapat", {"hadir": ["HADIR"], "tidak": ["TIDAK"]})
    person = stage.person()
    stage.message(Status.READ, person, step_id=step_id)
    stage.say(person, "HADIR", "SM1")
    stage.say(person, "TIDAK", "SM2")
    assert [(row.campaign_id, row.meaning) for row in stage.rows(answers)] == [(campaign_id, "tidak")]


def _undecided(stage: Stage) -> Person:
    """Somebody whom a campaign asked, and who may say one thing or the other."""
    _, step_id = stage.campaign("rapat", {"hadir": ["HADIR"], "tidak": ["TIDAK"]})
    person = stage.person()
    stage.message(Status.READ, person, step_id=step_id)
    return person


def _said(person: Person, *texts: str) -> list[HookAnswer]:
    return [HookAnswer(inbound=(Inbound(f"SM-{n}-{text}", person.number, text),)) for n, text in enumerate(texts)]


def test_answers_of_one_person_in_one_batch_have_the_same_instant_and_are_all_kept(stage: Stage) -> None:
    """The last of them counts; one that is said twice at one instant is one event."""
    person = _undecided(stage)
    stage.take(*_said(person, "HADIR", "TIDAK", "TIDAK"))
    assert stage.answers == [(person.id, "tidak")]
    events = stage.rows(answer_events)
    assert {row.meaning for row in events} == {"hadir", "tidak"}
    assert len(events) == 2
    assert len({row.at_us for row in events}) == 1
    assert stage.inbox == [("hadir", False), ("tidak", False), ("tidak", False)]


def test_answers_of_one_person_in_two_batches_at_once_are_both_kept(postgres_url: str) -> None:
    """On SQLite whoever writes is alone. Neither batch fails; the one that commits last counts."""
    stage = Stage(postgres_url)
    person = _undecided(stage)
    first, second = _said(person, "HADIR", "TIDAK")
    other = Ingest(stage.context)
    with ThreadPoolExecutor(1) as thread:
        with stage.context.database.begin() as connection:
            begun = Arrived(stage.senders["sms"], first, "raw")
            stage.ingest._take(connection, [begun], iter(stage.ingest._ids.take(1)))
            said = thread.submit(other.take, [Arrived(stage.senders["sms"], second, "raw")])
            eventually(lambda: somebody_waits(stage.context))
        said.result(30)
    assert stage.answers == [(person.id, "tidak")]
    assert sorted(row.meaning for row in stage.rows(answer_events)) == ["hadir", "tidak"]
    assert stage.inbox == [("hadir", False), ("tidak", False)]
    stage.context.database.close()


def test_the_latest_campaign_that_has_the_keyword_is_meant(stage: Stage) -> None:
    older, older_step = stage.campaign("ikrar", {"setuju": ["SETUJU"]})
    _, newer_step = stage.campaign("rapat", {"hadir": ["HADIR"]})
    person = stage.person()
    stage.message(Status.READ, person, step_id=older_step, begun_us=stage.build.now_us - DAY_US)
    stage.message(Status.READ, person, step_id=newer_step)
    stage.say(person, "SETUJU")
    assert [(row.campaign_id, row.meaning) for row in stage.rows(answers)] == [(older, "setuju")]


@pytest.mark.parametrize("status", [Status.QUEUED, Status.FAILED, Status.CANCELLED, Status.EXPIRED])
def test_a_campaign_that_did_not_reach_the_number_is_not_answered(stage: Stage, status: Status) -> None:
    person = stage.person()
    stage.message(status, person)
    stage.say(person, "HADIR")
    assert (stage.answers, stage.inbox) == ([], [("", True)])


def test_an_answer_after_thirty_days_waits_for_a_person(stage: Stage) -> None:
    person = stage.person()
    stage.message(Status.READ, person, begun_us=stage.build.now_us - 31 * DAY_US)
    stage.say(person, "HADIR")
    assert (stage.answers, stage.inbox) == ([], [("", True)])


def test_a_shared_number_answers_for_nobody_and_stops_for_all(stage: Stage) -> None:
    person, neighbour = stage.person(), stage.person()
    with stage.context.database.begin() as connection:
        connection.execute(
            update(contact_points)
            .where(contact_points.c.contact_id == neighbour.id)
            .values(address_hash=KEYS.hash_address(person.number))
        )
    stage.message(Status.READ, person)
    stage.say(person, "HADIR", "SM1")
    stage.say(person, "STOP", "SM2")
    assert (stage.answers, stage.inbox) == ([], [("", True), ("stop", False)])
    assert [row.contact_id for row in stage.rows(inbound)] == [None, None]
    assert len(stage.rows(suppressions)) == 1


@pytest.mark.parametrize("text", ["👍", "", "x" * 10_000, "Да, приду", "HADIR atau STOP?", "kapan acaranya pak\0"])
def test_everything_else_waits_for_a_person(stage: Stage, text: str) -> None:
    person = stage.person()
    stage.message(Status.READ, person)
    stage.say(person, text)
    (row,) = stage.rows(inbound)
    assert (row.meaning, row.needs_person, row.handled_us) == ("", True, None)
    assert stage.context.keys.sealer.open("inbound.text", row.id, row.text_sealed) == text
    assert stage.context.keys.sealer.open("inbound.address", row.id, row.address_sealed) == person.number


@pytest.mark.parametrize("text", ["HADIR STOP", "ya, berhenti", "mohon jangan kirim sms lagi"])
def test_a_stop_wins_over_answers(stage: Stage, text: str) -> None:
    person = stage.person()
    stage.message(Status.READ, person)
    stage.say(person, text)
    assert len(stage.rows(suppressions)) == 1
    assert stage.answers == []


def test_two_different_answers_wait_for_a_person(stage: Stage) -> None:
    _, step_id = stage.campaign("rapat", {"hadir": ["HADIR"], "tidak": ["TIDAK"]})
    person = stage.person()
    stage.message(Status.READ, person, step_id=step_id)
    stage.say(person, "HADIR TIDAK")
    assert stage.answers == []
    assert stage.inbox == [("", True)]


def test_an_answer_to_a_campaign_that_is_over_still_counts(stage: Stage) -> None:
    campaign_id, step_id = stage.campaign("lama", {"setuju": ["SETUJU"]})
    with stage.context.database.begin() as connection:
        connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(state="done"))
    person = stage.person()
    stage.message(Status.READ, person, step_id=step_id)
    stage.say(person, "SETUJU")
    assert stage.answers == [(person.id, "setuju")]
    assert stage.rows(inbound)[0].campaign_id == campaign_id


def test_stops_of_a_gateway_that_signs_nothing_are_limited_per_minute(stage: Stage) -> None:
    """What is beyond the limit is neither lost nor acted upon: it waits for a person."""
    limit = stage.context.settings.inbound.unsigned_stops_per_minute
    gateway = stage.senders["gateway"]
    for n in range(limit + 2):
        said = HookAnswer(inbound=(Inbound(f"U{n}", f"+62813111{n:05}", "STOP"),))
        stage.ingest.take([Arrived(gateway, said, "raw", signed=False)])
    assert len(stage.rows(suppressions)) == limit
    assert stage.inbox[-3:] == [("stop", False), ("stop", True), ("stop", True)]
    stage.say(Person(0, 0, "+6281399999998"), "STOP")
    assert len(stage.rows(suppressions)) == limit + 1
    assert {row.no_reply for row in stage.rows(inbound) if row.unsigned} == {"unsigned"}


def test_the_automatic_answer_that_is_due_is_kept_once(stage: Stage) -> None:
    person = stage.person()
    for sid in ("SM1", "SM1", "SM2"):
        stage.say(person, "Tempatnya di mana?", sid)
    assert [(row.reply, row.no_reply) for row in stage.rows(inbound)] == [("not-understood", ""), ("", "recent")]
    stage.say(stage.person(), "STOP", "SM3")
    assert stage.rows(inbound)[-1].reply == "stop"
    stage.say(Person(0, 0, "99123"), "Promo!", "SM4")
    assert stage.rows(inbound)[-1].no_reply == "not-a-person"


def test_a_repeated_reply_changes_nothing(stage: Stage) -> None:
    """By (sender, provider id): also where something newer came between."""
    person = stage.person()
    stage.message(Status.READ, person)
    _, step_id = stage.campaign("rapat", {"hadir": ["HADIR"], "tidak": ["TIDAK"]})
    stage.message(Status.READ, person, step_id=step_id)
    for text, sid in (("HADIR", "SM1"), ("TIDAK", "SM2"), ("HADIR", "SM1")):
        stage.say(person, text, sid)
    stage.say(person, "TIDAK", "SM1", sender="wa")
    assert [meaning for meaning, _ in stage.inbox] == ["hadir", "tidak", "tidak"]
    assert [state for state, _ in stage.events] == ["inbound"] * 4


def test_a_stop_does_not_touch_other_consents(stage: Stage) -> None:
    """The refusal belongs to the number; the ledger of the person is an officer's matter."""
    person = stage.person()
    with stage.context.database.begin() as connection:
        held = {"contact_id": person.id, "purpose": "*", "media": "sms", "granted": True, "at_us": 1}
        connection.execute(insert(consents).values(**held))
    stage.say(person, "STOP")
    assert [row.granted for row in stage.rows(consents)] == [True]


def test_nothing_personal_is_stored_in_the_clear(stage: Stage) -> None:
    person = stage.person()
    stage.message(Status.READ, person)
    stage.say(person, "Saya sakit, alamat saya di Menteng")
    stored = repr([stage.rows(table) for table in (inbound, answers, suppressions, messages)])
    assert "sakit" not in stored
    assert person.number not in stored
