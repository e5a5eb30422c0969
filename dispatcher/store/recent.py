"""Whom a sender messaged lately, for `spacing` and `people_per_day`. Asked only for senders that have one of them.

The sender's row is locked meanwhile, as for its permits: one writer at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from dispatcher.core.clock import DAY_US
from dispatcher.delivery.people import PEOPLE_PER_DAY, SPACING, Touch, Wish, admit, places
from dispatcher.store.bulk import any_of
from dispatcher.store.claims import Claimed
from dispatcher.store.permits import lock_sender
from dispatcher.store.tables import messages, recent_people, senders

r, m = recent_people.c, messages.c

_TOUCH = """
INSERT INTO recent_people (sender_id, address_hash, message_id, at_us) {source}
ON CONFLICT (sender_id, address_hash) DO UPDATE SET message_id = excluded.message_id, at_us = excluded.at_us
"""
_POSTGRES_TOUCH = _TOUCH.format(source="SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[])")
_SQLITE_TOUCH = _TOUCH.format(source="VALUES (?, ?, ?, ?)")

# what a person settled for resending stays known as that: its earlier attempt may have been sent
_WAIT = """
UPDATE messages SET not_before_us = {instant}, claim_token = NULL, claim_until_us = NULL,
    not_before_rule = CASE WHEN not_before_rule = 'resend' THEN 'resend' ELSE {rule} END
{where}
"""
_POSTGRES_WAIT = _WAIT.format(
    instant="v.instant",
    rule="v.rule",
    where="FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS v(instant, rule, id) WHERE messages.id = v.id",
)
_SQLITE_WAIT = _WAIT.format(instant="?", rule="?", where="WHERE id = ?")


def has_rules(sender: Any) -> bool:
    return sender.spacing_us is not None or sender.people_per_day is not None


def admitted(connection: Connection, sender: Any, rows: Sequence[Claimed], now_us: int) -> Sequence[Claimed]:
    """Those that may go now; the others wait until they may, with the rule. All of them are this transaction's."""
    if not rows or not has_rules(sender):
        return rows
    wishes = [Wish(row.id, bytes(row.address_hash)) for row in rows]
    touched = _touched(connection, sender.id, {wish.address_hash for wish in wishes})
    admission = admit(wishes, touched, now_us, sender.spacing_us, _room(connection, sender, now_us))
    waits = [(instant_us, SPACING, i) for i, instant_us in admission.later.items()]
    if admission.over:
        instants = _promise_places(connection, sender, len(admission.over), now_us)
        waits += [(at_us, PEOPLE_PER_DAY, i) for at_us, i in zip(instants, admission.over, strict=True)]
    _wait(connection, waits)
    return [row for row in rows if row.id in admission.go]


def touch(connection: Connection, sender: Any, rows: Sequence[Claimed | Wish], at_us: Sequence[int]) -> None:
    """These leave at those instants; of several to one number the last counts."""
    if not rows or not has_rules(sender):
        return
    numbers = [bytes(row.address_hash) for row in rows]
    last = {n: (sender.id, n, row.id, at) for n, row, at in zip(numbers, rows, at_us, strict=True)}
    _run(connection, _POSTGRES_TOUCH, _SQLITE_TOUCH, sorted(last.values()))


def _touched(connection: Connection, sender_id: int, numbers: set[bytes]) -> dict[bytes, Touch]:
    statement = select(r.address_hash, r.message_id, r.at_us).where(
        r.sender_id == sender_id, any_of(connection, r.address_hash, sorted(numbers))
    )
    return {bytes(row[0]): Touch(row[1], row[2]) for row in connection.execute(statement)}


def _room(connection: Connection, sender: Any, now_us: int) -> int | None:
    if sender.people_per_day is None:
        return None
    day = select(r.at_us).where(r.sender_id == sender.id, r.at_us > now_us - DAY_US).limit(sender.people_per_day)
    used: int = connection.execute(select(func.count()).select_from(day.subquery())).scalar_one()
    return int(sender.people_per_day) - used


def _promise_places(connection: Connection, sender: Any, count: int, now_us: int) -> list[int]:
    """Each place is promised once, so that rows do not all come back at the first one."""
    after_us = max(sender.people_slot_us, now_us - DAY_US)
    free = select(r.at_us).where(r.sender_id == sender.id, r.at_us > after_us).order_by(r.at_us).limit(count)
    taken_us = list(connection.execute(free).scalars())
    if taken_us:
        connection.execute(update(senders).where(senders.c.id == sender.id).values(people_slot_us=taken_us[-1]))
    return places(taken_us, count, now_us)


def _wait(connection: Connection, waits: list[tuple[int, str, int]]) -> None:
    _run(connection, _POSTGRES_WAIT, _SQLITE_WAIT, sorted(waits, key=lambda one: one[2]))


def _run(connection: Connection, on_postgres: str, on_sqlite: str, rows: list[Any]) -> None:
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(on_postgres, tuple(list(column) for column in zip(*rows, strict=True)))
    else:
        connection.exec_driver_sql(on_sqlite, rows)


def change_rules(connection: Connection, before: Any, now_us: int) -> None:
    """What waited for the former rules (`before`) is weighed anew: its window is looked up again, then it is claimed.

    The first rule of a sender finds whom it messaged in the messages; the last one to go takes what it kept with it.
    """
    sender = lock_sender(connection, before.id)
    waiting = (m.sender_id == sender.id, m.status == "queued", m.not_before_rule.in_((SPACING, PEOPLE_PER_DAY)))
    connection.execute(update(messages).where(*waiting).values(not_before_us=now_us, not_after_us=now_us))
    connection.execute(update(senders).where(senders.c.id == sender.id).values(people_slot_us=0))
    if not has_rules(sender):
        connection.execute(delete(recent_people).where(r.sender_id == sender.id))
    elif not has_rules(before):
        _remember(connection, sender, now_us)


def _remember(connection: Connection, sender: Any, now_us: int) -> None:
    """Looks through all messages, once: no index leads there, as nothing else asks for it."""
    lately = (m.sender_id == sender.id, m.begun_us > now_us - _kept_us(sender))
    last = select(m.sender_id, m.address_hash, func.max(m.id), func.max(m.begun_us)).where(*lately)
    columns = [column.name for column in recent_people.columns]
    connection.execute(insert(recent_people).from_select(columns, last.group_by(m.sender_id, m.address_hash)))


def _kept_us(sender: Any) -> int:
    """For how long a rule of the sender asks about someone."""
    return max(sender.spacing_us or 0, DAY_US if sender.people_per_day is not None else 0)


def forget_people(connection: Connection, now_us: int) -> None:
    """Those whom no rule of their sender asks about any more."""
    s = senders.c
    ruled = select(s.id, s.spacing_us, s.people_per_day).where(or_(s.spacing_us > 0, s.people_per_day > 0))
    for row in connection.execute(ruled).all():
        connection.execute(delete(recent_people).where(r.sender_id == row.id, r.at_us <= now_us - _kept_us(row)))
