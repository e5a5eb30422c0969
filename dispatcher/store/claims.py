"""Claiming and beginning (invariant 3).

A claim is no status: the row stays `queued` with a token and a lease. Only `begin` moves it, and only while the token
is ours and the lease is valid. Where a whole claim may leave at once, `hold` and `begin` do both in one commit.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    any_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
    update,
)

from dispatcher.core.status import Status
from dispatcher.store import tally
from dispatcher.store.bulk import any_of, any_param, array_of
from dispatcher.store.outbox import Batch
from dispatcher.store.prepared import Prepared
from dispatcher.store.tables import attempts, campaigns, messages

m = messages.c
_QUEUED = m.status == Status.QUEUED


class Claimed(NamedTuple):
    """A row in our hands for a moment."""

    id: int
    step_id: int
    campaign_id: int
    contact_id: int
    hop: int
    attempt: int
    units: int
    segments: int
    expires_us: int
    not_before_us: int
    synthetic: bool
    address_hash: bytes
    address_sealed: bytes
    body_sealed: bytes


FRONT_S = 1.0
PRIORITIES = (0, 1)
_SENDING_STATES: tuple[ColumnElement[str], ...] = tuple(literal_column(f"'{state}'") for state in ("running", "done"))
_CLAIMED_COLUMNS = tuple(m[name] for name in Claimed._fields)

Found = Callable[[int, int, int], list[Claimed]]
"""(campaign, priority, limit) → rows."""


def claim(
    connection: Connection, sender_id: int, limit: int, token: int, now_us: int, claim_until_us: int, turn: int = 0
) -> tuple[Claimed, ...]:
    """Up to `limit` rows that may go now: urgent ones first, then a fair share for each running campaign.

    `turn` rotates which campaign is served first.
    """
    given = {"of_sender": sender_id, "now_us": now_us, "token": token, "until_us": claim_until_us}

    def claim_of(campaign_id: int, priority: int, share: int) -> list[Claimed]:
        of = {"of_campaign": campaign_id, "of_priority": priority, "share": share}
        rows = list(map(Claimed._make, _CLAIM.rows(connection, given | of)))
        rows.sort(key=lambda row: (row.not_before_us, row.id))
        return rows

    return _fair(_waiting(connection, sender_id), limit, turn, claim_of)


class Front:
    """Where the waiting rows of a sender begin, as one drain remembers it for a second.

    Rows that went leave dead entries at the head of the index until they are vacuumed: whoever starts there reads all
    of them, for each claim anew.
    """

    def __init__(self) -> None:
        self._looked_at = float("-inf")
        self.waiting: dict[int, list[int]] = {}
        self.passed: dict[tuple[int, int], tuple[int, int]] = {}

    def is_old(self) -> bool:
        return time.monotonic() - self._looked_at > FRONT_S

    def look(self, connection: Connection, sender_id: int) -> None:
        self._looked_at = time.monotonic()
        self.waiting, self.passed = _waiting(connection, sender_id), {}


def hold(
    connection: Connection, sender_id: int, limit: int, now_us: int, turn: int = 0, front: Front | None = None
) -> tuple[Claimed, ...]:
    """The rows a claim would take, locked until the commit instead of claimed."""
    front = front or Front()
    if not front.is_old() and (found := _hold(connection, sender_id, limit, now_us, turn, front)):
        return found
    front.look(connection, sender_id)
    return _hold(connection, sender_id, limit, now_us, turn, front)


def _hold(
    connection: Connection, sender_id: int, limit: int, now_us: int, turn: int, front: Front
) -> tuple[Claimed, ...]:
    def hold_of(campaign_id: int, priority: int, share: int) -> list[Claimed]:
        after_us, after_id = front.passed.get((campaign_id, priority), (-1, -1))
        of = {"of_sender": sender_id, "of_campaign": campaign_id, "of_priority": priority}
        of |= {"after_us": after_us, "after_id": after_id, "now_us": now_us, "share": share}
        found = list(map(Claimed._make, _HOLD.rows(connection, of)))
        if found:
            front.passed[campaign_id, priority] = found[-1].not_before_us, found[-1].id
        return found

    return _fair(front.waiting, limit, turn, hold_of)


def _fair(waiting: dict[int, list[int]], limit: int, turn: int, found_of: Found) -> tuple[Claimed, ...]:
    """Round-robin over campaigns; who had more than a share shares what others left over."""
    taken: list[Claimed] = []
    for priority, order in sorted(waiting.items()):
        start = turn % len(order)
        sharing = order[start:] + order[:start]
        while sharing and len(taken) < limit:
            hungry: list[int] = []
            for left, campaign_id in zip(range(len(sharing), 0, -1), sharing, strict=True):
                share = -(-(limit - len(taken)) // left)
                found = found_of(campaign_id, priority, share)
                taken += found
                if share and len(found) == share:
                    hungry.append(campaign_id)
            sharing = hungry
    return tuple(taken)


def sending_campaigns(connection: Connection, sender_id: int) -> list[int]:
    """Campaigns with waiting rows of this sender that may send; a done one where a person settled for resending."""
    return sorted({i for order in _waiting(connection, sender_id).values() for i in order})


def _waiting(connection: Connection, sender_id: int) -> dict[int, list[int]]:
    """priority → campaigns, ascending."""
    found: dict[int, list[int]] = {}
    for campaign_id, priority in connection.execute(_WAITING, {"of_sender": sender_id}):
        found.setdefault(priority, []).append(campaign_id)
    return found


def _waiting_statement() -> Any:
    """The first row tells, so that none is counted: a subquery of one row is no join that reads all of them."""
    priorities = union_all(*(select(literal_column(str(p)).label("priority")) for p in PRIORITIES)).subquery("p")
    first = (
        select(m.id)
        .where(
            _QUEUED,
            m.sender_id == bindparam("of_sender"),
            m.priority == priorities.c.priority,
            m.campaign_id == campaigns.c.id,
        )
        .order_by(m.not_before_us, m.id)
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(campaigns.c.id, priorities.c.priority)
        .select_from(campaigns.join(priorities, true()))
        .where(campaigns.c.state.in_(_SENDING_STATES), first.is_not(None))
        .order_by(campaigns.c.id)
    )


def _ready(*columns: Any) -> Any:
    return (
        select(*columns)
        .where(
            _QUEUED,
            m.sender_id == bindparam("of_sender"),
            m.priority == bindparam("of_priority"),
            m.campaign_id == bindparam("of_campaign"),
            m.not_before_us <= bindparam("now_us"),
            m.not_after_us > bindparam("now_us"),
            m.expires_us > bindparam("now_us"),
            or_(m.claim_until_us.is_(None), m.claim_until_us <= bindparam("now_us")),
        )
        .order_by(m.not_before_us, m.id)
        .limit(bindparam("share"))
        .with_for_update(skip_locked=True)
    )


def _hold_statement(_: bool) -> Any:
    """The campaign's state is asked here too: the list of campaigns may be a second old (invariant 8)."""
    c = campaigns.c
    may_send = exists().where(c.id == bindparam("of_campaign"), c.state.in_(_SENDING_STATES))
    behind = tuple_(m.not_before_us, m.id) > tuple_(bindparam("after_us"), bindparam("after_id"))
    return _ready(*_CLAIMED_COLUMNS).where(behind, may_send)


