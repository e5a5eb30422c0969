"""Claiming and beginning (invariant 3).

A claim is no status: the row stays `queued` with a token and a lease. Only `begin` moves it, and only while the token
is ours and the lease is valid. Where a whole claim may leave at once, `hold` and `begin` do both in one commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, any_, case, exists, func, insert, literal, or_, select, update

from dispatcher.core.status import Status
from dispatcher.store import tally
from dispatcher.store.bulk import any_of
from dispatcher.store.outbox import Batch
from dispatcher.store.tables import attempts, campaigns, messages

m = messages.c
_QUEUED = m.status == literal(Status.QUEUED.value, literal_execute=True)


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


_CLAIMED_COLUMNS = tuple(m[name] for name in Claimed._fields)

Found = Callable[[int, int, int], list[Claimed]]
"""(campaign, priority, limit) → rows."""


def claim(
    connection: Connection, sender_id: int, limit: int, token: int, now_us: int, claim_until_us: int, turn: int = 0
) -> tuple[Claimed, ...]:
    """Up to `limit` rows that may go now: urgent ones first, then a fair share for each running campaign.

    `turn` rotates which campaign is served first.
    """
    # as an array it is worked out once: a plan may run the subquery of an IN again for each row, past its limit
    is_postgres = connection.dialect.name == "postgresql"

    def claim_of(campaign_id: int, priority: int, share: int) -> list[Claimed]:
        chosen = _ready((m.id,), sender_id, campaign_id, priority, share, now_us).scalar_subquery()
        statement = (
            update(messages)
            .where(m.id == any_(func.array(chosen)) if is_postgres else m.id.in_(chosen))
            .values(claim_token=token, claim_until_us=claim_until_us)
            .returning(*_CLAIMED_COLUMNS)
        )
        rows = [Claimed(*row) for row in connection.execute(statement)]
        rows.sort(key=lambda row: (row.not_before_us, row.id))
        return rows

    return _fair(sending_campaigns(connection, sender_id), limit, turn, claim_of)


def hold(connection: Connection, sender_id: int, limit: int, now_us: int, turn: int = 0) -> tuple[Claimed, ...]:
    """The rows a claim would take, locked until the commit instead of claimed."""

    def hold_of(campaign_id: int, priority: int, share: int) -> list[Claimed]:
        statement = _ready(_CLAIMED_COLUMNS, sender_id, campaign_id, priority, share, now_us)
        return [Claimed(*row) for row in connection.execute(statement)]

    return _fair(sending_campaigns(connection, sender_id), limit, turn, hold_of)


def _fair(order: list[int], limit: int, turn: int, found_of: Found) -> tuple[Claimed, ...]:
    """Round-robin over campaigns; who had more than a share shares what others left over."""
    if not order:
        return ()
    start = turn % len(order)
    taken: list[Claimed] = []
    for priority in (0, 1):
        waiting = order[start:] + order[:start]
        while waiting and len(taken) < limit:
            hungry: list[int] = []
            for left, campaign_id in zip(range(len(waiting), 0, -1), waiting, strict=True):
                share = -(-(limit - len(taken)) // left)
                found = found_of(campaign_id, priority, share)
                taken += found
                if share and len(found) == share:
                    hungry.append(campaign_id)
            waiting = hungry
    return tuple(taken)


def sending_campaigns(connection: Connection, sender_id: int) -> list[int]:
    """Campaigns with waiting rows of this sender that may send; a done one where a person settled for resending."""
    waiting = exists().where(
        _QUEUED,
        m.sender_id == sender_id,
        m.priority.in_((0, 1)),
        m.campaign_id == campaigns.c.id,
    )
    statement = (
        select(campaigns.c.id).where(campaigns.c.state.in_(("running", "done")), waiting).order_by(campaigns.c.id)
    )
    return list(connection.execute(statement).scalars())


def _ready(columns: Sequence[Any], sender_id: int, campaign_id: int, priority: int, limit: int, now_us: int) -> Any:
    return (
        select(*columns)
        .where(
            _QUEUED,
            m.sender_id == sender_id,
            m.priority == priority,
            m.campaign_id == campaign_id,
            m.not_before_us <= now_us,
            m.not_after_us > now_us,
            m.expires_us > now_us,
            or_(m.claim_until_us.is_(None), m.claim_until_us <= now_us),
        )
        .order_by(m.not_before_us, m.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


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
    of_rows = and_(any_of(connection, m.id, sorted(row.id for row in rows)), m.status == Status.QUEUED)
    mine = of_rows if held else and_(of_rows, m.claim_token == token, m.claim_until_us > now_us)
    if any(row.attempt for row in rows):
        _keep_earlier_attempts(connection, mine)
    statement = (
        update(messages)
        .where(mine)
        .values(
            status=Status.SENDING,
            attempt=m.attempt + 1,
            begun_us=now_us,
            ended_us=None,
            claim_token=token,
            claim_until_us=None,
            lease_until_us=lease_until_us,
            provider_id="",
            parts=0,
        )
        .returning(m.id, m.attempt, m.step_id, m.hop, m.counted, m.has_sibling)
    )
    begun = connection.execute(statement).all()
    tally.add(connection, _moved(begun, sender_id))
    # `sending` ranks above `queued`: of two hops that waited, this one may count now
    overtaking = [row.id for row in begun if row.has_sibling and not row.counted]
    if overtaking:
        Batch.lock(connection, overtaking).save(recount=True)
    return {row.id: row.attempt for row in begun}


def _moved(begun: Sequence[Any], sender_id: int) -> Counter[tally.Key]:
    deltas: Counter[tally.Key] = Counter()
    for (step_id, hop), n in Counter((row.step_id, row.hop) for row in begun).items():
        deltas[tally.message_key(step_id, hop, sender_id, Status.QUEUED, "")] -= n
        deltas[tally.message_key(step_id, hop, sender_id, Status.SENDING, "")] += n
    for step_id, n in Counter(row.step_id for row in begun if row.counted).items():
        deltas[tally.people_key(step_id, Status.QUEUED)] -= n
        deltas[tally.people_key(step_id, Status.SENDING)] += n
    return deltas


def _keep_earlier_attempts(connection: Connection, mine: Any) -> None:
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
    connection.execute(insert(attempts).from_select([column.name for column in attempts.columns], earlier))
