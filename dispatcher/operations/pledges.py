"""Pledges: who agreed, when, through what, and to which words; how many of each unit, group and region answered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from dispatcher.core.clock import iso
from dispatcher.core.errors import UsageError
from dispatcher.operations.context import Context
from dispatcher.store import pledges as store
from dispatcher.store.attributes import declared
from dispatcher.store.campaigns import require_campaign
from dispatcher.store.installation import record_act

NOTHING = ""
"""A person without a unit, or without a group."""


def list_pledges(
    context: Context, slug: str, by: str, *, unit: str = "", history: bool = False, show_name: bool = False
) -> dict[str, Any]:
    """`unit`: the attribute that names somebody's agency unit. Who looked at names is kept on record.

    UsageError where there is no such campaign or attribute.
    """
    with context.database.begin() as connection:
        campaign = require_campaign(connection, slug)
        known = declared(connection, context.settings.attributes)
        if unit and unit not in known:
            hint = f"Known: {', '.join(sorted(known))}." if known else "Columns of contact files become attributes."
            raise UsageError("unknown-attribute", f"there is no attribute {unit}", hint)
        rows = store.answers_of(connection, campaign.id, history=history)
        if show_name and rows:
            record_act(connection, context.now_us(), by, "campaign pledges", slug, {"people": len(rows)})
        counts: dict[str, defaultdict[str, Counter[str]]] = {
            name: defaultdict(Counter) for name in ("units", "groups", "regions")
        }
        for person in store.asked(connection, campaign.id):
            said = person.meaning or NOTHING
            counts["units"][str(person.attributes.get(unit, NOTHING)) if unit else NOTHING][said] += 1
            counts["regions"][person.region][said] += 1
            for group in person.groups.split(","):
                counts["groups"][group][said] += 1
    answers = [_line(context, row, campaign.zone, unit, show_name=show_name) for row in rows]
    summary = {name: list(_summary(name[:-1], of)) for name, of in counts.items() if unit or name != "units"}
    return {"campaign": slug, "answers": answers, **summary}


def _line(context: Context, row: Any, zone: str, unit: str, *, show_name: bool) -> dict[str, Any]:
    opened = context.keys.sealer.open
    name = opened("contacts.name", row.contact_id, row.name_sealed) if show_name and row.name_sealed else ""
    return {
        "contact": row.contact_id,
        **({"name": name} if show_name else {}),
        **({"unit": str((row.attributes or {}).get(unit, NOTHING))} if unit else {}),
        "region": row.region,
        "groups": row.groups or "",
        "meaning": row.meaning,
        "at": iso(row.at_us, zone),
        "via": row.via,
        "text_version": row.text_version,
        "text_hash": row.text_hash,
        "message": row.message_id,
    }


def _summary(key: str, counts: dict[str, Counter[str]]) -> Iterator[dict[str, Any]]:
    for name, said in sorted(counts.items()):
        answered = {meaning: n for meaning, n in sorted(said.items()) if meaning}
        yield {key: name, "people": said.total(), "answers": answered, "not_answered": said[NOTHING]}
