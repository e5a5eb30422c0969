"""The short way to record a plain acceptance does what the machine does, to every kind of row (invariants 6 and 11)."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from dispatcher.operations import record
from dispatcher.operations.inspect_messages import settle_message
from dispatcher.operations.record import Ended, Withdrawn
from dispatcher.spi import Accepted, Ambiguous
from dispatcher.store.accepted import Acceptance, accept
from dispatcher.store.outbox import lock_rows
from dispatcher.store.tables import attempts, messages, provider_refs
from tests.integration.engine.stage import Hands, Stage, is_anyone_blocked

AS_MADE = {"id", "step_id", "campaign_id", "contact_id", "sender_id", "cell_id", "address_hash", "address_sealed"}
AS_MADE |= {"body_sealed", "not_before_us", "not_after_us", "expires_us"}
KINDS: Sequence[dict[str, Any]] = (
    {},
    {"hop_after_us": 60_000_000},
    {"hop_after_us": 0},
    {"hop_after_us": 60_000_000, "hop_due_us": 5},
    {"parts": 3},
    {"reason": "other", "provider_code": "30001"},
    {"has_sibling": True},
    {"attempt": 2},
)
OUTCOMES = (Accepted(("SM1",), 2), Accepted(), Accepted(("a", "b", "c")), Accepted(("f",), final=True))


def _recorded(stage: Stage, slug: str, outcome: Accepted) -> tuple[list[dict[str, Any]], int]:
    """What became of a row of each kind, without what differs from one campaign to the next."""
    hands = Hands(stage.context)
    stage.start(slug)
    begun = stage.begin(stage.claim())
    with stage.context.database.begin() as connection:
        for message_id, kind in zip(sorted(begun), KINDS, strict=True):
            if kind:
                connection.execute(update(messages).where(messages.c.id == message_id).values(**kind))
    started_us = stage.context.now_us()
    hands.pass_s(1)
    ended = [Ended(message_id, attempt, outcome, keep_ids=True) for message_id, attempt in begun.items()]
    stage.run(lambda c: record.record_ends(stage.context, c, ended))
    with stage.context.database.read() as connection:
        refs = connection.execute(select(provider_refs).where(provider_refs.c.message_id.in_(begun))).all()
    return [_comparable(row, started_us) for row in stage.rows() if row.id in begun], len(refs)


def _comparable(row: Any, started_us: int) -> dict[str, Any]:
    values = {name: value for name, value in row._asdict().items() if name not in AS_MADE}
    return {
        name: value - started_us if name.endswith("_us") and value is not None and value > 1e12 else value
        for name, value in values.items()
    }


@pytest.mark.parametrize("outcome", OUTCOMES, ids=str)
def test_both_ways_end_in_the_same_rows(stage: Stage, monkeypatch: pytest.MonkeyPatch, outcome: Accepted) -> None:
    stage.people(len(KINDS))
    found = _recorded(stage, "singkat", outcome)
    monkeypatch.setattr(record, "accept", lambda *_: {})
    assert found == _recorded(stage, "umum", outcome)


def test_only_what_it_moved_counts_as_recorded(stage: Stage) -> None:
    stage.people(3)
    stage.start()
    first, second, third = sorted(begun := stage.begin(stage.claim()))
    plain = [Acceptance(message_id, attempt, "SM", 1) for message_id, attempt in begun.items()]
    stage.run(lambda c: accept(c, plain[:1], stage.context.now_us()))
    late = [*plain[:2], Acceptance(third, begun[third] + 1, "SM", 1)]
    assert stage.run(lambda c: accept(c, late, stage.context.now_us())) == {plain[1].message_id: stage.sender_id()}
    assert {row.id: row.status for row in stage.rows()}[third] == "sending"
    assert {first, second} == {row.id for row in stage.rows(status="accepted")}


def test_two_attempts_of_a_message_that_end_together_are_both_recorded(stage: Stage) -> None:
    """The first was given up as unknown and ends late, in the same breath as the second (invariant 6)."""
    stage.people(1)
    stage.start()
    first = stage.begin(stage.claim())
    stage.record(first, Ambiguous())
    settle_message(stage.context, next(iter(first)), "resend", "Budi")
    second = stage.begin(stage.claim())
    ended = [
        Ended(message_id, attempt, Accepted((f"SM{attempt}",)), keep_ids=True)
        for message_id, attempt in [*second.items(), *first.items()]
    ]
    stage.run(lambda c: record.record_ends(stage.context, c, ended))
    with stage.context.database.read() as connection:
        before = connection.execute(select(attempts.c.attempt, attempts.c.status)).all()
        refs = connection.execute(select(provider_refs.c.provider_id, provider_refs.c.attempt)).all()
    assert before == [(1, "accepted")]
    assert sorted(refs) == [("SM1", 1), ("SM2", 2)]
    (row,) = stage.rows()
    assert (row.status, row.attempt, row.provider_id) == ("accepted", 2, "SM2")


def test_ends_of_two_kinds_lock_their_rows_in_the_order_of_a_fold(postgres_url: str, tmp_path: Path) -> None:
    """The first is withdrawn, the second accepted, and somebody has locked the first: the second is still free."""
    stage = Stage(postgres_url, tmp_path)
    stage.people(2)
    stage.start()
    begun = stage.begin(stage.claim())
    first, second = sorted(begun)
    ends = [Ended(first, begun[first], Withdrawn(7)), Ended(second, begun[second], Accepted(("x",)))]
    database = stage.context.database
    with ThreadPoolExecutor(1) as pool:
        with database.begin() as connection:
            lock_rows(connection, [first])
            recording = pool.submit(database.run, lambda c: record.record_ends(stage.context, c, ends))
            while not is_anyone_blocked(connection):
                assert not recording.done()
            connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
            lock_rows(connection, [second])
        recording.result()
    assert stage.statuses() == {"queued": 1, "accepted": 1}
    stage.close()
