"""Sessions as they stand. Little is imported: people ask often, and want to see it at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from dispatcher.campaign.standing import Standing
from dispatcher.core.clock import iso
from dispatcher.core.errors import UsageError
from dispatcher.core.suggest import did_you_mean
from dispatcher.operations.context import Context
from dispatcher.store.attendance import promoted
from dispatcher.store.reports import attendance
from dispatcher.store.sessions import campaigns_by_session, table_of


def list_sessions(context: Context) -> list[dict[str, Any]]:
    """All sessions by their start, each with the campaigns that invite to it, answers and attendance."""
    with context.database.read() as connection:
        table = table_of(connection)
        counted, got_a_place = attendance(connection, list(table)), promoted(connection)
        campaigns = campaigns_by_session(connection)
    return [
        {
            **as_dict(session),
            "campaigns": campaigns.get(code, []),
            "rsvp": {rsvp: people for slug, rsvp, people, _ in counted if slug == code and rsvp},
            "promoted": got_a_place.get(code, 0),
            "checked_in": sum(present for slug, _, _, present in counted if slug == code),
        }
        for code, session in table.items()
    ]


def require_session(connection: Connection, code: str, *, lock: bool = False) -> Standing:
    """UsageError where there is no such session."""
    standing = table_of(connection, [code], lock=lock).get(code)
    if standing is None:
        raise _unknown(connection, code)
    return standing


def _unknown(connection: Connection, code: str) -> UsageError:
    hint = did_you_mean(code, table_of(connection), "See: dispatcher session list. New ones: dispatcher session import")
    return UsageError("unknown-session", f"there is no session {code}", hint)


def as_dict(session: Standing) -> dict[str, Any]:
    return {
        "code": session.code,
        "title": session.title,
        "place": session.place,
        "address": session.address,
        "region": session.region,
        "starts": iso(session.starts_us, session.zone),
        "ends": iso(session.ends_us, session.zone),
        "capacity": session.capacity,
        "zone": session.zone,
    }
