"""Guests without a code: found by number, counted without a trace, or kept with their consent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from sqlalchemy import select

from dispatcher.core.phone import PhoneProblem
from dispatcher.operations.check_in import Arrival
from dispatcher.operations.contacts import stop_contact
from dispatcher.operations.guests import Guest, register_guest
from dispatcher.store.contacts import read_contact
from dispatcher.store.ledger import faults
from dispatcher.store.tables import consent_events, consents, contact_points, contacts, guests, session_people
from tests.integration.doors.stage import SLUG, Stage

NEW = "0812 9999 0001"


def _register(stage: Stage, **about: object) -> Arrival:
    values = {"ref": "ref-guest-1", "number": NEW, **about}
    return register_guest(stage.context, stage.door("Utara"), Guest(**values))  # type: ignore[arg-type]


def test_a_number_finds_somebody_on_record(stage: Stage) -> None:
    invited, known = stage.invite("Siti"), stage.known("Budi")
    first = _register(stage, number=invited.number)
    assert (first.outcome, first.face and first.face.first_name) == ("welcome", "Siti")
    assert _register(stage, number=known.number.replace("+62", "0"), ref="ref-guest-2").outcome == "welcome"
    assert _register(stage, number=invited.number, ref="ref-guest-3").outcome == "already"
    assert stage.rows(guests) == []
    assert {row.contact_id for row in stage.rows(session_people)} == {invited.id, known.id}


def test_without_consent_only_a_count_is_kept(stage: Stage) -> None:
    before = stage.rows(contacts)
    assert _register(stage, name="Rahmat", group="pkk").outcome == "guest"
    (row,) = stage.rows(guests)
    assert (row.group_slug, row.session_slug) == ("pkk", SLUG)
    assert stage.rows(contacts) == before == []
    assert stage.rows(contact_points) == []
    assert "Rahmat" not in str(tuple(row))


def test_with_consent_a_contact_is_made_and_its_word_kept(stage: Stage) -> None:
    arrival = _register(stage, name="Rahmat Hidayat", group="pkk", agrees=True)
    assert (arrival.outcome, arrival.face and arrival.face.first_name) == ("welcome", "Rahmat")
    (contact,) = stage.rows(contacts)
    with stage.context.database.read() as connection:
        record = read_contact(connection, stage.context.keys, contact.id, date(2027, 1, 1))
    assert (record["name"], record["groups"]) == ("Rahmat Hidayat", ["pkk"])
    assert record["numbers"][0]["number"] == "+6281299990001"
    ((consent),) = stage.rows(consents)
    assert (consent.granted, consent.basis, consent.purpose) == (True, "consent", "*")
    (event,) = stage.rows(consent_events)
    assert (event.granted, event.evidence, event.via[:5]) == (True, f"said yes at the door of {SLUG}", "door:")
    with stage.context.database.read() as connection:
        assert list(faults(connection)) == []
    # sent again: nobody twice
    assert _register(stage, name="Rahmat Hidayat", agrees=True).outcome == "welcome"
    assert len(stage.rows(contacts)) == len(stage.rows(consent_events)) == 1


def test_somebody_on_record_can_agree_too(stage: Stage) -> None:
    person = stage.known("Budi")
    _register(stage, number=person.number, agrees=True)
    (consent,) = stage.rows(consents)
    assert (consent.contact_id, consent.granted) == (person.id, True)


def test_a_tick_at_the_door_does_not_lift_a_refusal(stage: Stage) -> None:
    """Invariant 14."""
    person = stage.known("Budi")
    for number in (person.number, NEW):
        stop_contact(stage.context, number, by="Ani", purpose="*")
    known = _register(stage, number=person.number, agrees=True)
    assert (known.outcome, known.note) == ("welcome", "refused")
    fresh = _register(stage, ref="ref-guest-2", name="Rahmat", agrees=True)
    assert (fresh.outcome, fresh.note) == ("guest", "refused")
    assert stage.rows(consents) == []
    assert [row.id for row in stage.rows(contacts)] == [person.id]


def test_a_shared_number_asks_who_it_is(stage: Stage) -> None:
    one, two = stage.invite("Siti"), stage.invite("Budi")
    with stage.context.database.begin() as connection:
        shared = select(contact_points.c.address_hash).where(contact_points.c.contact_id == one.id).scalar_subquery()
        connection.execute(
            contact_points.update().where(contact_points.c.contact_id == two.id).values(address_hash=shared)
        )
    arrival = _register(stage, number=one.number)
    assert arrival.outcome == "shared"
    assert [(face.first_name, face.code) for face in arrival.choices] == [
        ("Siti", stage.code(one)),
        ("Budi", stage.code(two)),
    ]
    assert stage.rows(session_people) == []


@pytest.mark.parametrize(
    ("number", "agrees"), [("12", False), ("bukan nomor", True), ("", True), ("+62812" + "9" * 40, False)]
)
def test_what_is_no_number_stores_nothing(stage: Stage, number: str, agrees: bool) -> None:
    with pytest.raises(PhoneProblem):
        _register(stage, number=number, agrees=agrees, name="Rahmat")
    assert stage.rows(guests) == stage.rows(contacts) == []


def test_a_landline_is_counted_and_not_kept(stage: Stage) -> None:
    arrival = _register(stage, number="021 3456789", name="Rahmat", agrees=True)
    assert (arrival.outcome, arrival.note) == ("guest", "no-mobile")
    assert stage.rows(contacts) == []


@pytest.mark.parametrize("_", range(3))
def test_one_new_guest_at_two_doors_is_one_person(stage: Stage, _: int) -> None:
    doors = [stage.door("A"), stage.door("B")]

    def register(number: int) -> str:
        guest = Guest(f"ref-guest-{number}", NEW, "Rahmat", agrees=True)
        return register_guest(stage.context, doors[number], guest).outcome

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(register, range(2))) == ["already", "welcome"]
    assert len(stage.rows(contacts)) == 1
    assert len(stage.rows(consents)) == len(stage.rows(consent_events)) == 1


@pytest.mark.parametrize("_", range(3))
def test_consent_given_at_two_doors_at_once_is_one_word(stage: Stage, _: int) -> None:
    person, ready = stage.known("Budi"), Barrier(4)
    doors = [stage.door(label) for label in "ABCD"]

    def register(number: int) -> str:
        ready.wait()
        return register_guest(stage.context, doors[number], Guest(f"ref-{number}", person.number, agrees=True)).outcome

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(register, range(4))) == ["already", "already", "already", "welcome"]
    assert len(stage.rows(consents)) == len(stage.rows(consent_events)) == 1
