"""Invariant 16: a database that was restored from a backup does not send again what its lost part sent."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from dispatcher.core.clock import HOUR_US, MINUTE_US, SECOND_US, from_us, to_us
from dispatcher.core.errors import UnavailableError, UsageError
from dispatcher.core.outcome import NotSent
from dispatcher.core.status import Reason, Status
from dispatcher.operations.context import Context
from dispatcher.operations.control import resume_campaign
from dispatcher.operations.inspect_messages import settle_campaign
from dispatcher.operations.restore import Restored, mark_restored, parse_since
from dispatcher.operations.sender_control import resume
from dispatcher.spi import Absent, Accepted, Ambiguous, Found, LookupQuery, Rejected
from dispatcher.store.generation import ERA
from dispatcher.store.tables import installation, messages
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Hands, Stage


def mark(stage: Stage, ago_us: int = HOUR_US) -> Restored:
    done = mark_restored(stage.context, stage.context.now_us() - ago_us, "rina")
    stage.check()
    return done


def go_on(stage: Stage) -> None:
    """As a person does who has seen to what is unknown."""
    for name in stage.providers:
        resume(stage.context, name, "rina")
    resume_campaign(stage.context, "ajakan", "rina")


def change(context: Context, message_id: int, **values: Any) -> None:
    with context.database.begin() as connection:
        connection.execute(update(messages).where(messages.c.id == message_id).values(**values))


def set_back(context: Context, generation: int) -> None:
    """What a restored backup shows."""
    with context.database.begin() as connection:
        connection.execute(update(installation).values(generation=generation))


def test_all_that_may_have_been_sent_is_held(stage: Stage) -> None:
    stage.people(6)
    stage.start()
    stage.send(Accepted(("SM1",)), 1)
    stage.send(Ambiguous(), 1)
    stage.begin(stage.claim(1))
    stage.claim(1)
    *_, later = stage.rows(status="queued")
    change(stage.context, later.id, not_before_us=stage.context.now_us() + HOUR_US)
    done = mark(stage)
    assert done.held == {Status.QUEUED: 2, Status.SENDING: 1, Status.UNKNOWN: 1}
    assert stage.statuses() == {"accepted": 1, "unknown": 4, "queued": 1}
    assert [row.id for row in stage.rows(status="queued")] == [later.id], "it was not due in the time that was lost"
    assert {row.attempt for row in stage.rows(status="unknown")} == {1}, "receipts and look-ups have a number to name"
    assert not stage.rows(status="unknown")[0].claim_token


def test_everything_that_sends_is_paused_with_what_to_do(stage: Stage) -> None:
    stage.people(1)
    stage.start()
    done = mark(stage)
    assert (done.campaigns, done.senders) == (1, 1)
    assert stage.campaign().state == "paused"
    for reason in (stage.campaign().state_reason, stage.sender().pause_reason):
        assert "restored" in reason
        assert "settle what is unknown" in reason


def test_what_expired_before_the_backup_or_was_cancelled_stays_as_it_is(stage: Stage) -> None:
    stage.people(2)
    stage.start()
    stage.send(Ambiguous(), 2)
    now_us = stage.context.now_us()
    change(stage.context, stage.rows()[0].id, expires_us=now_us - 2 * HOUR_US)
    assert mark(stage).held == {Status.UNKNOWN: 1}


def test_nothing_is_sent_again_though_it_goes_on(stage: Stage) -> None:
    stage.people(3)
    stage.start()
    mark(stage)
    go_on(stage)
    stage.tick()
    with pytest.raises(AssertionError, match="not within"):
        stage.drain(lambda: stage.statuses()[Status.UNKNOWN] < 3, limit_s=1.0)
    assert stage.providers["sms"].refs == []
    settle_campaign(stage.context, "ajakan", "resend", "rina")
    stage.drain(stage.nothing_waits)
    assert {ref.split(".")[1] for ref in stage.providers["sms"].refs} == {"2"}
    assert stage.statuses() == {"accepted": 3}


def test_resending_by_the_campaign_does_not_reach_what_was_lost(stage: Stage) -> None:
    """Its `on_unknown` speaks of single attempts, not of a whole time."""
    hands = Hands(stage.context)
    stage.people(1)
    stage.start(extra="on_unknown: resend")
    mark(stage)
    hands.pass_s(3600)
    stage.tick()
    assert stage.statuses() == {"unknown": 1}


def looking_up(database_url: str, folder: Path, **able: Any) -> Stage:
    return Stage(database_url, folder, {"sms": Provider(lookup=True, settle_time_s=1.0, **able)})


def test_a_look_up_asks_for_the_whole_time_that_was_lost(database_url: str, tmp_path: Path) -> None:
    stage = looking_up(database_url, tmp_path, absence_is_proof=True)
    asked: list[LookupQuery] = []

    def look_up(query: LookupQuery) -> Found | Absent:
        asked.append(query)
        return Found("SM9", Status.DELIVERED) if len(asked) == 1 else Absent()

    stage.providers["sms"].look_up = look_up
    stage.people(2)
    stage.start()
    done = mark(stage)
    stage.drain(lambda: stage.statuses()[Status.UNKNOWN] == 0)
    assert stage.statuses() == {"delivered": 1, "queued": 1}
    assert {query.begun_us for query in asked} == {done.lost.since_us}
    assert all(query.until_us is not None and query.until_us >= done.lost.until_us for query in asked)
    assert stage.providers["sms"].refs == [], "paused until a person resumes"
    stage.close()


def test_what_a_look_up_cannot_tell_is_asked_again_as_of_the_lost_time(database_url: str, tmp_path: Path) -> None:
    stage = looking_up(database_url, tmp_path)
    asked: list[LookupQuery] = []

    def look_up(query: LookupQuery) -> Absent:
        asked.append(query)
        return Absent()

    stage.providers["sms"].look_up = look_up
    stage.people(1)
    stage.start()
    mark(stage)
    stage.drain(lambda: len(asked) == 1 and stage.rows()[0].not_before_us > stage.context.now_us() + MINUTE_US)
    assert stage.rows()[0].not_before_rule == "restored"
    assert stage.statuses() == {"unknown": 1}
    stage.close()


def test_a_step_that_was_due_then_is_held_when_it_is_expanded(stage: Stage) -> None:
    """Its rows, made and sent by the lost part, had other ids: nothing else tells that they may be out."""
    stage.people(3)
    step_id = stage.apply()
    mark(stage)
    go_on(stage)
    stage.expander.expand(step_id)
    stage.check()
    assert stage.statuses() == {"unknown": 3}
    soon = from_us(stage.context.now_us() + 30 * MINUTE_US, "Asia/Jakarta").strftime("%Y-%m-%d %H:%M")
    stage.start("berikut", at=soon)
    assert stage.statuses() == {"unknown": 3, "queued": 3}


def test_a_hop_that_may_have_followed_then_is_held_when_it_is_made(database_url: str, tmp_path: Path) -> None:
    stage = Stage(database_url, tmp_path, {"wa": Provider(), "sms": Provider()})
    stage.people(3)
    stage.start(route="[{senders: wa, after: 1h}, {senders: sms}]")
    _, waits, after = (row.id for row in stage.rows())
    stage.send(Rejected(Reason.UNREACHABLE), 1, sender="wa")
    for message_id in (waits, after):
        change(stage.context, message_id, not_before_us=stage.context.now_us() + 2 * SECOND_US)
    mark(stage, ago_us=0)
    go_on(stage)
    stage.tick()
    assert stage.statuses(hop=1) == {"unknown": 1}
    hands = Hands(stage.context)
    hands.pass_s(5)
    stage.send(Rejected(Reason.UNREACHABLE), 1, sender="wa")
    stage.tick()
    assert stage.statuses(hop=1) == {"unknown": 1, "queued": 1}, "an attempt of today has a hop of today"
    stage.close()


def test_what_a_running_worker_knows_of_a_lost_attempt_counts(stage: Stage) -> None:
    """It began an attempt, the database lost that, and now it tells the end."""
    stage.people(3)
    stage.start()
    taken, doubtful, proven = (row.id for row in stage.rows())
    stage.record({taken: 1}, Accepted(("SM1",)))
    stage.record({doubtful: 1}, Ambiguous())
    stage.record({proven: 1}, NotSent())
    assert [row.status for row in stage.rows()] == ["accepted", "unknown", "queued"]


def test_an_older_database_is_refused_until_it_was_marked(stage: Stage) -> None:
    stage.people(2)
    stage.start()
    stage.tick()
    with stage.context.database.read() as connection:
        generation = connection.execute(installation.select()).one().generation
    assert generation > 0
    set_back(stage.context, generation - 1)
    for context in (stage.context, stage.connect()):
        with pytest.raises(UnavailableError, match="older than what was sent") as refused:
            context.database.run(context.generation.require)
        assert "dispatcher db mark-restored --since" in refused.value.hint
        assert parse_since(refused.value.hint.split("--since ")[1].split()[0]) <= stage.context.now_us()
        with pytest.raises(UnavailableError):
            stage.drain(lambda: False, context, limit_s=0.1)
    context.database.close()
    with pytest.raises(UnavailableError):
        stage.tick()
    assert stage.providers["sms"].refs == []
    done = mark(stage)
    assert done.generation >= ERA
    other = stage.connect()
    other.database.run(other.generation.require)
    other.database.close()
    stage.tick()


def test_a_database_restored_under_a_running_drain_is_noticed_at_the_next_claim(
    database_url: str, tmp_path: Path
) -> None:
    stage = Stage(database_url, tmp_path, rates={"sms": "20 msg/s"})
    stage.people(60)
    stage.start()
    for _ in range(2):
        stage.tick()
    sent, restored_at = stage.providers["sms"].refs, 0.0

    def a_second_after_the_restore() -> bool:
        nonlocal restored_at
        if not restored_at and len(sent) >= 5:
            set_back(stage.context, 0)
            restored_at = time.monotonic()
        return bool(restored_at) and time.monotonic() > restored_at + 1.5

    stage.drain(a_second_after_the_restore)
    assert len(sent) < 25, "only what was claimed before"
    stage.close()


def test_a_copy_of_the_generation_is_for_this_user_only(stage: Stage) -> None:
    stage.tick()
    (kept,) = (stage.folder / "state" / "generation").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert int(kept.read_text()) == 1


def test_another_database_with_the_same_state_folder_is_not_older(
    sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    """A folder whose database was thrown away and begun anew."""
    one, other = Stage(sqlite_url, tmp_path), Stage(postgres_url, tmp_path)
    one.tick()
    other.context.database.run(other.context.generation.require)
    one.close()
    other.close()


def test_a_backup_of_the_future_or_without_an_offset_is_a_mistake(stage: Stage) -> None:
    with pytest.raises(UsageError, match="future"):
        mark(stage, ago_us=-HOUR_US)
    with pytest.raises(UsageError, match="offset"):
        parse_since("2026-02-14 03:00")
    noon = parse_since("2026-02-14T12:00:00+07:00")
    assert noon == to_us(from_us(noon))
