"""What the door stores of a person is exported, erased and aged."""

from __future__ import annotations

from sqlalchemy import select, update

from dispatcher.core.clock import DAY_US
from dispatcher.operations.check_in import check_in
from dispatcher.operations.contacts import erase_contact, export_contact
from dispatcher.operations.retain import retain
from dispatcher.store.tables import contact_points, door_codes, messages, session_people
from tests.integration.builders import Person
from tests.integration.doors.stage import Stage


def _seal_number(stage: Stage, person: Person) -> None:
    """As an import would have."""
    mine = contact_points.c.contact_id == person.id
    with stage.context.database.begin() as connection:
        (point,) = connection.execute(select(contact_points.c.id).where(mine)).scalars()
        sealed = stage.context.keys.sealer.seal("contact_points.address", point, person.number)
        connection.execute(update(contact_points).where(mine).values(address_sealed=sealed))
        connection.execute(update(messages).where(messages.c.contact_id == person.id).values(body_sealed=None))


def test_an_export_holds_attendance_and_codes(stage: Stage) -> None:
    person = stage.invite("Siti")
    door = stage.door("Utara")
    check_in(stage.context, door, stage.code(person), "r" * 8)
    _seal_number(stage, person)
    record = export_contact(stage.context, str(person.id))
    assert [row["code"] for row in record["door_codes"]] == [stage.code(person)]
    (session,) = record["sessions"]
    assert (session["checked_in_via"], session["checked_in"][:2]) == (f"door:{door.id}", "20")


def test_erasing_takes_the_code_and_keeps_the_count(stage: Stage) -> None:
    person = stage.invite("Siti")
    check_in(stage.context, stage.door(), stage.code(person), "r" * 8)
    erase_contact(stage.context, str(person.id), by="Ani")
    assert stage.rows(door_codes) == []
    assert [row.checked_in_us is not None for row in stage.rows(session_people)] == [True]


def test_codes_of_sessions_that_are_over_age(database_url: str) -> None:
    stage = Stage(database_url, {"approval": "waived", "retention": {"door_codes_days": 30}})
    person = stage.invite("Siti")
    door = stage.door()
    assert retain(stage.context, by="Budi") == {"door_codes": 0}
    stage.move(ends_us=stage.build.now_us - 31 * DAY_US, starts_us=stage.build.now_us - 32 * DAY_US)
    assert retain(stage.context, by="Budi", dry_run=True) == {"door_codes": 1}
    assert len(stage.rows(door_codes)) == 1
    assert retain(stage.context, by="Budi") == {"door_codes": 1}
    assert stage.rows(door_codes) == []
    # an officer who still needs them gets the same ones again
    assert check_in(stage.context, door, stage.code(person), "r" * 8).outcome == "welcome"
    stage.context.database.close()
