"""Changes in mid-course: windows, expiry, pause, cancel, stop, edits, approvals (invariants 8, 10, 11, 15)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from typer.testing import CliRunner

from dispatcher.cli import contacts as command
from dispatcher.core.clock import HOUR_US, MINUTE_US, SECOND_US, from_us
from dispatcher.core.errors import RefusedError
from dispatcher.operations import expand
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.approve import approve_plan
from dispatcher.operations.control import cancel_campaign, pause_campaign, resume_campaign
from dispatcher.operations.plan import plan_campaign
from dispatcher.operations.record import Ended, Withdrawn, record_ends
from dispatcher.operations.settle import resend_unknown
from dispatcher.spi import Accepted, Ambiguous, NotSent
from dispatcher.store.stops import stop_address
from dispatcher.store.tables import contact_points, steps
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import LEASE_US, Hands, Stage


@pytest.fixture
def clock(stage: Stage) -> Hands:
    return Hands(stage.context)


@pytest.fixture
def signed(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    """An installation that asks for approvals."""
    stage = Stage(database_url, tmp_path, approval="required")
    yield stage
    stage.close()


def _local(stage: Stage, ahead_us: int) -> str:
    return from_us(stage.context.now_us() + ahead_us, "Asia/Jakarta").strftime("%H:%M")


# Time


def test_a_window_that_closes_lets_rows_wait_for_the_next_opening(stage: Stage, clock: Hands) -> None:
    stage.people(3)
    opens, closes = _local(stage, -10 * MINUTE_US), _local(stage, 10 * MINUTE_US)
    stage.start(opens=opens, closes=closes, step='expires: "3 days"')
    stage.send(Accepted(("x",)), 1)
    clock.pass_s(11 * 60)
    assert stage.claim() == ()
    stage.tick()
    waiting = stage.rows(status="queued")
    assert {row.not_before_rule for row in waiting} == {"window"}
    opened = {from_us(row.not_before_us, "Asia/Jakarta").strftime("%H:%M") for row in waiting}
    assert opened == {opens}
    assert stage.claim() == ()
    clock.pass_us(waiting[0].not_before_us - stage.context.now_us())
    assert len(stage.claim()) == 2


def test_a_retry_that_would_come_later_than_the_opening_keeps_its_instant(stage: Stage, clock: Hands) -> None:
    stage.people(1)
    opens, closes = _local(stage, -10 * MINUTE_US), _local(stage, 10 * MINUTE_US)
    stage.start(opens=opens, closes=closes, step='expires: "3 days"')
    stage.send(NotSent(retry_after_s=86_400.0))
    (before,) = stage.rows()
    clock.pass_s(11 * 60)
    stage.tick()
    (after,) = stage.rows()
    assert after.not_before_us == before.not_before_us
    assert after.not_after_us > before.not_after_us


def test_what_is_too_late_expires_and_the_step_is_done(stage: Stage, clock: Hands) -> None:
    stage.people(3)
    step_id = stage.start(step='expires: "2 hours"')
    stage.send(Accepted(("x",)), 1)
    begun = stage.begin(stage.claim(1))
    clock.pass_s(2 * 3600)
    stage.tick()
    assert stage.statuses() == {"accepted": 1, "unknown": 1, "expired": 1}
    assert stage.people_by_status(step_id) == {"accepted": 1, "unknown": 1, "expired": 1}
    assert stage.campaign().state == "done"
    stage.record(begun, NotSent())
    stage.tick()
    assert stage.statuses() == {"accepted": 1, "expired": 2}


# People who decide


def test_pause_and_cancel_in_the_middle_stop_what_is_claimed_and_keep_what_was_begun(stage: Stage) -> None:
    """Invariant 8."""
    stage.people(10)
    stage.start()
    begun, claimed = stage.begin(stage.claim(2)), stage.claim(3)
    pause_campaign(stage.context, "ajakan")
    assert stage.claim() == ()
    resume_campaign(stage.context, "ajakan")
    cancel_campaign(stage.context, "ajakan")
    stage.check()
    assert stage.begin(claimed) == {}
    assert stage.statuses() == {"sending": 2, "cancelled": 8}
    stage.record(begun, NotSent())
    assert stage.statuses() == {"queued": 2, "cancelled": 8}
    stage.tick()
    assert stage.statuses() == {"cancelled": 10}


def test_a_cancel_in_the_middle_of_expanding_keeps_the_count(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expand, "PAGE", 10)
    stage.people(25)
    step_id = stage.apply()
    stage.expander._page(step_id)
    cancel_campaign(stage.context, "ajakan")
    assert stage.expander.expand(step_id) == 0
    stage.check()
    assert stage.statuses() == {"cancelled": 10}


def test_a_stop_cancels_what_waits_for_that_number_claimed_or_not(stage: Stage) -> None:
    numbers = stage.people(3)
    stage.start()
    claimed = stage.claim(2)
    hashed = stage.context.keys.hash_address(numbers[0])
    stage.run(lambda connection: stop_address(connection, hashed, "*", "opted_out", "reply", stage.context.now_us()))
    assert len(stage.begin(claimed)) == 1
    assert stage.statuses() == {"cancelled": 1, "sending": 1, "queued": 1}


def test_an_edited_contact_gets_the_new_text_at_the_new_number(stage: Stage) -> None:
    """Invariant 15: also where a worker has just claimed the row, which it then cannot begin."""
    stage.import_rows([("a", "Ani", "081234567801"), ("b", "Budi", "081234567802")])
    stage.start()
    claimed = stage.claim()
    stage.import_rows([("a", "Ani", "081234567803"), ("b", "Budi", "081234567802")])
    stage.import_rows([("a", "Ayu", "081234567803")])
    stage.check()
    assert len(stage.begin(claimed)) == 1
    (row,) = stage.rows(status="queued")
    opened = stage.context.keys.sealer.open
    assert opened("messages.address", row.id, row.address_sealed) == "+6281234567803"
    assert "Yth. Ayu," in opened("messages.body", row.id, row.body_sealed)


def test_nobody_is_moved_to_a_number_that_another_hop_has(database_url: str, tmp_path: Path) -> None:
    """Invariant 2: one message of a step for a number, whoever is moved to it."""
    stage = Stage(database_url, tmp_path, {"wa": Provider(media="whatsapp"), "sms": Provider()})
    stage.import_rows([("a", "Ani", "081234567801"), ("b", "Budi", "081234567802")])
    with stage.context.database.begin() as connection:
        last = select(func.max(contact_points.c.id)).scalar_subquery()
        connection.execute(update(contact_points).where(contact_points.c.id == last).values(media="sms"))
    stage.start(route="[{senders: wa}, {senders: sms}]", text="Gunakan hak pilih Anda. Stop: s.id/x")
    assert [row.hop for row in stage.rows(status="queued")] == [0, 1]
    stage.import_rows([("a", "Ani", "081234567802")])
    stage.check()
    assert [(row.hop, row.status, row.reason) for row in stage.rows()] == [
        (0, "cancelled", "shared_address"), (1, "queued", ""),
    ]  # fmt: skip
    stage.close()


def test_a_message_holds_the_country_of_its_number(database_url: str, tmp_path: Path) -> None:
    """By which it is priced, also when the person's numbers have changed again."""
    stage = Stage(database_url, tmp_path, senders={"sms": {"channel": "sms", "countries": ["ID", "MY"]}})
    stage.import_rows([("1", "Ani", "081234567890")])
    stage.start()
    assert [row.country for row in stage.rows()] == ["ID"]
    stage.import_rows([("1", "Ani", "+60123456789")])
    assert [row.country for row in stage.rows(status="queued")] == ["MY"]
    stage.close()


