"""Minors in plan and send: as they are on the day the step is due, by the birth date that is stored sealed."""

from __future__ import annotations

from datetime import timedelta

from dispatcher.core.clock import DAY_US, from_us
from dispatcher.operations.contacts import show_contact
from dispatcher.operations.expand import Expander
from dispatcher.operations.import_contacts import import_contacts
from dispatcher.operations.import_result import ImportOptions
from dispatcher.operations.plan import plan_campaign
from dispatcher.operations.readdress import Readdresser
from tests.integration.engine.stage import Hands, Stage

MINORS = 'minors: {basis: "Persetujuan orang tua, SMAN 1"}'


def _import(stage: Stage) -> None:
    """An adult; somebody who turns 18 in five days; somebody of 16; somebody of unknown age."""
    today = from_us(stage.context.now_us(), "Asia/Jakarta").date()
    soon = (today + timedelta(days=5)).replace(year=today.year - 18)
    young = today.replace(year=today.year - 17, day=1) + timedelta(days=40)
    rows = [
        ("Ani", "081234567801", "1990-01-31"),
        ("Budi", "081234567802", soon.isoformat()),
        ("Citra", "081234567803", young.isoformat()),
        ("Dewi", "081234567804", ""),
    ]
    path = stage.folder / "siswa.csv"
    path.write_text("Nama,No HP,Tanggal lahir\n" + "".join(f"{','.join(row)}\n" for row in rows))
    result = import_contacts(
        stage.context, path, ImportOptions(), on_contacts_changed=Readdresser(Expander(stage.context))
    )
    assert (result.rejected, result.minors) == (0, 2)


def test_minors_are_left_out_counted_and_reached_only_by_the_campaigns_word(stage: Stage) -> None:
    _import(stage)
    step_id = stage.start("semua")
    stage.check()
    assert stage.people_by_status(step_id) == {"queued": 2, "minor": 2}
    path = stage.write("pemula", extra=MINORS)
    plan = plan_campaign(stage.context, path, "Ani")
    assert (plan.as_dict()["minors"], plan.skipped, plan.messages) == (1, {"minor": 1}, 3)
    assert plan.notes == (
        "1 of the messages go to people under 18, from 17 years on. Basis: Persetujuan orang tua, SMAN 1",
    )
    assert stage.people_by_status(stage.start("pemula", extra=MINORS)) == {"queued": 3, "minor": 1}


def test_whoever_turns_18_before_the_step_is_due_is_no_minor_any_more(stage: Stage) -> None:
    """The mark of the import stays; the birth date tells."""
    hands = Hands(stage.context)
    _import(stage)
    assert show_contact(stage.context, "081234567802")[0]["minor"] is True
    at = from_us(stage.context.now_us() + 6 * DAY_US, "Asia/Jakarta").strftime("%Y-%m-%d %H:%M")
    path = stage.write("nanti", at=at)
    assert plan_campaign(stage.context, path, "Ani").skipped == {"minor": 1}
    hands.pass_us(6 * DAY_US)
    assert stage.people_by_status(stage.start("nanti", at=at)) == {"queued": 3, "minor": 1}
    assert show_contact(stage.context, "081234567802")[0]["minor"] is False