def _claim_statement(is_postgres: bool) -> Any:
    chosen = _ready(m.id).scalar_subquery()
    # as an array it is worked out once: a plan may run the subquery of an IN again for each row, past its limit
    return (
        update(messages)
        .where(m.id == any_(func.array(chosen)) if is_postgres else m.id.in_(chosen))
        .values(claim_token=bindparam("token"), claim_until_us=bindparam("until_us"))
        .returning(*_CLAIMED_COLUMNS)
    )


# built once: on the hot path, building a statement costs more than running it
_WAITING = _waiting_statement()
_HOLD = Prepared(_hold_statement)
_CLAIM = Prepared(_claim_statement)


def _is_postgres(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def release(connection: Connection, token: int, ids: Sequence[int]) -> None:
    """Give back what was claimed and not begun."""
    if ids:
        connection.execute(
            update(messages)
            .where(any_of(connection, m.id, sorted(ids)), m.claim_token == token, m.status == Status.QUEUED)
            .values(claim_token=None, claim_until_us=None)
        )


def begin(
    connection: Connection,
    token: int,
    rows: Sequence[Claimed],
    sender_id: int,
    now_us: int,
    lease_until_us: int,
    *,
    held: bool = False,
) -> dict[int, int]:
    """Commit to sending these; returns message → attempt for those that are still ours (invariants 3 and 8).

    `held`: this transaction locked them by `hold`, so that nobody claimed them; the token becomes theirs.
    """
    of = {
        "ids": array_of(connection, m.id, sorted(row.id for row in rows)),
        "new_token": token,
        "until_us": lease_until_us,
        "now_us": now_us,
    }
    if any(row.attempt for row in rows):
        _keep_earlier_attempts(connection, _mine(_is_postgres(connection), held), of)
    begun = _BEGIN[held].rows(connection, of)
    tally.add(connection, _moved(begun, sender_id))
    # `sending` ranks above `queued`: of two hops that waited, this one may count now
    overtaking = [row[0] for row in filter(_HAS_SIBLING, begun) if not _IS_COUNTED(row)]
    if overtaking:
        Batch.lock(connection, overtaking).save(recount=True)
    return dict(map(_ATTEMPT_OF, begun))


def _mine(is_postgres: bool, held: bool) -> ColumnElement[bool]:
    # written so that no partial index offers itself: rows are found by their id, and statistics lag behind a new step
    of_rows = and_(any_param(m.id, "ids", is_postgres=is_postgres), m.status.concat("") == Status.QUEUED.value)
    return (
        of_rows
        if held
        else and_(of_rows, m.claim_token == bindparam("new_token"), m.claim_until_us > bindparam("now_us"))
    )


def _begin_statement(is_postgres: bool, held: bool) -> Any:
    return (
        update(messages)
        .where(_mine(is_postgres, held))
        .values(
            status=Status.SENDING.value,
            attempt=m.attempt + 1,
            begun_us=bindparam("now_us"),
            ended_us=None,
            claim_token=bindparam("new_token"),
            claim_until_us=None,
            lease_until_us=bindparam("until_us"),
            provider_id="",
            parts=0,
        )
        .returning(m.id, m.attempt, m.step_id, m.hop, m.counted, m.has_sibling)
    )


_BEGIN = {held: Prepared(partial(_begin_statement, held=held)) for held in (False, True)}
# places in its rows: picked by compiled code, for every message there is
_ATTEMPT_OF, _STEP_OF, _STEP_AND_HOP = itemgetter(0, 1), itemgetter(2), itemgetter(2, 3)
_IS_COUNTED, _HAS_SIBLING = itemgetter(4), itemgetter(5)


def _moved(begun: Sequence[tuple[Any, ...]], sender_id: int) -> Counter[tally.Key]:
    deltas: Counter[tally.Key] = Counter()
    for (step_id, hop), n in Counter(map(_STEP_AND_HOP, begun)).items():
        deltas[tally.message_key(step_id, hop, sender_id, Status.QUEUED, "")] -= n
        deltas[tally.message_key(step_id, hop, sender_id, Status.SENDING, "")] += n
    for step_id, n in Counter(map(_STEP_OF, filter(_IS_COUNTED, begun))).items():
        deltas[tally.people_key(step_id, Status.QUEUED)] -= n
        deltas[tally.people_key(step_id, Status.SENDING)] += n
    return deltas


def _keep_earlier_attempts(connection: Connection, mine: Any, of: dict[str, Any]) -> None:
    """The message row holds one attempt; the one before it moves out."""
    resent = m.not_before_rule == "resend"
    earlier = select(
        m.id,
        m.attempt,
        m.sender_id,
        case((resent, Status.UNKNOWN.value), else_=Status.FAILED.value),
        case((resent, ""), else_="not_sent"),
        m.provider_id,
        m.provider_code,
        m.begun_us,
        m.ended_us,
    ).where(mine, m.attempt > 0)
    names = [column.name for column in attempts.columns]
    connection.execute(insert(attempts).from_select(names, earlier), of)
