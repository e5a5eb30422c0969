"""What became of messages, for reports: those that failed alike, and the bill. One pass over them tells both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, select

from dispatcher.core.status import Status
from dispatcher.outreach.funnel import Overlap
from dispatcher.store.by_step import of_steps
from dispatcher.store.tables import contact_points, messages

m = messages.c
_FAILED = m.status == Status.FAILED
_ON_ITS_WAY = m.status.in_([Status.DELIVERED, Status.READ, Status.SENT, Status.ACCEPTED])
_TAKEN = _ON_ITS_WAY | (_FAILED & (m.provider_id != ""))
"""What providers took: accepted or better, and failures that came after they had taken it."""


class Failures(NamedTuple):
    reason: str
    code: str
    sender_id: int
    messages: int
    people: int


class Billed(NamedTuple):
    step_id: int
    sender_id: int
    country: str
    messages: int
    segments: int


class Outcomes(NamedTuple):
    """`failures`: most people first; a later hop may have reached the same person. `billed`: what providers took."""

    failures: list[Failures]
    billed: list[Billed]


def outcomes(connection: Connection, step_ids: Sequence[int], overlap: Overlap) -> Outcomes:
    """As many people failed as messages, unless somebody can have failed twice alike."""
    rows = _alike(connection, step_ids)
    failed: Counter[tuple[str, str, int]] = Counter()
    for row in rows:
        if row.reason is not None:
            failed[row.reason, row.code, row.sender_id] += row.n
    people = _failed_people(connection, step_ids) if overlap.failures else failed
    failures = [Failures(*key, n, people[key]) for key, n in failed.items()]
    failures.sort(key=lambda one: (-one.people, one.reason, one.code, one.sender_id))
    return Outcomes(failures, _billed(connection, step_ids, [row for row in rows if row.is_taken]))


def _alike(connection: Connection, step_ids: Sequence[int]) -> Sequence[Any]:
    """`reason` and `code`: of those that failed; `country`: None in rows of before it was kept with messages."""
    reason, code = case((_FAILED, m.reason)).label("reason"), case((_FAILED, m.provider_code)).label("code")
    keys = (m.step_id, m.sender_id, m.country, _TAKEN.label("is_taken"), reason, code)
    return _summed_up(connection, keys, of_steps(connection, step_ids))


def _summed_up(
    connection: Connection, keys: Sequence[ColumnElement[Any]], *where: ColumnElement[bool]
) -> Sequence[Any]:
    """The named `keys`, how many messages have them as `n`, and their `segments`."""
    rows = select(*keys, m.segments).where(*where).subquery()
    *columns, segments = rows.c
    counts = (func.count().label("n"), func.sum(segments).label("segments"))
    return connection.execute(select(*columns, *counts).group_by(*columns)).all()


def _failed_people(connection: Connection, step_ids: Sequence[int]) -> dict[tuple[str, str, int], int]:
    """As `outcomes` has them. Grouped twice, as DISTINCT sorts."""
    keys = (m.reason, m.provider_code, m.sender_id)
    mine = (of_steps(connection, step_ids), _FAILED)
    person = select(*keys, m.contact_id).where(*mine).group_by(*keys, m.contact_id).subquery()
    alike = (person.c.reason, person.c.provider_code, person.c.sender_id)
    rows = connection.execute(select(*alike, func.count()).group_by(*alike))
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def _billed(connection: Connection, step_ids: Sequence[int], taken: Sequence[Any]) -> list[Billed]:
    known = [row for row in taken if row.country is not None]
    if len(known) < len(taken):
        known.extend(_of_before(connection, step_ids))
    found: dict[tuple[int, int, str], tuple[int, int]] = {}
    for row in known:
        key = (row.step_id, row.sender_id, row.country)
        n, segments = found.get(key, (0, 0))
        found[key] = (n + row.n, segments + row.segments)
    return [Billed(*key, *sums) for key, sums in sorted(found.items())]


def _of_before(connection: Connection, step_ids: Sequence[int]) -> Sequence[Any]:
    """Taken messages without a country, by that which the number has; "" where it is gone."""
    p = contact_points.c
    country = (
        select(func.max(p.country))
        .where(p.contact_id == m.contact_id, p.address_hash == m.address_hash)
        .scalar_subquery()
    )
    keys = (m.step_id, m.sender_id, func.coalesce(country, "").label("country"))
    return _summed_up(connection, keys, of_steps(connection, step_ids), _TAKEN, m.country.is_(None))
