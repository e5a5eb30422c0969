"""Caps over all campaigns: who has had enough is left out and counted, and room comes back (invariants 8, 11)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, select, update

from dispatcher.core.clock import DAY_US, HOUR_US, from_us
from dispatcher.core.status import Reason
from dispatcher.operations import expand
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.contacts import erase_contact
from dispatcher.operations.control import cancel_campaign
from dispatcher.operations.expand import Expander
from dispatcher.operations.plan import plan_campaign
from dispatcher.operations.status import campaign_status
from dispatcher.spi import Accepted, Ambiguous, Rejected
from dispatcher.store.tables import messages, steps
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Hands, Stage

ONE_A_DAY = {"per_day": 1}


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    """One message a day."""
    stage = Stage(database_url, tmp_path, caps=ONE_A_DAY)
    yield stage
    stage.close()


def _people(stage: Stage, slug: str) -> dict[str, int]:
    stage.check()
    return stage.people_by_status(stage.step_id(slug))


def test_who_had_one_today_is_left_out_of_the_next_campaign_and_counted(stage: Stage) -> None:
    stage.people(5)
    stage.start("satu")
    stage.people(2, first=5)
    stage.start("dua")
    assert _people(stage, "satu") == {"queued": 5}
    assert _people(stage, "dua") == {"queued": 2, "capped": 5}


def test_without_caps_nobody_asks(database_url: str, tmp_path: Path) -> None:
    stage = Stage(database_url, tmp_path)
    stage.people(5)
    stage.start("satu")
    step_id, statements = stage.apply("dua"), list[str]()
    event.listen(stage.context.database.engine, "before_cursor_execute", lambda c, k, text, *_: statements.append(text))
    stage.expander.expand(step_id)
    assert statements
    assert not [one for one in statements if "advisory" in one or "min(steps" in one]
    assert _people(stage, "dua") == {"queued": 5}
    stage.close()


def test_a_campaign_may_be_stricter_and_only_by_its_word_exempt(stage: Stage) -> None:
    """An exempt one's messages count for the others."""
    stage.people(4)
    stage.start("satu")
    stage.start("darurat", extra="caps: exempt")
    assert _people(stage, "darurat") == {"queued": 4}
    plan = plan_campaign(stage.context, stage.write("darurat-lagi", extra="caps: exempt"), "Ani")
    assert plan.notes == ("Exempt from the caps of this installation (1 a day).",)
    assert "caps-exempt" in [one.code for one in plan.diagnostics]
    stage.context.environment.settings.__dict__["caps"] = stage.context.settings.caps.model_copy(update={"per_day": 3})
    stage.start("ketat", extra="caps: {per_7_days: 2}")
    assert _people(stage, "ketat") == {"capped": 4}
    stage.start("longgar")
    assert _people(stage, "longgar") == {"queued": 4}


def test_a_new_day_brings_new_room(stage: Stage) -> None:
    """Midnight in Jakarta, however few hours after the last."""
    hands = Hands(stage.context)
    stage.people(3)
    midnight_us = stage.context.now_us() // DAY_US * DAY_US + DAY_US - 7 * HOUR_US
    hands.pass_us(midnight_us - stage.context.now_us() + DAY_US - HOUR_US)
    stage.start("malam")
    stage.send(Accepted(("a",)))
    hands.pass_us(2 * HOUR_US)
    stage.start("pagi")
    assert _people(stage, "pagi") == {"queued": 3}


def test_what_reached_nobody_gives_its_room_back(stage: Stage) -> None:
    """Cancelled, expired, failed: not what may have been sent, nor what waits for its next hop."""
    stage.people(6)
    stage.start("satu")
    stage.send(Rejected(Reason.INVALID_NUMBER, "1"), 1)
    unknown = stage.send(Ambiguous(), 1)
    sent = stage.send(Accepted(("a",)), 1)
    with stage.context.database.begin() as connection:
        late = messages.c.id == stage.rows(status="queued")[0].id
        connection.execute(update(messages).where(late).values(expires_us=stage.context.now_us()))
    stage.tick()
    stage.start("dua")
    assert stage.statuses(step_id=stage.step_id("satu")) == {
        "failed": 1, "unknown": 1, "accepted": 1, "expired": 1, "queued": 2,
    }  # fmt: skip
    assert _people(stage, "dua") == {"queued": 2, "capped": 4}
    cancel_campaign(stage.context, "satu", "Ani")
    cancel_campaign(stage.context, "dua", "Ani")
    stage.start("tiga")
    assert _people(stage, "tiga") == {"queued": 4, "capped": 2}
    kept = {row.contact_id for row in stage.rows() if row.id in {*unknown, *sent}}
    assert kept.isdisjoint(row.contact_id for row in stage.rows(step_id=stage.step_id("tiga")))


