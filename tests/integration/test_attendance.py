"""Places in sessions: kept once, given on, and told by replies."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from dispatcher.core.clock import DAY_US
from dispatcher.core.errors import UsageError
from dispatcher.core.status import Status
from dispatcher.operations import retain
from dispatcher.operations.contacts import erase_contact, erase_in
from dispatcher.operations.session_list import list_sessions
from dispatcher.operations.sessions import set_session
from dispatcher.store import retention
from dispatcher.store.attendance import set_rsvp
from dispatcher.store.tables import answers, contacts, inbound, plans, session_people, sessions, steps
from tests.acceptance.place import eventually
from tests.integration.builders import Person, somebody_waits
from tests.integration.web.stage import Stage

ANSWERS = [
    {"meaning": "hadir", "keywords": ["HADIR", "YA"], "rsvp": "yes"},
    {"meaning": "tidak-hadir", "keywords": ["TIDAK"], "rsvp": "no"},
    {"meaning": "info", "keywords": ["JADWAL"]},
]


class Sessions(Stage):
    """A campaign that invites to two sessions, and reminds those who have not declined."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.class_id = self.build.campaign("kelas")
        for slug, capacity in (("pusat", 2), ("barat", None)):
            starts_us = self.build.now_us + DAY_US
            with self.context.database.begin() as connection:
                row = {
                    "slug": slug,
                    "title": slug,
                    "place": slug,
                    "starts_us": starts_us,
                    "capacity": capacity,
                    "updated_us": 1,
                }
                connection.execute(insert(sessions).values(**row))
        written = [{"name": "undangan"}, {"name": "pengingat", "audience": {"rsvp": ["yes", "waiting", "none"]}}]
        written.append({"name": "bahan", "audience": {"rsvp": []}})
        document = {"campaign": {"answers": ANSWERS, "steps": written, "sessions": {"barat": {"code": "B1"}}}}
        with self.context.database.begin() as connection:
            connection.execute(update(plans).where(plans.c.slug == "kelas").values(document=document))
        self.steps = {
            (name, occasion): self.build.step(self.class_id, name, occasion)
            for name in ("undangan", "pengingat", "bahan")
            for occasion in ("pusat", "barat")
        }
        self.said = 0

    def invited(self, *occasions: str) -> Person:
        person = self.person()
        for occasion in occasions:
            self.message(Status.DELIVERED, person, step_id=self.steps["undangan", occasion])
        return person

    def reply(self, person: Person, text: str) -> None:
        self.said += 1
        self.say(person, text, f"SM{self.said}")

    def rsvp(self, person: Person, answer: Any, slug: str = "pusat") -> str:
        now_us = self.context.now_us()
        return self.context.database.run(lambda c: set_rsvp(c, slug, person.id, answer, "reply", now_us))

    @property
    def places(self) -> dict[tuple[str, int], str]:
        return {(row.session_slug, row.contact_id): row.rsvp for row in self.rows(session_people)}


@pytest.fixture
def stage(database_url: str) -> Iterator[Sessions]:
    stage = Sessions(database_url)
    yield stage
    stage.assert_conserved()
    stage.context.database.close()


def test_a_full_session_has_a_waiting_list_that_moves_up_in_its_order(stage: Sessions) -> None:
    a, b, c, d = people = [stage.person() for _ in range(4)]
    assert [stage.rsvp(one, "yes") for one in people] == ["yes", "yes", "waiting", "waiting"]
    assert stage.rsvp(c, "yes") == "waiting"
    assert stage.rsvp(a, "yes") == "yes"
    assert stage.rsvp(d, "no") == "no"
    assert stage.rsvp(d, "yes") == "waiting"
    assert stage.rsvp(b, "no") == "no"
    assert [stage.places["pusat", one.id] for one in people] == ["yes", "no", "yes", "waiting"]
    (found,) = [one for one in list_sessions(stage.context) if one["code"] == "pusat"]
    assert (found["rsvp"], found["promoted"]) == ({"yes": 2, "no": 1, "waiting": 1}, 1)


