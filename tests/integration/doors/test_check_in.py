"""At the door: once, whoever else does it; taken back; nobody's time but the database's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from dispatcher.core.clock import HOUR_US
from dispatcher.core.errors import UsageError
from dispatcher.operations.check_in import Arrival, check_in, undo, undo_guest
from dispatcher.operations.contacts import erase_contact
from dispatcher.operations.doors import DoorShut, find_door, list_doors, open_door, revoke_door
from dispatcher.operations.guests import Guest, register_guest
from dispatcher.store.check_ins import present
from dispatcher.store.doors import filled_us, uncoded
from dispatcher.store.tables import door_codes, doors, guests, journal, session_people, steps
from tests.integration.doors.stage import SLUG, Stage, connect


def _twice(stage: Stage, typed: str) -> tuple[Arrival, Arrival]:
    first = check_in(stage.context, stage.door("Utara"), typed, "a" * 8)
    return first, check_in(stage.context, stage.door("Selatan"), typed, "b" * 8)


def test_the_second_time_is_refused_kindly(stage: Stage) -> None:
    person = stage.invite("Hj. SITI AMINAH, S.Pd", rw=4)
    first, second = _twice(stage, f"D:{stage.code(person).replace('-', '')}")
    assert (first.outcome, second.outcome) == ("welcome", "already")
    assert first.face is not None
    assert (first.face.first_name, first.face.rw) == ("Siti", 4)
    assert (second.at_us, second.door) == (first.at_us, "Utara")
    assert stage.came(person) == first.at_us


@pytest.mark.parametrize("_", range(5))
def test_two_officers_at_once_make_one_check_in(stage: Stage, _: int) -> None:
    person = stage.invite("Siti")
    ready = Barrier(4)
    officers = [stage.door(label) for label in ("A", "B", "C", "D")]

    def arrive(number: int) -> str:
        ready.wait()
        return check_in(stage.context, officers[number], stage.code(person), f"ref-{number:08}").outcome

    with ThreadPoolExecutor(4) as threads:
        outcomes = sorted(threads.map(arrive, range(4)))
    assert outcomes == ["already", "already", "already", "welcome"]


def test_a_request_that_is_sent_again_is_welcomed_again(stage: Stage) -> None:
    """Its answer was lost on the way: the officer must not be told of a double."""
    person, door = stage.invite("Siti"), stage.door()
    first = check_in(stage.context, door, stage.code(person), "same-ref")
    again = check_in(stage.context, door, stage.code(person), "same-ref")
    assert first == again
    assert check_in(stage.context, door, stage.code(person), "another-ref").outcome == "already"


def test_codes_that_are_no_code_here(stage: Stage) -> None:
    stage.session("kelas-2", title="Kelas dua")
    other_step = stage.build.step(stage.campaign_id, "undangan", "kelas-2", ordinal=1)
    person = stage.invite(step_id=other_step)
    stage.door(slug="kelas-2")
    door = stage.door()
    assert check_in(stage.context, door, "7K3M", "r" * 8).outcome == "unreadable"
    assert check_in(stage.context, door, "7K3M-Q2XD", "r" * 8).outcome == "unknown"
    elsewhere = check_in(stage.context, door, stage.code(person, "kelas-2"), "r" * 8)
    assert elsewhere.outcome == "elsewhere"
    assert elsewhere.session is not None
    assert elsewhere.session.title == "Kelas dua"
    assert stage.rows(session_people) == []


def test_who_is_invited_after_the_door_was_opened_is_known_too(stage: Stage) -> None:
    door = stage.door()
    late = stage.invite("Budi")
    assert check_in(stage.context, door, stage.code(late), "r" * 8).outcome == "welcome"
    stranger = stage.known("Tono")
    assert check_in(stage.context, door, stage.code(stranger), "r" * 8).outcome == "unknown"


def test_who_was_invited_under_ids_older_than_the_step_has_a_code(stage: Stage) -> None:
    """A process takes ids by the block, and uses what is left of one for a step that begins long after."""
    person = stage.invite("Siti")
    begun = {"started_us": stage.context.now_us() + HOUR_US}
    with stage.context.database.begin() as connection:
        connection.execute(steps.update().where(steps.c.id == stage.step_id).values(**begun))
        assert list(uncoded(connection, SLUG)) == [person.id]


def test_of_steps_that_were_done_before_only_new_ones_are_looked_through(stage: Stage) -> None:
    now_us = stage.context.now_us()
    done = {"started_us": now_us - HOUR_US, "expanded_us": now_us - HOUR_US}
    with stage.context.database.begin() as connection:
        connection.execute(steps.update().where(steps.c.id == stage.step_id).values(**done))
    stage.invite("Siti")
    door = stage.door()
    sooner = stage.known("Budi")
    with stage.context.database.read() as connection:
        assert list(uncoded(connection, SLUG, filled_us(connection, door.id))) == []
    later = stage.build.step(stage.campaign_id, "susulan", SLUG, ordinal=1, started_us=now_us - HOUR_US)
    person = stage.invite("Wati", step_id=later)
    assert check_in(stage.context, door, stage.code(person), "r" * 8).outcome == "welcome"
    assert check_in(stage.context, door, stage.code(sooner), "r" * 8).outcome == "unknown"
    with stage.context.database.read() as connection:
        # less what a page that is being stored may take
        assert filled_us(connection, door.id) >= now_us - HOUR_US // 12


def test_who_was_erased_is_nobody(stage: Stage) -> None:
    person = stage.invite("Siti")
    door = stage.door()
    erase_contact(stage.context, str(person.id), by="Ani")
    assert stage.rows(door_codes) == []
    assert check_in(stage.context, door, stage.code(person), "r" * 8).outcome == "unknown"
    assert stage.rows(door_codes) == []
    assert stage.came(person) is None


def test_two_people_with_one_code_are_told_apart_by_hand(stage: Stage) -> None:
    one, two = stage.invite("Siti"), stage.invite("Budi")
    door = stage.door()
    with stage.context.database.begin() as connection:
        same = select(door_codes.c.code).where(door_codes.c.contact_id == one.id).scalar_subquery()
        connection.execute(door_codes.update().where(door_codes.c.contact_id == two.id).values(code=same))
    assert check_in(stage.context, door, stage.code(one), "r" * 8).outcome == "shared"


def test_a_mistake_is_taken_back_once_and_on_record(stage: Stage) -> None:
    person, door = stage.invite("Siti"), stage.door("Utara")
    code = stage.code(person)
    first = check_in(stage.context, door, code, "r" * 8)
    assert undo(stage.context, door, code, first.at_us).outcome == "undone"
    assert stage.rows(session_people) == []
    assert check_in(stage.context, door, code, "s" * 8).outcome == "welcome"
    # the same undo, sent again late, does not touch the second check-in
    assert undo(stage.context, door, code, first.at_us).outcome == "not-undone"
    assert stage.came(person) is not None
    acts = [(row.actor, row.verb, row.subject, row.details) for row in stage.rows(journal) if row.verb == "door undo"]
    assert acts == [("Utara", "door undo", SLUG, {"door": door.id, "contact": person.id})]


def test_an_undo_keeps_the_answer(stage: Stage) -> None:
    person, door = stage.invite("Siti"), stage.door()
    stage.answer(person, "yes")
    first = check_in(stage.context, door, stage.code(person), "r" * 8)
    undo(stage.context, door, stage.code(person), first.at_us)
    (row,) = stage.rows(session_people)
    assert (row.rsvp, row.checked_in_us, row.checked_in_via) == ("yes", None, "")


def test_guests_are_counted_once_a_request(stage: Stage) -> None:
    door = stage.door()
    guest = Guest("ref-guest-1", group="pkk")
    first = register_guest(stage.context, door, guest)
    assert register_guest(stage.context, door, guest).outcome == first.outcome == "guest"
    assert [(row.session_slug, row.group_slug) for row in stage.rows(guests)] == [(SLUG, "pkk")]
    assert undo_guest(stage.context, door, "ref-guest-1").outcome == "undone"
    assert undo_guest(stage.context, door, "ref-guest-1").outcome == "not-undone"
    assert stage.rows(guests) == []


def test_present_counts_people_guests_and_answers(stage: Stage) -> None:
    door, came, absent = stage.door(), stage.invite("Siti"), stage.invite("Budi")
    stage.answer(came, "yes")
    stage.answer(absent, "yes")
    check_in(stage.context, door, stage.code(came), "r" * 8)
    register_guest(stage.context, door, Guest("ref-guest-1"))
    with stage.context.database.read() as connection:
        assert present(connection, SLUG) == (1, 1, 2)


def test_a_link_is_shown_once_and_stored_hashed(stage: Stage) -> None:
    token = stage.token("Utara")
    assert len(token) >= 22
    (row,) = stage.rows(doors)
    assert token not in str(tuple(row))
    assert find_door(stage.context, token).label == "Utara"
    assert token not in str(list_doors(stage.context, SLUG))
    assert token not in str([tuple(row) for row in stage.rows(journal)])


def test_a_revoked_link_opens_nothing(stage: Stage) -> None:
    token, other = stage.token("Utara"), stage.token("Selatan")
    door = find_door(stage.context, token)
    assert revoke_door(stage.context, SLUG, door.id, "Ani")["was_open"]
    assert not revoke_door(stage.context, SLUG, door.id, "Ani")["was_open"]
    with pytest.raises(DoorShut, match="revoked"):
        find_door(stage.context, token)
    assert find_door(stage.context, other).label == "Selatan"
    assert [row["state"] for row in list_doors(stage.context, SLUG)] == ["revoked", "open"]
    with pytest.raises(UsageError, match="no door 4711"):
        revoke_door(stage.context, SLUG, 4711, "Ani")


def test_a_link_ends_after_its_session_wherever_that_moves(stage: Stage) -> None:
    token = stage.token(after_us=HOUR_US)
    now_us = stage.context.now_us()
    stage.move(starts_us=now_us - 9 * HOUR_US, ends_us=now_us - 2 * HOUR_US)
    with pytest.raises(DoorShut, match="over"):
        find_door(stage.context, token)
    stage.move(starts_us=now_us + 90 * HOUR_US, ends_us=now_us + 93 * HOUR_US)
    assert find_door(stage.context, token).closes_us == now_us + 94 * HOUR_US


@pytest.mark.parametrize("token", ["", "x", "a" * 24, "a" * 5000, "é", "'; DROP TABLE doors"])
def test_made_up_links_open_nothing(stage: Stage, token: str) -> None:
    stage.token()
    with pytest.raises(DoorShut, match="unknown"):
        find_door(stage.context, token)


def test_doors_need_a_session_and_an_address(stage: Stage, sqlite_url: str) -> None:
    with pytest.raises(UsageError, match="no session kelas-9"):
        open_door(stage.context, "kelas-9", "Ani")
    context = connect(sqlite_url)
    context.environment._environ = {}  # type: ignore[misc]
    with pytest.raises(UsageError, match="address to open"):
        open_door(context, SLUG, "Ani")
    context.database.close()
