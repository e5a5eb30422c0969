"""Sessions that are moved while campaigns go by them: nothing is sent that nobody approved (invariants 10 and 11)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatcher.core.clock import DAY_US, HOUR_US, MINUTE_US, from_us
from dispatcher.core.errors import CampaignError, RefusedError
from dispatcher.operations import expand, readdress
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.control import pause_campaign, resume_campaign
from dispatcher.operations.plan import plan_campaign
from dispatcher.operations.sessions import set_session
from dispatcher.operations.status import campaign_status
from dispatcher.render.content import decode
from dispatcher.spi import Accepted, Rejected
from dispatcher.spi import Reason as R
from dispatcher.store.tables import journal, steps
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Hands, Stage

TEXT = "{{ session.title }}: {{ session.place }}, {{ session.starts | jam }}. {{ stop }}"
LIVE = "live: [session]"
OLD, NEW = "Balai Kota", "GOR Cengkareng"


@pytest.fixture
def clock(stage: Stage) -> Hands:
    return Hands(stage.context)


def _session(stage: Stage, ahead_us: int = 2 * DAY_US, place: str = OLD) -> str:
    starts = _instant(stage, ahead_us)
    return f'sessions: {{barat: {{title: Kelas, place: {place}, starts: "{starts}"}}}}'


def _instant(stage: Stage, ahead_us: int) -> str:
    return from_us(stage.context.now_us() + ahead_us, "Asia/Jakarta").strftime("%Y-%m-%d %H:%M")


def _file(stage: Stage, live: str = "", extra: str | None = None, slug: str = "ajakan", before: str = "1 day") -> Path:
    """A reminder so long before the session, with the session in the file unless `extra` says otherwise."""
    step = f"sessions: [barat]\n    {live}"
    path = stage.write(slug, at="AT", step=step, text=TEXT, extra=_session(stage) if extra is None else extra)
    path.write_text(path.read_text().replace('"AT"', f'{{before: "{before}"}}'))
    return path


def _apply(stage: Stage, path: Path) -> int:
    plan_campaign(stage.context, path, "Ani")
    apply_campaign(stage.context, path, "Ani")
    return stage.step_id(path.stem)


def _set(stage: Stage, **given: str) -> dict[str, object]:
    outcome = set_session(stage.context, "barat", given, "Ani")
    stage.check()
    return outcome


def _step(stage: Stage, step_id: int) -> object:
    with stage.context.database.read() as connection:
        return connection.execute(select(steps).where(steps.c.id == step_id)).one()


def _due_in_us(stage: Stage, step_id: int) -> int:
    return int(_step(stage, step_id).due_us - stage.context.now_us())  # type: ignore[attr-defined]


def _texts(stage: Stage, **wanted: str) -> list[str]:
    opened = stage.context.keys.sealer.open
    return [decode(opened("messages.body", row.id, row.body_sealed)).text or "" for row in stage.rows(**wanted)]


# Live


def test_a_live_step_moves_with_its_session(stage: Stage, clock: Hands) -> None:
    stage.people(3)
    step_id = _apply(stage, _file(stage, LIVE))
    assert step_id not in stage.tick().steps
    outcome = _set(stage, starts=_instant(stage, DAY_US + 10 * MINUTE_US), place=NEW)
    assert [line["step"] for line in outcome["moved"]] == ["satu"]  # type: ignore[attr-defined, index]
    assert -MINUTE_US <= _due_in_us(stage, step_id) - 10 * MINUTE_US <= MINUTE_US
    assert step_id in stage.tick().steps
    stage.expander.expand(step_id)
    texts = _texts(stage)
    assert len(texts) == 3
    assert all(f"Kelas: {NEW}, " in text for text in texts)


def test_a_session_that_is_put_off_takes_a_due_step_away(stage: Stage, clock: Hands) -> None:
    """Between the tick that found it due and the worker that expands it."""
    stage.people(1)
    step_id = _apply(stage, _file(stage, LIVE, before="47 hours"))
    clock.pass_us(HOUR_US)
    assert step_id in stage.tick().steps
    _set(stage, starts=_instant(stage, 5 * DAY_US))
    stage.expander.expand(step_id)
    assert stage.rows() == []
    assert stage.campaign().state != "paused"


def test_texts_that_wait_are_written_anew_for_the_new_time(
    stage: Stage, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readdress, "_AT_ONCE", 2)
    stage.people(5)
    step_id = _apply(stage, _file(stage, LIVE, before="2 days"))
    stage.expander.expand(step_id)
    stage.send(Accepted(("x",)), 1)
    outcome = _set(stage, starts=_instant(stage, 5 * DAY_US), place=NEW)
    assert outcome["rewritten"] == ["ajakan"]
    assert stage.campaign().state == "running"
    assert [OLD in text for text in _texts(stage, status="accepted")] == [True]
    waiting = stage.rows(status="queued")
    assert all(NEW in text for text in _texts(stage, status="queued"))
    assert len(waiting) == 4
    assert stage.claim() == ()
    clock.pass_us(3 * DAY_US + MINUTE_US)
    assert len(stage.claim()) == 4


def test_a_page_after_the_move_tells_of_the_new_place(
    stage: Stage, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expand, "PAGE", 2)
    stage.people(4)
    step_id = _apply(stage, _file(stage, LIVE, before="2 days"))
    pages = iter([False, True])
    stage.expander.expand(step_id, should_stop=lambda: next(pages))
    assert len(stage.rows()) == 2
    _set(stage, place=NEW)
    stage.expander.expand(step_id)
    assert [NEW in text for text in _texts(stage)] == [True] * 4


def test_a_pause_of_a_person_stays_and_the_texts_are_written_on_resume(stage: Stage, clock: Hands) -> None:
    stage.people(2)
    stage.expander.expand(_apply(stage, _file(stage, LIVE, before="2 days")))
    pause_campaign(stage.context, "ajakan", "Budi")
    assert _set(stage, place=NEW)["rewritten"] == []
    assert stage.campaign().state_reason == "paused by Budi"
    assert all(OLD in text for text in _texts(stage))
    resume_campaign(stage.context, "ajakan", "Budi")
    assert all(NEW in text for text in _texts(stage))
    assert len(stage.claim()) == 2


def test_the_next_hop_tells_of_the_session_as_it_stands(database_url: str, tmp_path: Path) -> None:
    stage = Stage(database_url, tmp_path, {"sms": Provider(), "lain": Provider()})
    Hands(stage.context)
    stage.people(1)
    path = _file(stage, LIVE, before="2 days")
    path.write_text(path.read_text().replace("route: [{senders: sms}]", "route: [{senders: sms}, {senders: lain}]"))
    stage.expander.expand(_apply(stage, path))
    begun = stage.begin(stage.claim(sender="sms"), sender="sms")
    _set(stage, place=NEW)
    stage.record(begun, Rejected(R.UNREACHABLE))
    stage.tick()
    assert [NEW in text for text in _texts(stage, hop=1)] == [True]  # type: ignore[arg-type]
    stage.close()


# Not live


def test_a_scheduled_campaign_is_paused_until_the_new_place_is_approved(stage: Stage, clock: Hands) -> None:
    stage.people(2)
    path = _file(stage)
    _apply(stage, path)
    outcome = _set(stage, place=NEW)
    assert (outcome["paused"], outcome["changed"]) == (["ajakan"], ["place"])
    assert stage.campaign().state == "paused"
    assert "barat was changed after the approval" in stage.campaign().state_reason
    (why,) = [one for one in campaign_status(stage.context, "ajakan", why=True).why or () if one.rule == "session"]
    assert "plan and approve the campaign anew" in why.explanation
    with pytest.raises(RefusedError) as refused:
        resume_campaign(stage.context, "ajakan", "Ani")
    assert refused.value.code == "session-changed"
    with pytest.raises(CampaignError, match="stands otherwise"):
        apply_campaign(stage.context, path, "Ani")

    path.write_text(path.read_text().replace(OLD, NEW))
    with pytest.raises(RefusedError) as unplanned:
        apply_campaign(stage.context, path, "Ani")
    assert unplanned.value.code == "not-planned"
    step_id = _apply(stage, path)
    resume_campaign(stage.context, "ajakan", "Ani")
    clock.pass_us(DAY_US)
    stage.expander.expand(step_id)
    assert all(NEW in text for text in _texts(stage))
    assert len(_texts(stage)) == 2


def test_putting_the_session_back_is_enough(stage: Stage, clock: Hands) -> None:
    _apply(stage, _file(stage))
    starts = _instant(stage, 2 * DAY_US)
    _set(stage, starts=_instant(stage, 3 * DAY_US))
    assert _set(stage, starts=starts)["paused"] == []
    resume_campaign(stage.context, "ajakan", "Ani")
    assert stage.campaign().state == "scheduled"


def test_what_waits_is_not_sent_with_the_old_place_and_not_with_the_new(stage: Stage, clock: Hands) -> None:
    """Only after a second approval, and then with what that one approved."""
    stage.people(3)
    path = _file(stage, before="2 days")
    stage.expander.expand(_apply(stage, path))
    stage.send(Accepted(("x",)), 1)
    _set(stage, place=NEW)
    assert stage.claim() == ()
    path.write_text(path.read_text().replace(OLD, NEW))
    _apply(stage, path)
    resume_campaign(stage.context, "ajakan", "Ani")
    assert [NEW in text for text in _texts(stage, status="queued")] == [True, True]
    assert len(stage.claim()) == 2


def test_a_worker_that_had_claimed_the_old_text_cannot_begin_it(stage: Stage, clock: Hands) -> None:
    stage.people(2)
    stage.expander.expand(_apply(stage, _file(stage, LIVE, before="2 days")))
    claimed = stage.claim()
    assert len(claimed) == 2
    _set(stage, place=NEW)
    assert stage.begin(claimed) == {}


def test_a_worker_that_expands_meanwhile_pauses_the_campaign(stage: Stage, clock: Hands) -> None:
    """As if the change had been made by hand, past every command."""
    stage.people(2)
    step_id = _apply(stage, _file(stage, before="2 days"))
    with stage.context.database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE sessions SET place = '{NEW}'")
    assert stage.expander.expand(step_id) == 0
    assert stage.rows() == []
    assert stage.campaign().state == "paused"


def test_a_ceiling_is_not_forgotten_for_a_session(stage: Stage, clock: Hands) -> None:
    stage.people(1)
    stage.expander.expand(_apply(stage, _file(stage, before="2 days")))
    pause_campaign(stage.context, "ajakan", reason="ceiling: too many")
    assert _set(stage, place=NEW)["paused"] == ["ajakan"]
    assert stage.campaign().state_reason == "ceiling: too many"


def test_a_campaign_that_is_over_is_left_alone(stage: Stage, clock: Hands) -> None:
    stage.people(1)
    stage.expander.expand(_apply(stage, _file(stage, before="2 days")))
    stage.send(Accepted(("x",)))
    stage.tick()
    assert stage.campaign().state == "done"
    assert _set(stage, place=NEW)["paused"] == []
    assert stage.campaign().state == "done"


# By code


def test_a_step_by_code_goes_by_the_table_as_it_was_approved(stage: Stage, clock: Hands) -> None:
    stage.people(1)
    _apply(stage, _file(stage, slug="pertama"))
    path = _file(stage, extra="", slug="kedua")
    plan_campaign(stage.context, path, "Ani")
    _set(stage, place=NEW)
    with pytest.raises(RefusedError) as refused:
        apply_campaign(stage.context, path, "Ani")
    assert refused.value.code == "not-planned"
    step_id = _apply(stage, path)
    clock.pass_us(DAY_US)
    stage.expander.expand(step_id)
    assert [NEW in text for text in _texts(stage)] == [True]


def test_a_code_that_the_table_lacks_cannot_be_planned(stage: Stage) -> None:
    with pytest.raises(CampaignError, match="there is no session `barat`"):
        plan_campaign(stage.context, _file(stage, extra=""), "Ani")


def test_another_event_under_the_same_name_is_refused(stage: Stage, clock: Hands) -> None:
    """Also where both were planned before either was applied."""
    first, second = _file(stage, slug="pertama"), _file(stage, LIVE, slug="kedua")
    second.write_text(second.read_text().replace("title: Kelas", "title: Rapat RW"))
    plan_campaign(stage.context, second, "Ani")
    _apply(stage, first)
    with pytest.raises(CampaignError, match="title"):
        apply_campaign(stage.context, second, "Ani")


def test_each_change_is_on_record_without_a_text(stage: Stage) -> None:
    _apply(stage, _file(stage))
    _set(stage, place=NEW, capacity="80")
    with stage.context.database.read() as connection:
        (row,) = connection.execute(select(journal).where(journal.c.verb == "session set"))
    assert (row.actor, row.subject, row.details) == ("Ani", "barat", {"changed": ["place", "capacity"]})


def test_the_file_may_move_after_the_table_was_told(stage: Stage, clock: Hands) -> None:
    """The first application made the table's row; from then on the table is changed first."""
    path = _file(stage)
    _apply(stage, path)
    later = timedelta(days=1)
    moved = from_us(stage.context.now_us() + 2 * DAY_US, "Asia/Jakarta") + later
    path.write_text(path.read_text().replace(_instant(stage, 2 * DAY_US), moved.strftime("%Y-%m-%d %H:%M")))
    with pytest.raises(CampaignError, match="stands otherwise"):
        plan_campaign(stage.context, path, "Ani")
    _set(stage, starts=moved.strftime("%Y-%m-%d %H:%M"))
    step_id = _apply(stage, path)
    resume_campaign(stage.context, "ajakan", "Ani")
    assert _due_in_us(stage, step_id) > DAY_US
