"""Officers' links to the door of a session: made, listed, revoked, and opened by their token.

A link is a secret: whoever has it can check people in. Only its keyed hash is stored, so it is shown once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection

from dispatcher.campaign.standing import Standing
from dispatcher.core.clean import clean_value
from dispatcher.core.clock import HOUR_US, iso
from dispatcher.core.errors import UsageError
from dispatcher.operations.context import Context
from dispatcher.operations.session_list import require_session
from dispatcher.store import check_ins
from dispatcher.store import doors as store
from dispatcher.store.installation import record_act, take_ids

DEFAULT_AFTER_US: Final = 12 * HOUR_US
_UNTOLD_END_US: Final = 12 * HOUR_US
"""How long a session is taken to last that has no end."""

_TOKEN_BYTES: Final = 18
_LONGEST_TOKEN: Final = 64
_LONGEST_LABEL: Final = 40


@dataclass(frozen=True, slots=True)
class Door:
    """An open door. `closes_us` moves with its session."""

    id: int
    label: str
    session: Standing
    closes_us: int

    @property
    def via(self) -> str:
        return f"door:{self.id}"


class DoorShut(Exception):  # noqa: N818 - told to an officer
    """`why`: no such link, revoked, or too late."""

    def __init__(self, why: Literal["unknown", "revoked", "over"]) -> None:
        super().__init__(why)
        self.why = why


def open_door(
    context: Context, code: str, by: str, *, label: str = "", after_us: int = DEFAULT_AFTER_US
) -> dict[str, Any]:
    """A new link, shown this once; `after_us`: for how long it serves after the session's end."""
    base = context.environment.public_url
    if not base:
        raise UsageError(
            "no-public-url",
            "officers' phones need an address to open",
            "Set DISPATCHER_PUBLIC_URL, e.g. https://pesan.example; cameras need https.",
        )
    name = clean_value(label, _LONGEST_LABEL)[0]
    token = secrets.token_urlsafe(_TOKEN_BYTES)

    def put(connection: Connection) -> tuple[Standing, int]:
        session, now_us = require_session(connection, code), context.now_us()
        store.fill_codes(connection, context.keys, code)
        (door_id,) = take_ids(connection, 1, now_us)
        values = {
            "id": door_id,
            "session_slug": code,
            "token_hash": store.token_hash(context.keys, token),
            "label": name,
            "after_us": after_us,
            "filled_us": now_us,
            "created_us": now_us,
            "created_by": by,
        }
        store.put_door(connection, values)
        record_act(connection, now_us, by, "session door", code, {"door": door_id})
        return session, door_id

    session, door_id = context.database.run(put)
    return {
        "session": code,
        "id": door_id,
        "label": name,
        "url": f"{base}/door/{token}",
        "closes": iso(_closes_us(session.starts_us, session.ends_us, after_us), session.zone),
    }


def list_doors(context: Context, code: str) -> list[dict[str, Any]]:
    """All links of a session, oldest first; without their tokens, which nobody knows any more."""
    with context.database.read() as connection:
        session = require_session(connection, code)
        rows, came = store.doors_of(connection, code), check_ins.came_by(connection, code)
    now_us, zone = context.now_us(), session.zone
    return [
        {
            "id": row.id,
            "label": row.label,
            "state": _state(row.revoked_us, _closes_us(session.starts_us, session.ends_us, row.after_us), now_us),
            "created": iso(row.created_us, zone),
            "by": row.created_by,
            "closes": iso(_closes_us(session.starts_us, session.ends_us, row.after_us), zone),
            "revoked": iso(row.revoked_us, zone),
            "checked_in": came.get(f"door:{row.id}", 0),
        }
        for row in rows
    ]


def _state(revoked_us: int | None, closes_us: int, now_us: int) -> str:
    if revoked_us is not None:
        return "revoked"
    return "open" if now_us < closes_us else "over"


def revoke_door(context: Context, code: str, door_id: int, by: str) -> dict[str, Any]:
    """From the commit on the link opens nothing; who came in through it has come."""

    def revoke(connection: Connection) -> bool:
        require_session(connection, code)
        now_us = context.now_us()
        was_open = store.revoke_door(connection, code, door_id, now_us)
        if was_open is None:
            raise UsageError(
                "unknown-door", f"{code} has no door {door_id}", f"See: dispatcher session door {code} --list"
            )
        if was_open:
            record_act(connection, now_us, by, "session door --revoke", code, {"door": door_id})
        return was_open

    return {"session": code, "id": door_id, "revoked": True, "was_open": context.database.run(revoke)}


def find_door(context: Context, token: str) -> Door:
    """Raises DoorShut."""
    if not 0 < len(token) <= _LONGEST_TOKEN:
        raise DoorShut("unknown")
    with context.database.read() as connection:
        row = store.door_by_hash(connection, store.token_hash(context.keys, token))
    if row is None:
        raise DoorShut("unknown")
    if row.revoked_us is not None:
        raise DoorShut("revoked")
    closes_us = _closes_us(row.starts_us, row.ends_us, row.after_us)
    if context.now_us() >= closes_us:
        raise DoorShut("over")
    session = Standing(
        row.slug, row.title, row.place, row.address, row.region, row.zone, row.starts_us, row.ends_us, row.capacity
    )
    return Door(row.door_id, row.label, session, closes_us)


def _closes_us(starts_us: int, ends_us: int | None, after_us: int) -> int:
    return (ends_us or starts_us + _UNTOLD_END_US) + after_us
