"""At the door: people check in by their code, once; an officer may take that back.

Times are the database's: an officer's phone may say what it likes. A request that is sent again because its answer was
lost finds itself by its `ref`, and is welcomed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from sqlalchemy import Connection

from dispatcher.campaign.standing import Standing
from dispatcher.core import door_code
from dispatcher.core.clock import MINUTE_US, from_us
from dispatcher.operations.context import Context
from dispatcher.operations.doors import Door
from dispatcher.render.names import given
from dispatcher.store import check_ins, doors
from dispatcher.store.door_codes import door_code as code_of
from dispatcher.store.installation import record_act
from dispatcher.store.sessions import find_session

_STORED_WITHIN_US: Final = 5 * MINUTE_US

Outcome = Literal["welcome", "already", "guest", "elsewhere", "unreadable", "unknown", "shared", "undone", "not-undone"]


@dataclass(frozen=True, slots=True)
class Face:
    """What an officer may see of a person: the first name, and the RW."""

    code: str
    first_name: str
    rw: int | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of one request. `at_us` and `door`: when and where the person came (`already`: first came).

    `ref`: of a guest without a code. `session`: the other one that a code is for. `choices`: who shares a number.
    `note`: what else the officer should know, a word of the page.
    """

    outcome: Outcome
    face: Face | None = None
    at_us: int = 0
    door: str = ""
    ref: str = ""
    session: Standing | None = None
    choices: tuple[Face, ...] = ()
    note: str = ""


def check_in(context: Context, door: Door, typed: str, ref: str) -> Arrival:
    """`typed`: a code as scanned or written."""
    code = door_code.read(typed)
    if code is None:
        return Arrival("unreadable")
    found = _look_up(context, door, code)
    mine = sorted({one.contact_id for one in found if one.session == door.session.code})
    if len(mine) == 1:
        return check_in_person(context, door, mine[0], ref)
    if mine:  # one in some thousand sessions of 30,000 has such a pair
        return Arrival("shared")
    return _elsewhere(context, found[0].session) if found else Arrival("unknown")


def _look_up(context: Context, door: Door, code: int) -> list[doors.Coded]:
    """Whom the code means; who was invited since the door opened gets a code now."""
    session = door.session.code
    with context.database.read() as connection:
        found = doors.by_code(connection, code)
        since_us = doors.filled_us(connection, door.id)
        fresh = () if found else doors.uncoded(connection, session, since_us)
    if fresh:
        return context.database.run(partial(_fill_up, context, door, since_us, code))
    return found


def _fill_up(context: Context, door: Door, since_us: int, code: int, connection: Connection) -> list[doors.Coded]:
    now_us = context.now_us()
    doors.fill_codes(connection, context.keys, door.session.code, since_us)
    # a page of messages that is being stored now has an instant that is past already
    doors.note_filled(connection, door.id, now_us - _STORED_WITHIN_US)
    return doors.by_code(connection, code)


def _elsewhere(context: Context, session: str) -> Arrival:
    with context.database.read() as connection:
        return Arrival("elsewhere", session=find_session(connection, session))


def check_in_person(context: Context, door: Door, contact_id: int, ref: str, note: str = "") -> Arrival:
    """Somebody on record, invited or not."""
    return context.database.run(partial(_check_in, context, door, contact_id, ref, note))


def _check_in(context: Context, door: Door, contact_id: int, ref: str, note: str, connection: Connection) -> Arrival:
    session = door.session.code
    known = faces(context, connection, session, [contact_id])
    if not known:  # erased
        return Arrival("unknown")
    fresh = check_ins.check_in(connection, session, [contact_id], door.via, context.now_us(), ref)
    came = check_ins.check_in_of(connection, session, contact_id)
    assert came is not None
    is_first = bool(fresh) or (bool(ref) and came.ref == ref)
    where = "" if is_first else _label(connection, session, came.via)
    return Arrival("welcome" if is_first else "already", known[0], came.at_us, where, note=note)


def faces(context: Context, connection: Connection, session: str, contact_ids: list[int]) -> list[Face]:
    """Of those who are not erased."""
    return [_face(context, session, known) for known in check_ins.people(connection, contact_ids)]


def _face(context: Context, session: str, known: check_ins.Known) -> Face:
    sealed = known.name_sealed
    name = context.keys.sealer.open("contacts.name", known.id, sealed) if sealed else ""
    return Face(code_of(context.keys, session, known.id), given(name), known.rw)


def _label(connection: Connection, session: str, via: str) -> str:
    """What the officers call the door that a check-in came by; "" for a sheet, or a door without a name."""
    kind, _, door_id = via.partition(":")
    return doors.labels(connection, session).get(int(door_id), "") if kind == "door" else ""


def undo(context: Context, door: Door, typed: str, at_us: int) -> Arrival:
    """Takes back the check-in of that instant, on record with the door it was done at."""
    code = door_code.read(typed)
    found = _look_up(context, door, code) if code is not None else []
    mine = [one.contact_id for one in found if one.session == door.session.code]
    return context.database.run(partial(_undo, context, door, mine, at_us)) if mine else Arrival("not-undone")


def _undo(context: Context, door: Door, contact_ids: list[int], at_us: int, connection: Connection) -> Arrival:
    session = door.session.code
    for contact_id in contact_ids:
        if check_ins.undo(connection, session, contact_id, at_us):
            _record_undo(context, connection, door, {"contact": contact_id})
            known = faces(context, connection, session, [contact_id])
            return Arrival("undone", known[0] if known else None)
    return Arrival("not-undone")


def undo_guest(context: Context, door: Door, ref: str) -> Arrival:
    def take_back(connection: Connection) -> Arrival:
        if not check_ins.uncount_guest(connection, door.session.code, ref):
            return Arrival("not-undone")
        _record_undo(context, connection, door, {"guests": 1})
        return Arrival("undone")

    return context.database.run(take_back)


def _record_undo(context: Context, connection: Connection, door: Door, details: dict[str, int]) -> None:
    actor = door.label or f"door {door.id}"
    record_act(connection, context.now_us(), actor, "door undo", door.session.code, {"door": door.id, **details})


def present_at(context: Context, door: Door) -> check_ins.Present:
    with context.database.read() as connection:
        return check_ins.present(connection, door.session.code)


def clock_time(at_us: int, zone: str, language: str) -> str:
    """ "08.12" in Indonesian, "08:12" in English."""
    return from_us(at_us, zone).strftime("%H.%M" if language == "id" else "%H:%M")
