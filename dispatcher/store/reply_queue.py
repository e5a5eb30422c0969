"""Automatic answers as a queue: what is due, begun and ended (receipts/reply_life.py). A row of `inbound` holds one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from dispatcher.core.clock import SECOND_US
from dispatcher.receipts.reply_life import End
from dispatcher.store.bulk import any_of
from dispatcher.store.tables import inbound, recent_people, suppressions

LEASE_US = 15 * SECOND_US
"""Of a begun answer whose worker says nothing any more."""

_COLUMNS = (
    "id",
    "sender_id",
    "address_hash",
    "address_sealed",
    "reply",
    "reply_sealed",
    "reply_attempt",
    "reply_until_us",
)
i = inbound.c


class DueReply(NamedTuple):
    id: int
    sender_id: int
    address_hash: bytes
    address_sealed: bytes
    kind: str
    text_sealed: bytes
    attempt: int
    until_us: int


def senders_with_replies(connection: Connection, sender_ids: Collection[int], now_us: int) -> list[int]:
    """Of these, who has an answer to send by now; ascending."""
    due = (i.reply_state == "due", i.reply_next_us <= now_us, i.reply_until_us > now_us)
    found = connection.execute(select(i.sender_id).where(*due).distinct()).scalars()
    return sorted(set(found) & set(sender_ids))


def due_replies(
    connection: Connection, sender_id: int, spacing_us: int | None, now_us: int, limit: int
) -> list[DueReply]:
    """`spacing_us`: of the sender, to people whom it messaged lately."""
    columns = [inbound.c[name] for name in _COLUMNS]
    due = select(*columns).where(i.sender_id == sender_id, i.reply_state == "due", i.reply_next_us <= now_us)
    statement = due.where(i.reply_until_us > now_us, i.reply_sealed.is_not(None), i.address_sealed.is_not(None))
    if spacing_us is not None:
        r = recent_people.c
        lately = and_(r.sender_id == sender_id, r.address_hash == i.address_hash, r.at_us > now_us - spacing_us)
        # one that comes back for another permit stands there itself
        lately = and_(lately, r.message_id != i.id)
        statement = statement.where(~select(r.at_us).where(lately).exists())
    rows = connection.execute(statement.order_by(i.reply_next_us, i.id).limit(limit))
    found = [DueReply(*row) for row in rows]
    return found if spacing_us is None else _one_for_each(found)


def _one_for_each(replies: Sequence[DueReply]) -> list[DueReply]:
    """Number: the spacing holds between them as well."""
    first: dict[bytes, DueReply] = {}
    for reply in replies:
        first.setdefault(bytes(reply.address_hash), reply)
    return list(first.values())


def cancel_unwanted(connection: Connection, sender_id: int) -> None:
    """Of those that are due: they would take permits, and the turn of the confirmation of the stop."""
    due = and_(i.sender_id == sender_id, i.reply_state == "due")
    connection.execute(update(inbound).where(due, _unwanted()).values(reply_state="cancelled"))


def _unwanted() -> ColumnElement[bool]:
    """To erased people, and to numbers that refused: only the confirmation of a stop goes to such a number."""
    refused = select(suppressions.c.address_hash).where(
        suppressions.c.address_hash == i.address_hash, suppressions.c.purpose == "*"
    )
    erased = or_(i.reply_sealed.is_(None), i.address_sealed.is_(None))
    return or_(erased, and_(i.reply != "stop", refused.correlate(inbound).exists()))


def begin_replies(connection: Connection, replies: Sequence[DueReply], token: int, now_us: int) -> dict[int, int]:
    """reply → attempt of those that are ours to send; what is not wanted any more is cancelled (invariant 8)."""
    ids = sorted(reply.id for reply in replies)
    ours = and_(any_of(connection, i.id, ids), i.reply_state == "due", i.reply_until_us > now_us)
    unwanted = update(inbound).where(ours, _unwanted()).values(reply_state="cancelled").returning(i.id)
    _give_back_turns(connection, [row.id for row in connection.execute(unwanted)])
    begun = (
        update(inbound)
        .where(ours)
        .values(reply_state="begun", reply_token=token, reply_begun_us=now_us, reply_attempt=i.reply_attempt + 1)
        .returning(i.id, i.reply_attempt)
    )
    return {row.id: row.reply_attempt for row in connection.execute(begun)}


def _give_back_turns(connection: Connection, ids: Sequence[int]) -> None:
    """Of answers that had their permit: nothing went to those numbers, and the confirmation of a stop may.

    Each had its turn because nothing had gone there within the sender's spacing.
    """
    if ids:
        connection.execute(delete(recent_people).where(any_of(connection, recent_people.c.message_id, sorted(ids))))


def end_reply(connection: Connection, reply_id: int, token: int, end: End) -> bool:
    """False where it was begun by another one, or a receipt was faster. After its lease too."""
    held = and_(i.id == reply_id, i.reply_token == token, i.reply_state.in_(["begun", "unknown"]))
    values: dict[str, Any] = {"reply_state": end.state, "reply_code": end.code, "reply_provider_id": end.provider_id}
    if end.state == "due":
        values |= {"reply_next_us": end.next_us, "reply_token": None}
    if connection.execute(update(inbound).where(held).values(**values)).rowcount == 1:
        return True
    mine = and_(i.id == reply_id, i.reply_token == token)
    connection.execute(update(inbound).where(mine).values(reply_provider_id=end.provider_id))
    return False


def sweep_replies(connection: Connection, now_us: int) -> None:
    """Whose worker is gone may have left; what is too late does not go any more."""
    lost = and_(i.reply_state == "begun", i.reply_begun_us <= now_us - LEASE_US)
    connection.execute(update(inbound).where(lost).values(reply_state="unknown"))
    late = and_(i.reply_state == "due", i.reply_until_us <= now_us)
    connection.execute(update(inbound).where(late).values(reply_state="expired"))


def lose_replies(connection: Connection) -> None:
    """A restored database does not know whether they were sent (invariant 16)."""
    open_then: ColumnElement[bool] = or_(i.reply_state == "due", i.reply_state == "begun")
    connection.execute(update(inbound).where(open_then).values(reply_state="unknown", reply_token=None))


def replies_by_id(connection: Connection, ids: Iterable[int]) -> dict[int, Any]:
    """Those that were begun; locked in ascending order."""
    wanted = any_of(connection, i.id, sorted(set(ids)))
    rows = connection.execute(select(inbound).where(wanted, i.reply_attempt > 0).order_by(i.id).with_for_update())
    return {row.id: row for row in rows}


def set_reply_state(connection: Connection, reply_id: int, state: str, code: str) -> None:
    values = {"reply_state": state, **({"reply_code": code} if code else {})}
    connection.execute(update(inbound).where(i.id == reply_id).values(**values))