def test_more_places_are_given_to_those_who_wait(stage: Sessions) -> None:
    people = [stage.person() for _ in range(4)]
    for one in people:
        stage.rsvp(one, "yes")
    with stage.context.database.begin() as connection:
        connection.execute(update(steps).values(state="done"))
    set_session(stage.context, "pusat", {"capacity": "3"}, "Ani")
    assert [stage.places["pusat", one.id] for one in people] == ["yes", "yes", "yes", "waiting"]


def test_a_move_tells_how_many_were_told_the_former_time(stage: Sessions) -> None:
    """Who was reached or may have been, once, unless they declined."""
    people = [stage.invited("pusat") for _ in range(3)]
    stage.message(Status.QUEUED, stage.person(), step_id=stage.steps["undangan", "pusat"])
    stage.message(Status.DELIVERED, people[0], step_id=stage.steps["bahan", "pusat"])
    stage.rsvp(people[2], "no")
    with stage.context.database.begin() as connection:
        connection.execute(update(steps).values(state="done"))
    assert set_session(stage.context, "pusat", {"place": "Aula"}, "Ani")["told"] == {"pusat": 2}
    assert set_session(stage.context, "pusat", {"capacity": "7"}, "Ani")["told"] == {}


def test_a_place_is_never_given_twice(stage: Sessions) -> None:
    """Who asks at the same time waits for the others' commits."""
    people = [stage.person() for _ in range(12)]
    together = threading.Barrier(len(people))
    outcomes: list[str] = []

    def ask(one: Person) -> None:
        together.wait()
        outcomes.append(stage.rsvp(one, "yes"))

    threads = [threading.Thread(target=ask, args=(one,)) for one in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["waiting"] * 10 + ["yes"] * 2


def test_an_unknown_session(stage: Sessions) -> None:
    with pytest.raises(UsageError, match="no session"):
        stage.rsvp(stage.person(), "yes", "nirwana")


def test_a_reply_to_an_invitation_takes_a_place(stage: Sessions) -> None:
    person = stage.invited("pusat")
    stage.reply(person, "Hadir pak")
    assert stage.places == {("pusat", person.id): "yes"}
    stage.reply(person, "JADWAL")
    assert stage.places == {("pusat", person.id): "yes"}
    stage.reply(person, "TIDAK")
    assert stage.places == {("pusat", person.id): "no"}
    assert stage.answers == [(person.id, "tidak-hadir")]


def test_of_several_invitations_the_code_tells_which(stage: Sessions) -> None:
    person = stage.invited("pusat", "barat")
    stage.reply(person, "HADIR B1")
    assert stage.places == {("barat", person.id): "yes"}
    (row,) = stage.rows(answers)
    assert row.step_id == stage.steps["undangan", "barat"]
    stage.reply(person, "tidak pusat")
    assert stage.places == {("barat", person.id): "yes", ("pusat", person.id): "no"}
    stage.reply(person, "PUSAT")
    assert stage.places["pusat", person.id] == "yes"


def test_of_several_invitations_none_is_guessed(stage: Sessions) -> None:
    person = stage.invited("pusat", "barat")
    stage.reply(person, "HADIR")
    assert (stage.places, stage.answers) == ({}, [(person.id, "hadir")])
    (row,) = stage.rows(inbound)
    assert (row.needs_person, row.reply) == (True, "answer")
    text = stage.context.keys.sealer.open("inbound.reply", row.id, row.reply_sealed)
    assert text == "Terima kasih. Anda diundang ke beberapa acara. Balas dengan kodenya: B1, PUSAT. (Balasan otomatis)"


def test_a_session_that_one_was_not_invited_to_waits_for_a_person(stage: Sessions) -> None:
    person = stage.invited("pusat")
    stage.reply(person, "HADIR B1")
    assert (stage.places, stage.answers, stage.inbox) == ({}, [], [("", True)])


def test_a_session_that_is_over_is_left_as_it_is(stage: Sessions) -> None:
    person = stage.invited("pusat")
    with stage.context.database.begin() as connection:
        connection.execute(update(sessions).values(starts_us=1))
    stage.reply(person, "HADIR")
    assert (stage.places, stage.answers) == ({}, [(person.id, "hadir")])


def test_who_finds_the_session_full_is_told_so(stage: Sessions) -> None:
    for _ in range(2):
        stage.rsvp(stage.person(), "yes")
    person = stage.invited("pusat")
    stage.reply(person, "HADIR")
    assert stage.places["pusat", person.id] == "waiting"
    (row,) = stage.rows(inbound)
    assert "daftar tunggu" in stage.context.keys.sealer.open("inbound.reply", row.id, row.reply_sealed)


def test_a_decline_cancels_reminders_that_wait_in_its_commit(stage: Sessions) -> None:
    """Invariant 8: of this session, and of steps that leave out who declined."""
    person = stage.invited("pusat", "barat")
    other = stage.invited("pusat")
    reminder = stage.message(Status.QUEUED, person, step_id=stage.steps["pengingat", "pusat"], claim_token=9)
    material = stage.message(Status.QUEUED, person, step_id=stage.steps["bahan", "pusat"])
    elsewhere = stage.message(Status.QUEUED, person, step_id=stage.steps["pengingat", "barat"])
    others = stage.message(Status.QUEUED, other, step_id=stage.steps["pengingat", "pusat"])
    stage.reply(person, "TIDAK PUSAT")
    assert (stage.status(reminder), stage.row(reminder).reason) == (Status.CANCELLED, "declined")
    assert stage.row(reminder).claim_token is None
    assert {stage.status(one) for one in (material, elsewhere, others)} == {Status.QUEUED}


@pytest.mark.parametrize("text", ["HADIR B1 TIDAK PUSAT", "HADIR PUSAT BARAT", "🙏" * 40, "PUSAT " * 2_000])
def test_what_cannot_be_one_answer_waits_for_a_person(stage: Sessions, text: str) -> None:
    person = stage.invited("pusat", "barat")
    stage.reply(person, text)
    assert (stage.places, stage.answers, stage.inbox) == ({}, [], [("", True)])


def test_a_shared_number_takes_nobodys_place(stage: Sessions) -> None:
    from dispatcher.store.tables import contact_points

    person, neighbour = stage.invited("pusat"), stage.person()
    shared = update(contact_points).where(contact_points.c.contact_id == neighbour.id)
    with stage.context.database.begin() as connection:
        connection.execute(shared.values(address_hash=stage.context.keys.hash_address(person.number)))
    stage.reply(person, "HADIR")
    assert (stage.places, stage.inbox) == ({}, [("", True)])
    with stage.context.database.read() as connection:
        assert connection.execute(select(session_people)).all() == []


def _erase(stage: Sessions, *people: Person) -> None:
    now_us = stage.context.now_us()
    stage.context.database.run(lambda c: erase_in(c, [one.id for one in people], now_us))


def test_the_place_of_who_is_erased_goes_to_who_waits_longest_in_the_same_commit(stage: Sessions) -> None:
    """And whoever waited and was erased is passed over."""
    first, second, third, fourth, fifth, sixth = people = [stage.invited("pusat") for _ in range(6)]
    said = [stage.rsvp(person, "yes") for person in people]
    assert said == ["yes", "yes", "waiting", "waiting", "waiting", "waiting"]
    _erase(stage, third)
    assert stage.places["pusat", fourth.id] == "waiting", "nothing is free"
    erase_contact(stage.context, str(first.id), by="Ani")
    assert stage.places["pusat", third.id] == "waiting", "nobody comes for it"
    assert stage.places["pusat", fourth.id] == "yes"
    _erase(stage, second, fourth)
    assert [stage.places["pusat", one.id] for one in (fifth, sixth)] == ["yes", "yes"]
    assert stage.rsvp(stage.person(), "yes") == "waiting"


def test_who_is_erased_after_the_session_gives_no_place_on(stage: Sessions) -> None:
    """Else the report would miss somebody who was never told that there was room."""
    first, _, third = people = [stage.person() for _ in range(3)]
    for one in people:
        stage.rsvp(one, "yes")
    with stage.context.database.begin() as connection:
        connection.execute(update(sessions).values(starts_us=1))
    _erase(stage, first)
    assert stage.places["pusat", third.id] == "waiting"


def test_people_who_grow_too_old_give_their_places_on(stage: Sessions) -> None:
    first, _, third = people = [stage.person() for _ in range(3)]
    for one in people:
        stage.rsvp(one, "yes")
    with stage.context.database.begin() as connection:
        connection.execute(update(contacts).where(contacts.c.id == first.id).values(updated_us=1))
        connection.execute(update(session_people).where(session_people.c.contact_id == first.id).values(rsvp_us=1))
    aged = retention.people(stage.context.now_us() - DAY_US)
    stage.context.database.run(lambda c: retain._page(stage.context.now_us(), aged, 0, c))
    assert stage.places["pusat", third.id] == "yes"


def test_a_place_that_an_erasure_frees_is_not_given_twice(postgres_url: str) -> None:
    """On SQLite whoever writes is alone. Who asks at that very instant comes after who waited."""
    stage = Sessions(postgres_url)
    first, _, third = people = [stage.person() for _ in range(3)]
    for one in people:
        stage.rsvp(one, "yes")
    late = stage.person()
    with ThreadPoolExecutor(1) as thread:
        with stage.context.database.begin() as connection:
            erase_in(connection, [first.id], stage.context.now_us())
            asked = thread.submit(stage.rsvp, late, "yes")
            eventually(lambda: somebody_waits(stage.context))
        assert asked.result(30) == "waiting"
    assert stage.places["pusat", third.id] == "yes"
    stage.context.database.close()


def test_an_erasure_and_a_decline_at_once_do_not_wait_for_each_other(postgres_url: str) -> None:
    """Both lock the session before the messages that wait."""
    stage = Sessions(postgres_url)
    person = stage.invited("pusat")
    stage.rsvp(person, "yes")
    reminder = stage.message(Status.QUEUED, person, step_id=stage.steps["pengingat", "pusat"])

    def erase() -> None:
        with stage.context.database.begin() as connection:  # once: a deadlock would come out
            erase_in(connection, [person.id], stage.context.now_us())

    with ThreadPoolExecutor(1) as thread:
        with stage.context.database.begin() as connection:
            connection.execute(select(sessions.c.slug).where(sessions.c.slug == "pusat").with_for_update())
            erased = thread.submit(erase)
            eventually(lambda: somebody_waits(stage.context))
            set_rsvp(connection, "pusat", person.id, "no", "reply", stage.context.now_us())
        erased.result(30)
    assert (stage.status(reminder), stage.row(reminder).reason) == (Status.CANCELLED, "declined")
    stage.assert_conserved()
    stage.context.database.close()


def test_who_is_given_a_place_while_being_erased_passes_it_on(postgres_url: str) -> None:
    """Promoted by one transaction and erased by another: the erasure waits, and sees the place."""
    stage = Sessions(postgres_url)
    first, second, third, fourth = people = [stage.person() for _ in range(4)]
    assert [stage.rsvp(one, "yes") for one in people] == ["yes", "yes", "waiting", "waiting"]

    def erase() -> None:
        now_us = stage.context.now_us()
        stage.context.database.run(lambda c: erase_in(c, [third.id], now_us))

    with ThreadPoolExecutor(1) as thread:
        with stage.context.database.begin() as connection:
            set_rsvp(connection, "pusat", first.id, "no", "reply", stage.context.now_us())
            erasing = thread.submit(erase)
            eventually(lambda: erasing.done() or somebody_waits(stage.context))
        erasing.result(30)
    assert stage.places["pusat", second.id] == stage.places["pusat", fourth.id] == "yes"
    stage.context.database.close()