def test_the_import_command_readdresses_what_waits(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.import_rows([("a", "Ani", "081234567801")])
    stage.start()
    monkeypatch.setattr(command, "connect_context", lambda: stage.context)
    path = stage.folder / "kontak.csv"
    path.write_text("id,nama,no_hp\na,Ani,081234567809\n")
    assert CliRunner().invoke(command.app, ["import", str(path), "--map", "id=id"]).exit_code == 0
    stage.check()
    (row,) = stage.rows()
    assert stage.context.keys.sealer.open("messages.address", row.id, row.address_sealed) == "+6281234567809"


def test_a_contact_edited_to_a_number_that_someone_else_of_the_step_has_gets_nothing(stage: Stage) -> None:
    stage.import_rows([("a", "Ani", "081234567801"), ("b", "Budi", "081234567802")])
    step_id = stage.start()
    stage.import_rows([("a", "Ani", "081234567802")])
    stage.check()
    assert stage.people_by_status(step_id) == {"queued": 1, "cancelled": 1}


# Approvals


def test_the_author_cannot_approve_and_nothing_else_than_what_was_approved_is_applied(signed: Stage) -> None:
    """Invariant 10."""
    signed.people(3)
    path = signed.write()
    plan = plan_campaign(signed.context, path, "Ani")
    for by in ("Ani", "  ani "):
        with pytest.raises(RefusedError) as refused:
            approve_plan(signed.context, "ajakan", plan.fingerprint, by)
        assert (refused.value.exit_code, refused.value.code) == (4, "author-approves")
    with pytest.raises(RefusedError) as refused:
        apply_campaign(signed.context, path)
    assert (refused.value.exit_code, refused.value.code) == (4, "not-approved")
    approve_plan(signed.context, "ajakan", plan.fingerprint, "Budi")

    approved = path.read_text()
    path.write_text(approved.replace("hak pilih", "hak suara"))
    with pytest.raises(RefusedError) as refused:
        apply_campaign(signed.context, path)
    assert (refused.value.exit_code, refused.value.code) == (4, "not-planned")
    path.write_text(approved)
    assert apply_campaign(signed.context, path).state == "running"


def test_whoever_planned_these_texts_cannot_approve_them_by_someone_elses_plan(signed: Stage) -> None:
    signed.people(1)
    path = signed.write()
    plan_campaign(signed.context, path, "Ani")
    again = plan_campaign(signed.context, path, "Budi")
    with pytest.raises(RefusedError, match="cannot approve"):
        approve_plan(signed.context, "ajakan", again.fingerprint, "Ani")
    assert approve_plan(signed.context, "ajakan", again.fingerprint, "Citra")["approved_by"] == "Citra"


def test_a_sender_that_shows_another_name_than_approved_is_refused(signed: Stage) -> None:
    signed.people(1)
    path = signed.write()
    plan = plan_campaign(signed.context, path, "Ani")
    approve_plan(signed.context, "ajakan", plan.fingerprint, "Budi")
    channel = signed.context.channels.get("sms")
    channel.identity = property(lambda self: "+15005550006")  # type: ignore[method-assign, assignment]
    with pytest.raises(RefusedError) as refused:
        apply_campaign(signed.context, path)
    assert (refused.value.exit_code, refused.value.code) == (4, "not-planned")


def test_a_new_revision_is_applied_only_while_paused_and_to_steps_not_yet_expanded(signed: Stage) -> None:
    """Invariant 15."""
    signed.people(2)
    path = signed.write()
    later = _local(signed, 3 * HOUR_US)
    day = from_us(signed.context.now_us() + 3 * HOUR_US, "Asia/Jakarta").strftime("%Y-%m-%d")
    path.write_text(path.read_text() + f'  - {{name: dua, at: "{day} {later}", text: "Satu. {{{{ stop }}}}"}}\n')

    def approve() -> None:
        plan = plan_campaign(signed.context, path, "Ani")
        approve_plan(signed.context, "ajakan", plan.fingerprint, "Budi")

    approve()
    apply_campaign(signed.context, path)
    first = _step_ids(signed)
    signed.expander.expand(first["satu"])
    path.write_text(path.read_text().replace("hak pilih", "hak suara").replace("Satu.", "Dua."))
    approve()
    with pytest.raises(RefusedError, match="is running"):
        apply_campaign(signed.context, path)
    pause_campaign(signed.context, "ajakan")
    assert apply_campaign(signed.context, path).state == "paused"
    signed.check()
    second = _step_ids(signed)
    assert second["satu"] == first["satu"]
    assert second["dua"] != first["dua"]
    assert signed.statuses() == {"queued": 2}
    resume_campaign(signed.context, "ajakan")
    assert len(signed.claim()) == 2


@pytest.mark.parametrize("changed", [False, True])
def test_a_ceiling_that_was_crossed_is_raised_by_a_new_approval(signed: Stage, changed: bool) -> None:
    """Whether the file changed or only the number of people: no `--lift-ceilings` is needed after it."""
    signed.people(20)
    path = signed.write()

    def approve() -> None:
        plan = plan_campaign(signed.context, path, "Ani")
        approve_plan(signed.context, "ajakan", plan.fingerprint, "Budi")
        apply_campaign(signed.context, path)

    approve()
    signed.people(20, first=20)
    signed.expander.expand(signed.step_id())
    assert signed.campaign().state_reason.startswith("ceiling:")
    with pytest.raises(RefusedError):
        resume_campaign(signed.context, "ajakan")
    if changed:
        path.write_text(path.read_text().replace("hak pilih", "hak suara"))
    approve()
    assert signed.campaign().state == "paused"
    assert resume_campaign(signed.context, "ajakan")["state"] == "running"
    assert len(signed.claim()) == 40


# What is not known


def test_a_word_that_nothing_left_counts_only_for_the_claim_it_speaks_of(stage: Stage, clock: Hands) -> None:
    """Invariants 3 and 4: its begin may never have been committed, and another worker may be sending by now."""
    stage.people(1)
    stage.start()
    (row,) = stage.claim(token=1)
    clock.pass_s(2.1)
    begun = stage.begin(stage.claim(token=2), token=2)
    stage.run(lambda c: record_ends(stage.context, c, [Ended(row.id, row.attempt + 1, Withdrawn(token=1))]))
    assert stage.statuses() == {"sending": 1}
    stage.run(lambda c: record_ends(stage.context, c, [Ended(row.id, begun[row.id], Withdrawn(token=2))]))
    assert stage.statuses() == {"queued": 1}


def test_a_word_that_nothing_left_counts_after_the_lease_has_ended(stage: Stage, clock: Hands) -> None:
    stage.people(1)
    stage.start()
    (row,) = stage.claim(token=1)
    begun = stage.begin([row], token=1)
    clock.pass_us(LEASE_US)
    stage.tick()
    assert stage.statuses() == {"unknown": 1}
    stage.run(lambda c: record_ends(stage.context, c, [Ended(row.id, begun[row.id], Withdrawn(token=1))]))
    assert stage.statuses() == {"queued": 1}


def test_steps_that_hold_unknowns_do_not_stand_before_those_that_send_again(stage: Stage, clock: Hands) -> None:
    stage.people(120)
    stage.start("tahan")
    stage.start("ulang", extra="on_unknown: resend")
    for _ in range(3):
        stage.send(Ambiguous())
    held = stage.campaign("tahan").id
    clock.pass_s(3600)
    settle_us = {stage.sender_id(): SECOND_US}
    resend_unknown(stage.expander, settle_us)
    stage.check()
    assert stage.statuses(campaign_id=held) == {"unknown": 120}
    assert stage.statuses(campaign_id=stage.campaign("ulang").id) == {"queued": 120}


def _step_ids(stage: Stage) -> dict[str, int]:
    with stage.context.database.read() as connection:
        return {row.name: row.id for row in connection.execute(select(steps.c.name, steps.c.id))}
