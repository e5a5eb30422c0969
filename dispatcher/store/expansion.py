"""Storing what an expansion decided: messages, people left out, counters, cursor in one commit (invariants 2, 11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, select, update
from sqlalchemy.exc import IntegrityError

from dispatcher.core.status import Reason, Status
from dispatcher.store import tally
from dispatcher.store.among import among
from dispatcher.store.bulk import insert_ignore
from dispatcher.store.load import load
from dispatcher.store.tables import messages, skipped, steps

m = messages.c


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Someone who gets nothing in this step: `held_out`, or a reason word."""

    contact_id: int
    cell_id: int
    reason: str


def decided(connection: Connection, step_id: int, contact_ids: Sequence[int]) -> set[int]:
    """Those of whom the step has disposed already: where it is expanded again, they change nothing (invariant 2)."""
    s = skipped.c
    left = select(s.contact_id).where(s.step_id == step_id, among(connection, s.contact_id, contact_ids))
    sent = select(m.contact_id).where(m.step_id == step_id, among(connection, m.contact_id, contact_ids))
    return {*connection.execute(left).scalars(), *connection.execute(sent).scalars()}


def advance(connection: Connection, step_id: int, from_cursor: int, to_cursor: int, people: int) -> bool:
    """Move the cursor over so many undecided people; False where another worker was faster: keep nothing then."""
    pending = steps.c.pending - people
    moved = connection.execute(
        update(steps)
        .where(steps.c.id == step_id, steps.c.cursor == from_cursor, steps.c.state == "expanding")
        .values(
            cursor=to_cursor,
            # who was not foreseen when the step was planned adds to the selection
            selected=_at_least(steps.c.selected, steps.c.selected - pending),
            pending=_at_least(pending, 0),
        )
    )
    return moved.rowcount == 1


def _at_least(value: Any, floor: Any) -> Any:
    return case((value < floor, floor), else_=value)


