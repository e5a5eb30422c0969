"""One person: show, export, stop, erase. Numbers go in, and never come out in a message for people or a log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from dispatcher.core import region
from dispatcher.core.clock import from_us, iso
from dispatcher.core.errors import UsageError
from dispatcher.core.phone import PhoneProblem, mask, parse_phone
from dispatcher.core.status import Reason
from dispatcher.operations.context import Context
from dispatcher.operations.purposes import purpose_label, require_purpose
from dispatcher.store import contacts, withdrawal
from dispatcher.store.attendance import lock_places, promote
from dispatcher.store.cancel import cancel_queued_for_address, cancel_queued_for_contact
from dispatcher.store.expansion import wait_for_pages
from dispatcher.store.history import read_history
from dispatcher.store.installation import record_act

_ID_DIGITS = 16
_ZONE = "Asia/Jakarta"  # whose day decides who is still a minor


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a number or id means. `hashes`: their numbers; for a number, that one only."""

    contact_ids: tuple[int, ...]
    hashes: tuple[bytes, ...]
    by_number: bool


def find(context: Context, who: str, country: str = "ID") -> Found:
    """`who`: a number in any usual spelling, or a contact's id. Raises UsageError for what is neither."""
    who = who.strip()
    if who.isdigit() and len(who) >= _ID_DIGITS:
        return _find_by_id(context, int(who))
    try:
        number = parse_phone(who, country)
    except PhoneProblem as problem:
        raise UsageError("not-a-number", f"neither a number nor an id: {problem.message}", problem.hint) from None
    address_hash = context.keys.hash_address(number.e164)
    with context.database.read() as connection:
        return Found(tuple(contacts.find_by_address(connection, address_hash)), (address_hash,), by_number=True)


def _find_by_id(context: Context, contact_id: int) -> Found:
    with context.database.read() as connection:
        if not contacts.exists(connection, contact_id):
            raise _nobody()
        return Found((contact_id,), tuple(contacts.address_hashes(connection, contact_id)), by_number=False)


def _nobody() -> UsageError:
    return UsageError(
        "no-such-contact", "nobody with that number or id is on record", "Check it; erased contacts are not found."
    )


def show_contact(context: Context, who: str, country: str = "ID") -> list[dict[str, Any]]:
    """Everyone the number belongs to, numbers masked. Raises UsageError where there is nobody."""
    found = _somebody(find(context, who, country))
    today = from_us(context.now_us(), _ZONE).date()
    with context.database.read() as connection:
        people = [
            contacts.read_contact(connection, context.keys, identifier, today) for identifier in found.contact_ids
        ]
        for person in people:
            person["messages"] = contacts.message_counts(connection, person["id"])
    for person in people:
        for consent in person["consents"]:
            if consent["purpose"] in context.settings.purposes:
                consent["label"] = purpose_label(context.settings, consent["purpose"], "en")
        person["region_name"] = region.full_name(person["region"]) if person["region"] else ""
        person["numbers"] = [{**number, "number": mask(number["number"])} for number in person["numbers"]]
    return people


def export_contact(context: Context, who: str, country: str = "ID") -> dict[str, Any]:
    """Everything held on the person or persons, opened: for them, on their request."""
    found = find(context, who, country)
    today = from_us(context.now_us(), _ZONE).date()
    with context.database.read() as connection:
        refused = [refusal for digest in found.hashes for refusal in contacts.refusals(connection, digest)]
        history = read_history(connection, context.keys, found.contact_ids, found.hashes)
        if not found.contact_ids and not refused and not history["replies"]:
            raise _nobody()
        return {
            "exported": iso(context.now_us()),
            "contacts": [contacts.read_contact(connection, context.keys, i, today) for i in found.contact_ids],
            "refusals": refused,
            **history,
        }


def stop_contact(
    context: Context, who: str, *, by: str = "", purpose: str = "*", reason: str = "", country: str = "ID"
) -> dict[str, Any]:
    """The officer's opt-out, in one commit: the refusal, the withdrawn consent, the cancelled messages (invariant 8).

    A number nobody has is refused as well: whoever asks must not be messaged after the next import either.
    """
    require_purpose(context.settings, purpose)
    found = find(context, who, country)
    now_us = context.now_us()
    with context.database.begin() as connection:
        fresh = [withdrawal.suppress(connection, digest, purpose, reason, "officer", now_us) for digest in found.hashes]
        withdrawn = withdrawal.withdraw_consent(connection, found.contact_ids, purpose, reason, "officer", now_us)
        cancelled = sum(
            cancel_queued_for_address(connection, digest, now_us, Reason.OPTED_OUT, purpose) for digest in found.hashes
        )
        outcome = {
            "contacts": len(found.contact_ids),
            "numbers": len(found.hashes),
            "newly_refused": sum(fresh),
            "consents_withdrawn": withdrawn,
            "cancelled": cancelled,
        }
        record_act(connection, now_us, by, "contacts stop", _subject(found), {"purpose": purpose, **outcome})
    return {"purpose": purpose, **outcome}


def erase_contact(context: Context, who: str, *, by: str, country: str = "ID") -> dict[str, Any]:
    """Raises UsageError where the number belongs to several people: an id says which one asked."""
    found = _somebody(find(context, who, country))
    if len(found.contact_ids) > 1:
        raise UsageError(
            "shared-number",
            f"{len(found.contact_ids)} people share that number: {', '.join(map(str, found.contact_ids))}",
            "Look at them with `dispatcher contacts show`, and erase one by its id.",
        )
    (contact_id,) = found.contact_ids
    now_us = context.now_us()

    def erase(connection: Connection) -> tuple[bool, int]:
        hashes = contacts.address_hashes(connection, contact_id)
        refused = any(contacts.refusals(connection, digest) for digest in hashes)
        cancelled = erase_in(connection, [contact_id], now_us)
        record_act(connection, now_us, by, "contacts erase", str(contact_id), {"cancelled": cancelled})
        return refused, cancelled

    refused, cancelled = context.database.run(erase)
    return {"id": contact_id, "erased": iso(now_us), "cancelled": cancelled, "refusal_kept": refused}


def erase_in(connection: Connection, contact_ids: Sequence[int], now_us: int) -> int:
    """Erases these people, and gives their places on; how many waiting messages were cancelled with it."""
    places = lock_places(connection, contact_ids, now_us)
    wait_for_pages(connection)
    cancelled = 0
    for contact_id in contact_ids:
        cancelled += cancel_queued_for_contact(connection, contact_id, now_us, Reason.NO_ADDRESS)
        withdrawal.erase_contact(connection, contact_id, now_us)
    for session in places:
        promote(connection, session, now_us)
    return cancelled


def _somebody(found: Found) -> Found:
    if not found.contact_ids:
        raise _nobody()
    return found


def _subject(found: Found) -> str:
    return ", ".join(map(str, found.contact_ids))
