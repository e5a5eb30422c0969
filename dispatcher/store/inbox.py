"""The inbox: replies that need a person, and stops of gateways that sign nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select, update

from dispatcher.store.tables import campaigns, inbound, senders

i = inbound.c


class Wanted(NamedTuple):
    """Which replies. `campaign`: its slug, "" for all; `before_us`, `since_us`: when they came."""

    handled: bool = False
    campaign: str = ""
    since_us: int | None = None
    before_us: int | None = None
    stops: bool = False


def list_replies(connection: Connection, limit: int, wanted: Wanted) -> list[Any]:
    """Newest first. Those that needed a person, only the open ones unless `handled`.

    `stops`: in their place every stop of a gateway that signs nothing, whether it acted or waits.
    """
    statement = _with_names()
    if wanted.stops:
        statement = statement.where(i.unsigned, i.meaning == "stop")
    else:
        statement = statement.where(i.needs_person)
        if not wanted.handled:
            statement = statement.where(i.handled_us.is_(None))
    if wanted.campaign:
        statement = statement.where(campaigns.c.slug == wanted.campaign)
    if wanted.since_us is not None:
        statement = statement.where(i.received_us >= wanted.since_us)
    if wanted.before_us is not None:
        statement = statement.where(i.received_us < wanted.before_us)
    return list(connection.execute(statement.order_by(i.id.desc()).limit(limit)))


def _with_names() -> Select[Any]:
    return (
        select(inbound, senders.c.name.label("sender"), campaigns.c.slug.label("campaign"))
        .outerjoin(senders, senders.c.id == i.sender_id)
        .outerjoin(campaigns, campaigns.c.id == i.campaign_id)
    )


def read_reply(connection: Connection, reply_id: int) -> Any | None:
    """Any reply, whether it needed a person or not."""
    return connection.execute(_with_names().where(i.id == reply_id)).first()


def find_reply(connection: Connection, reply_id: int) -> Any | None:
    """Locked until the commit; only one that needed a person."""
    return connection.execute(select(inbound).where(i.id == reply_id, i.needs_person).with_for_update()).first()


def mark_handled(connection: Connection, reply_id: int, now_us: int, by: str, note_sealed: bytes | None) -> None:
    values = {"handled_us": now_us, "handled_by": by, "note_sealed": note_sealed}
    connection.execute(update(inbound).where(i.id == reply_id).values(**values))


def count_unsigned_stops(connection: Connection, since_us: int) -> tuple[int, int]:
    """Since then, how many acted; and how many wait for a person, whenever they came."""
    is_stop = i.unsigned & (i.meaning == "stop")
    acted = select(func.count()).where(is_stop, ~i.needs_person, i.received_us >= since_us)
    waiting = select(func.count()).where(is_stop, i.needs_person, i.handled_us.is_(None))
    return connection.execute(acted).scalar_one(), connection.execute(waiting).scalar_one()