def insert_messages(
    connection: Connection, rows: Sequence[dict[str, Any]], *, undecided: bool = False
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Stored rows, and those whose number another person of the step already uses.

    A person who has this hop already appears in neither: expanding again changes nothing (invariant 2). `undecided`:
    the transaction has looked, and nobody has.
    """
    fresh, shared = _sort_out(connection, rows, set() if undecided else None)
    try:
        with connection.begin_nested():
            columns = tuple(fresh[0]) if fresh else ()
            load(connection, messages, columns, [tuple(row.values()) for row in fresh])
        return fresh, shared
    except IntegrityError:
        # someone was faster with one of them: the keys of the table decide, row by row
        insert_ignore(connection, messages, fresh)
        stored = _present(connection, m.id, fresh, "id")
        left, also_shared = _sort_out(connection, [row for row in fresh if row["id"] not in stored])
        return [row for row in fresh if row["id"] in stored], [*shared, *also_shared, *left]


def _sort_out(
    connection: Connection, rows: Sequence[dict[str, Any]], people: set[int] | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of one step that may be stored, and those whose number is taken. `people` who have the hop are left out."""
    if people is None:
        people = _present(connection, m.contact_id, rows, "contact_id")
    holders = number_holders(connection, rows)
    fresh: list[dict[str, Any]] = []
    shared: list[dict[str, Any]] = []
    for row in rows:
        if row["contact_id"] in people:
            continue
        mine = holders.setdefault((row["step_id"], row["address_hash"]), {row["contact_id"]})
        (fresh if mine == {row["contact_id"]} else shared).append(row)
    return fresh, shared


def number_holders(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[tuple[int, bytes], set[int]]:
    """(step, number) of the rows → contacts that have a message to it by now, by whatever hop (invariant 2)."""
    found: dict[tuple[int, bytes], set[int]] = {}
    for step_id in {row["step_id"] for row in rows}:
        wanted = [row["address_hash"] for row in rows if row["step_id"] == step_id]
        mine = (m.step_id == step_id, among(connection, m.address_hash, wanted))
        for address_hash, contact_id in connection.execute(select(m.address_hash, m.contact_id).where(*mine)):
            found.setdefault((step_id, address_hash), set()).add(contact_id)
    return found


def _present(connection: Connection, column: Any, rows: Sequence[dict[str, Any]], name: str) -> set[Any]:
    """Values of a column that messages of the same step and hop have already."""
    found: set[Any] = set()
    for step_id, hop in {(row["step_id"], row["hop"]) for row in rows}:
        wanted = [row[name] for row in rows if (row["step_id"], row["hop"]) == (step_id, hop)]
        statement = select(column).where(m.step_id == step_id, m.hop == hop, among(connection, column, wanted))
        found.update(connection.execute(statement).scalars())
    return found


def store_page(
    connection: Connection, step_id: int, rows: Sequence[dict[str, Any]], left_out: Sequence[LeftOut]
) -> list[dict[str, Any]]:
    """Messages of one page and the people it leaves out, of whom `decided` knew none; counters move with them.

    Returns the stored messages.
    """
    stored, shared = insert_messages(connection, rows, undecided=True)
    everyone_left = [
        *left_out,
        *(LeftOut(row["contact_id"], row["cell_id"], Reason.SHARED_ADDRESS) for row in shared),
    ]
    insert_ignore(
        connection,
        skipped,
        [
            {"step_id": step_id, "contact_id": one.contact_id, "cell_id": one.cell_id, "reason": one.reason}
            for one in everyone_left
        ],
    )
    deltas: Counter[tally.Key] = Counter()
    for one in everyone_left:
        status = tally.HELD_OUT if one.reason == tally.HELD_OUT else tally.SKIPPED
        reason = "" if status == tally.HELD_OUT else one.reason
        deltas[tally.people_key(step_id, status, reason)] += 1
    tally.add(connection, deltas)
    count_queued(connection, stored)
    return stored


def count_queued(connection: Connection, stored: Sequence[dict[str, Any]]) -> None:
    """Fresh messages in the counters; a later hop's person is counted elsewhere until it is their best."""
    deltas: Counter[tally.Key] = Counter()
    alike = Counter([(row["step_id"], row["hop"], row["sender_id"], row["counted"]) for row in stored])
    for (step_id, hop, sender_id, counted), n in alike.items():
        deltas[tally.message_key(step_id, hop, sender_id, Status.QUEUED, "")] += n
        if counted:
            deltas[tally.people_key(step_id, Status.QUEUED)] += n
    tally.add(connection, deltas)


def start(connection: Connection, step_id: int, selected: int, now_us: int) -> bool:
    """Begin to expand, with the people the rule means now; False where it was begun before."""
    begun = connection.execute(
        update(steps)
        .where(steps.c.id == step_id, steps.c.state == "scheduled")
        .values(state="expanding", selected=selected, pending=selected, started_us=now_us)
    )
    return begun.rowcount == 1


def finish(connection: Connection, step_id: int, cursor: int, now_us: int) -> None:
    """Everyone is decided on: who left the selection meanwhile is no longer counted."""
    connection.execute(
        update(steps)
        .where(steps.c.id == step_id, steps.c.state == "expanding", steps.c.cursor == cursor)
        .values(state="expanded", selected=steps.c.selected - steps.c.pending, pending=0, expanded_us=now_us)
    )


def wait_for_pages(connection: Connection) -> None:
    """Before what waits for people who were changed is looked for: a page that was decided on what they were before is
    stored by then, and the next one is decided after this commit.

    On SQLite a transaction that writes is alone anyway.
    """
    if connection.dialect.name == "postgresql":
        going_on = steps.c.state.in_(["scheduled", "expanding"])
        connection.execute(select(steps.c.id).where(going_on).order_by(steps.c.id).with_for_update(read=True))
