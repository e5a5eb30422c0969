"""Guests without a code, at the door.

A number finds somebody on record. Of anybody else only that they came is kept, and their group; name and number are
stored where the guest agrees to be contacted, as a contact with that consent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection

from dispatcher.audience.rows import MAX_NAME, ContactRow, Point
from dispatcher.core.clean import clean_value
from dispatcher.core.phone import PhoneNumber, PhoneProblem, parse_phone
from dispatcher.operations.check_in import Arrival, check_in_person, faces
from dispatcher.operations.context import Context
from dispatcher.operations.doors import Door
from dispatcher.operations.expand import Expander
from dispatcher.operations.import_rows import numbers_of, prepare
from dispatcher.operations.readdress import Readdresser
from dispatcher.store import check_ins
from dispatcher.store.agreement import grant_consent
from dispatcher.store.contacts import find_by_address, refusals
from dispatcher.store.drafts import Terms
from dispatcher.store.import_batch import BatchStore
from dispatcher.store.imports import Provenance, open_record
from dispatcher.store.installation import IdBlock, take_ids

_IDS: Final = 4
BASIS: Final = "consent"


@dataclass(frozen=True, slots=True)
class Guest:
    """As an officer wrote it down. `group`: one that is known, or ""; `ref` names the request."""

    ref: str
    number: str = ""
    name: str = ""
    group: str = ""
    agrees: bool = False


def register_guest(context: Context, door: Door, guest: Guest) -> Arrival:
    """PhoneProblem for a number that is none; nothing is stored then."""
    if not guest.number.strip():
        if guest.agrees:
            raise PhoneProblem("empty")
        return _count(context, door, guest)
    number = parse_phone(guest.number)
    digest = context.keys.hash_address(number.e164)
    with context.database.read() as connection:
        people = find_by_address(connection, digest)
        has_refused = bool(refusals(connection, digest))
        choices = faces(context, connection, door.session.code, people) if len(people) > 1 else []
    if choices:
        return Arrival("shared", choices=tuple(choices))
    note = "refused" if guest.agrees and has_refused else ""
    if not people and (note or not guest.agrees):
        return _count(context, door, guest, note)
    contact_id = people[0] if people else _put_contact(context, door, guest, number, digest)
    if contact_id is None:  # a landline, or another door was quicker with somebody of the same number
        return _count(context, door, guest, "no-mobile")
    arrival = check_in_person(context, door, contact_id, guest.ref, note)
    if guest.agrees and not has_refused and arrival.outcome in ("welcome", "already"):
        context.database.run(partial(_agree, context, door, contact_id))
    return arrival


def _count(context: Context, door: Door, guest: Guest, note: str = "") -> Arrival:
    def count(connection: Connection) -> None:
        now_us = context.now_us()
        (identifier,) = take_ids(connection, 1, now_us)
        row = {"id": identifier, "session_slug": door.session.code, "ref": guest.ref, "group_slug": guest.group}
        check_ins.count_guests(connection, [{**row, "via": door.via, "at_us": now_us}])

    context.database.run(count)
    return Arrival("guest", at_us=context.now_us(), ref=guest.ref, note=note)


def _put_contact(context: Context, door: Door, guest: Guest, number: PhoneNumber, digest: bytes) -> int | None:
    """As an import would, so that a file which names the same person later finds them."""
    name = clean_value(guest.name.strip(), MAX_NAME)[0]
    point = Point("any", number.e164, number.country, number.line_type, 0)
    numbers = numbers_of([point], context.keys)
    if not numbers:
        return None
    groups = (guest.group,) if guest.group else ()
    row = ContactRow(0, None, name, "", "", None, groups, None, None, None, None, None, {}, (point,), None, ())
    source = f"session door {door.session.code}"
    terms = Terms("*", "", "", "", source)
    ids = IdBlock(context.database, _IDS)
    record = open_record(context.database, ids, Provenance("", source, "", "", "*", door.via, {}))
    store = BatchStore(context.database, context.keys.sealer, ids, record, terms, Readdresser(Expander(context)))
    store.store([prepare(row, numbers, context.keys, "door", None)])
    with context.database.read() as connection:
        people = find_by_address(connection, digest)
    return people[0] if len(people) == 1 else None


def _agree(context: Context, door: Door, contact_id: int, connection: Connection) -> None:
    evidence = f"said yes at the door of {door.session.code}"
    grant_consent(connection, contact_id, basis=BASIS, evidence=evidence, via=door.via, now_us=context.now_us())
