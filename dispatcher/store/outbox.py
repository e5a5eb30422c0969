"""The queue of record: claiming, beginning, recording. Rows are locked in ascending id everywhere.

A claim is no status: the row stays `queued` with a token and a lease. Only `begin` moves it, and only while the token
is ours and the lease is valid (invariant 3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, any_, case, exists, func, insert, literal, or_, select, update

from dispatcher.core.status import Status, best
from dispatcher.delivery.machine import Message
from dispatcher.store import tally
from dispatcher.store.bulk import any_of, update_by_id
from dispatcher.store.tables import attempts, campaigns, messages

m = messages.c

STATE_COLUMNS = (
    m.id, m.step_id, m.campaign_id, m.contact_id, m.hop, m.sender_id, m.status, m.reason, m.attempt, m.tries, m.prior,
    m.claim_token, m.lease_until_us, m.not_before_us, m.not_before_rule, m.hop_after_us, m.hop_due_us, m.begun_us,
    m.ended_us, m.provider_id, m.provider_code, m.parts, m.counted, m.has_sibling,
)  # fmt: skip

_SAVED = (
    "status", "reason", "tries", "prior", "claim_token", "lease_until_us", "not_before_us", "not_before_rule",
    "hop_after_us", "hop_due_us", "ended_us", "provider_id", "provider_code", "parts", "counted", "has_sibling",
)  # fmt: skip
_saved_values = attrgetter("id", *_SAVED)


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
    address_sealed: bytes
    body_sealed: bytes


_CLAIMED_COLUMNS = tuple(m[name] for name in Claimed._fields)


def _state(row: Any) -> Message:
    message = Message(*row)
    message.status = Status(message.status)
    return message


def lock(connection: Connection, ids: Iterable[int]) -> dict[int, Message]:
    """The rows, locked in ascending id until the commit."""
    wanted = sorted(set(ids))
    statement = select(*STATE_COLUMNS).where(any_of(connection, m.id, wanted)).order_by(m.id).with_for_update()
    return {row.id: _state(row) for row in connection.execute(statement).all()}


class _Counted(NamedTuple):
    """What of a row the counters see."""

    sender_id: int
    status: Status
    reason: str
    counted: bool


def _counted_as(row: Message) -> _Counted:
    return _Counted(row.sender_id, row.status, row.reason, row.counted)


class Batch:
    """Locked rows, changed by the machine, saved together with the counters they move."""

    def __init__(self, connection: Connection, rows: dict[int, Message]) -> None:
        self._connection = connection
        self.rows = rows
        self._before = {i: _counted_as(row) for i, row in rows.items()}
        self._images = {i: _saved_values(row) for i, row in rows.items()}

    @classmethod
    def lock(cls, connection: Connection, ids: Iterable[int]) -> Batch:
        return cls(connection, lock(connection, ids))

    def save(self, *, recount: bool = False) -> list[Message]:
        """Writes what changed; returns the messages whose status changed. `recount`: see who counts even so."""
        moved = [row for i, row in self.rows.items() if row.status is not self._before[i].status]
        with_siblings = [row for row in (self.rows.values() if recount else moved) if row.has_sibling]
        if with_siblings:
            self._load_siblings(with_siblings)
            self._recount()
        values = [(i, _saved_values(row)) for i, row in self.rows.items()]
        changed = [image for i, image in values if image != self._images[i]]
        update_by_id(self._connection, messages, _SAVED, changed)
        tally.add(self._connection, self._deltas())
        return moved

    def later_siblings(self, reached: list[Message]) -> list[Message]:
        """Locked: the hops after these, of the same people."""
        with_siblings = [row for row in reached if row.has_sibling]
        if not with_siblings:
            return []
        self._load_siblings(with_siblings)
        hops = {(row.step_id, row.contact_id): row.hop for row in with_siblings}
        return [row for row in self.rows.values() if row.hop > hops.get((row.step_id, row.contact_id), row.hop)]

    def _load_siblings(self, moved: list[Message]) -> None:
        """The other hops of those people: which of them counts may change."""
        steps = {row.step_id for row in moved}
        people = sorted({row.contact_id for row in moved})
        statement = (
            select(*STATE_COLUMNS)
            .where(m.step_id.in_(steps), any_of(self._connection, m.contact_id, people))
            .order_by(m.id)
            .with_for_update()
        )
        for row in self._connection.execute(statement):
            if row.id not in self.rows:
                message = _state(row)
                self.rows[message.id] = message
                self._before[message.id] = _counted_as(message)
                self._images[message.id] = _saved_values(message)

    def _recount(self) -> None:
        """Exactly one hop of a person counts: the best one."""
        people: dict[tuple[int, int], list[Message]] = {}
        for row in self.rows.values():
            if row.has_sibling:
                people.setdefault((row.step_id, row.contact_id), []).append(row)
        for hops in people.values():
            if len(hops) < 2:
                continue
            reached = best(hop.status for hop in hops)
            chosen = next(hop for hop in sorted(hops, key=attrgetter("hop")) if hop.status is reached)
            for hop in hops:
                hop.counted = hop is chosen

    def _deltas(self) -> Counter[tally.Key]:
        deltas: Counter[tally.Key] = Counter()
        for i, row in self.rows.items():
            sender_id, status, reason, counted = self._before[i]
            deltas[tally.message_key(row.step_id, row.hop, sender_id, status, reason)] -= 1
            deltas[tally.message_key(row.step_id, row.hop, row.sender_id, row.status, row.reason)] += 1
            if counted:
                deltas[tally.people_key(row.step_id, status)] -= 1
            if row.counted:
                deltas[tally.people_key(row.step_id, row.status)] += 1
        return deltas


def claim(
    connection: Connection, sender_id: int, limit: int, token: int, now_us: int, claim_until_us: int, turn: int = 0
) -> tuple[Claimed, ...]:
    """Up to `limit` rows that may go now: urgent ones first, then a fair share for each running campaign.

    `turn` rotates which campaign is served first.
    """
    order = sending_campaigns(connection, sender_id)
    if not order:
        return ()
    start = turn % len(order)
    taken: list[Claimed] = []
    for priority in (0, 1):
        waiting = order[start:] + order[:start]
        while waiting and len(taken) < limit:
            # who had more than a share shares what others left over
            hungry: list[int] = []
            for left, campaign_id in zip(range(len(waiting), 0, -1), waiting, strict=True):
                share = -(-(limit - len(taken)) // left)
                found = _claim_of(connection, sender_id, campaign_id, priority, share, token, now_us, claim_until_us)
                taken += found
                if share and len(found) == share:
                    hungry.append(campaign_id)
            waiting = hungry
    return tuple(taken)


def sending_campaigns(connection: Connection, sender_id: int) -> list[int]:
    """Campaigns with waiting rows of this sender that may send; a done one where a person settled for resending."""
    waiting = exists().where(
        m.status == literal(Status.QUEUED.value, literal_execute=True),
        m.sender_id == sender_id,
        m.priority.in_((0, 1)),
        m.campaign_id == campaigns.c.id,
    )
    statement = (
        select(campaigns.c.id).where(campaigns.c.state.in_(("running", "done")), waiting).order_by(campaigns.c.id)
    )
    return list(connection.execute(statement).scalars())


def _claim_of(
    connection: Connection,
    sender_id: int,
    campaign_id: int,
    priority: int,
    limit: int,
    token: int,
    now_us: int,
    claim_until_us: int,
) -> list[Claimed]:
    ready = (
        select(m.id)
        .where(
            m.status == literal(Status.QUEUED.value, literal_execute=True),
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
    # as an array it is worked out once: a plan may run the subquery of an IN again for each row, past its limit
    chosen = ready.scalar_subquery()
    is_postgres = connection.dialect.name == "postgresql"
    statement = (
        update(messages)
        .where(m.id == any_(func.array(chosen)) if is_postgres else m.id.in_(chosen))
        .values(claim_token=token, claim_until_us=claim_until_us)
        .returning(*_CLAIMED_COLUMNS)
    )
    rows = [Claimed(*row) for row in connection.execute(statement)]
    rows.sort(key=lambda row: (row.not_before_us, row.id))
    return rows


def release(connection: Connection, token: int, ids: Sequence[int]) -> None:
    """Give back what was claimed and not begun."""
    if ids:
        connection.execute(
            update(messages)
            .where(any_of(connection, m.id, sorted(ids)), m.claim_token == token, m.status == Status.QUEUED)
            .values(claim_token=None, claim_until_us=None)
        )


def begin(
    connection: Connection, token: int, rows: Sequence[Claimed], sender_id: int, now_us: int, lease_until_us: int
) -> dict[int, int]:
    """Commit to sending these; returns message → attempt for those that are still ours (invariants 3 and 8)."""
    mine = and_(
        any_of(connection, m.id, sorted(row.id for row in rows)),
        m.claim_token == token,
        m.status == Status.QUEUED,
        m.claim_until_us > now_us,
    )
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
            claim_until_us=None,
            lease_until_us=lease_until_us,
            provider_id="",
            parts=0,
        )
        .returning(m.id, m.attempt, m.step_id, m.hop, m.counted, m.has_sibling)
    )
    begun = connection.execute(statement).all()
    deltas: Counter[tally.Key] = Counter()
    for row in begun:
        deltas[tally.message_key(row.step_id, row.hop, sender_id, Status.QUEUED, "")] -= 1
        deltas[tally.message_key(row.step_id, row.hop, sender_id, Status.SENDING, "")] += 1
    for row in begun:
        if row.counted:
            deltas[tally.people_key(row.step_id, Status.QUEUED)] -= 1
            deltas[tally.people_key(row.step_id, Status.SENDING)] += 1
    tally.add(connection, deltas)
    # `sending` ranks above `queued`: of two hops that waited, this one may count now
    overtaking = [row.id for row in begun if row.has_sibling and not row.counted]
    if overtaking:
        Batch.lock(connection, overtaking).save(recount=True)
    return {row.id: row.attempt for row in begun}


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
