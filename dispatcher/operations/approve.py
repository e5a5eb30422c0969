"""Approve a plan: someone other than its author says that this, and nothing else, may be sent."""

from __future__ import annotations

import getpass
import unicodedata
from typing import Any

from dispatcher.campaign.fingerprint import short
from dispatcher.core.clock import iso
from dispatcher.core.errors import RefusedError, UsageError
from dispatcher.operations.context import Context
from dispatcher.store.installation import one_at_a_time, record_act
from dispatcher.store.plans import approve, find_plan, fingerprints_and_authors, plan_by_id

_SHORTEST = 8
_LOOKS_LIKE = dict(zip("аеорсухіјѕԁһкмтвнзαεορυικτνγı01", "aeopcyxijsdhkmtbhzaeopuiktvyiol", strict=True))
"""Cyrillic and Greek letters, and digits, that pass for Latin ones."""


def approve_plan(context: Context, slug: str, fingerprint: str, by: str) -> dict[str, Any]:
    """The newest plan of that fingerprint; approving twice changes nothing. RefusedError where its author approves.

    Without sign-in this is a record, not a control: the operating system's user is stored beside the name.
    """
    if len(fingerprint) < _SHORTEST:
        raise UsageError("fingerprint-short", f"give at least {_SHORTEST} characters of the fingerprint")
    if not _letters(by):
        raise UsageError("approver-missing", "an approval needs the name of who gives it", "Name them: --by WHO")
    with context.database.begin() as connection:
        one_at_a_time(connection, slug)
        plan = find_plan(connection, fingerprint, slug)
        if plan is None:
            hint = "Plan it first: dispatcher campaign plan FILE --by WHO. The plan prints its fingerprint."
            raise RefusedError("no-such-plan", f"{slug} has no plan with the fingerprint {short(fingerprint)}", hint)
        found, authors = fingerprints_and_authors(connection, fingerprint, slug)
        if len(found) > 1:
            raise UsageError("fingerprint-ambiguous", f"{len(found)} plans of {slug} begin so", "Give more of it.")
        if any(same_person(author, by) for author in authors):
            raise RefusedError(
                "author-approves",
                f"{by} made this plan and cannot approve it",
                "Ask a second person to read it and approve it.",
            )
        now_us = context.now_us()
        if plan.approved_us is None:
            approve(connection, plan.id, by, getpass.getuser(), now_us)
            record_act(connection, now_us, by, "approve", slug, {"fingerprint": plan.fingerprint})
        stored = plan_by_id(connection, plan.id)
    return {
        "campaign": slug,
        "fingerprint": stored.fingerprint,
        "author": stored.author,
        "approved_by": stored.approver,
        "approved": iso(stored.approved_us),
        "ceilings": stored.summary["ceilings"],
    }


def same_person(one: str, other: str) -> bool:
    return _letters(one) == _letters(other)


def _letters(name: str) -> str:
    """What of a name is read: no case, width, accents, spaces, stops, or characters that nobody sees."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(_LOOKS_LIKE.get(letter, letter) for letter in plain if letter.isalnum())