def test_a_failure_that_a_hop_may_follow_keeps_its_room(database_url: str, tmp_path: Path) -> None:
    """And both hops count once."""
    providers = {"sms": Provider(), "wa": Provider()}
    stage = Stage(database_url, tmp_path, providers, caps={"per_day": 2})
    stage.people(2)
    route = "[{senders: sms}, {senders: wa}]"
    stage.start("satu", route=route)
    stage.send(Rejected(Reason.UNREACHABLE, "1"), sender="sms")
    stage.start("dua", route=route, extra="caps: {per_day: 1}")
    assert _people(stage, "dua") == {"capped": 2}
    stage.tick()
    stage.send(Accepted(("a",)), sender="wa")
    assert stage.statuses(step_id=stage.step_id("satu")) == {"failed": 2, "accepted": 2}
    stage.start("tiga")
    assert _people(stage, "tiga") == {"queued": 2}
    stage.start("empat")
    assert _people(stage, "empat") == {"capped": 2}
    stage.close()


def test_whoever_shares_a_number_gets_no_more_through_it(stage: Stage) -> None:
    """The second of the two had nothing yet, but the phone had."""
    stage.people(2, number=lambda index: "+6281234500000")
    stage.start("satu")
    assert _people(stage, "satu") == {"queued": 1, "shared_address": 1}
    stage.start("dua")
    assert _people(stage, "dua") == {"capped": 2}


def test_erasing_and_importing_again_brings_no_new_room(stage: Stage) -> None:
    """What went to the number is known by its keyed hash."""
    numbers = stage.people(1)
    stage.start("satu")
    stage.send(Accepted(("a",)))
    erase_contact(stage.context, numbers[0], by="Rina")
    stage.people(1)
    stage.start("dua")
    assert _people(stage, "dua") == {"capped": 1}


def test_changing_a_contact_that_waits_keeps_its_place(database_url: str, tmp_path: Path) -> None:
    """Invariant 15: who is decided on anew is not in their own way."""
    stage = Stage(database_url, tmp_path, caps=ONE_A_DAY)
    stage.import_rows([("1", "Ani", "081234567801")])
    stage.start("satu")
    stage.import_rows([("1", "Ani", "081234567802")])
    assert _people(stage, "satu") == {"queued": 1}
    stage.close()


def test_two_campaigns_that_expand_at_once_never_both_take_the_last_place(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small pages, so that they meet many times."""
    monkeypatch.setattr(expand, "PAGE", 5)
    stage.people(60)
    step_ids = [stage.apply("kampanye-0"), stage.apply("kampanye-1")]
    start, failures = threading.Barrier(2), list[BaseException]()

    def work(step_id: int) -> None:
        context = stage.connect()
        try:
            start.wait()
            Expander(context).expand(step_id)
        except BaseException as error:
            failures.append(error)
        finally:
            context.database.close()

    threads = [threading.Thread(target=work, args=(step_id,)) for step_id in step_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert stage.statuses() == {"queued": 60}
    with stage.context.database.read() as connection:
        assert len(set(connection.execute(select(messages.c.contact_id)).scalars())) == 60
    for slug in ("kampanye-0", "kampanye-1"):
        assert sum(_people(stage, slug).values()) == 60


def _two_steps(stage: Stage, **more: str) -> Path:
    """Now, and three days later."""
    later = from_us(stage.context.now_us() + 3 * DAY_US, "Asia/Jakarta").strftime("%Y-%m-%d 12:00")
    path = stage.write("dua-tahap", **more)
    second = f'  - {{name: dua, at: "{later}", text: "Sekali lagi. {{{{ stop }}}}"}}\n'
    path.write_text(path.read_text() + second)
    return path


def test_a_plan_foretells_what_the_expansion_then_does(database_url: str, tmp_path: Path) -> None:
    """What others sent counts, and the campaign's own earlier steps do. Planned again while it runs: the same."""
    stage = Stage(database_url, tmp_path, caps={"per_7_days": 2})
    hands = Hands(stage.context)
    stage.people(3)
    stage.start("satu")
    stage.people(4, first=3)
    path = _two_steps(stage)
    foretold = [(7, {}), (4, {"capped": 3})]
    plan = plan_campaign(stage.context, path, "Ani")
    assert [(step.messages, dict(step.skipped)) for step in plan.steps] == foretold
    assert plan.notes == (
        "Caps: nobody gets more than 2 in any 7 days, over all campaigns. Counted with what was sent or waits by now; "
        "other campaigns may take the room before this one is due.",
    )
    apply_campaign(stage.context, path, "Ani")
    last_two = select(steps.c.id).order_by(steps.c.id.desc()).limit(2)
    with stage.context.database.read() as connection:
        first, second = sorted(connection.execute(last_two).scalars())
    stage.expander.expand(first)
    plan = plan_campaign(stage.context, path, "Ani")
    assert [(step.messages, dict(step.skipped)) for step in plan.steps] == foretold
    hands.pass_us(4 * DAY_US)  # at any hour of the day: past noon of the third day, within seven of the first step
    stage.expander.expand(second)
    stage.check()
    assert stage.people_by_status(first) == {"queued": 7}
    assert stage.people_by_status(second) == {"queued": 4, "capped": 3}
    stage.close()


def test_status_says_why_people_were_capped(stage: Stage) -> None:
    stage.people(2)
    stage.start("satu")
    stage.start("dua")
    why = campaign_status(stage.context, "dua", why=True).why
    assert why is not None
    (capped,) = [one for one in why if one.rule == "capped"]
    assert (capped.step, capped.people, capped.until_us) == ("satu", 2, None)
    assert "over all campaigns" in capped.explanation
