"""Pause, resume, cancel, list, diff: what each allows, and that nothing is claimed after it (invariants 8 and 10)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatcher.core.clock import HOUR_US
from dispatcher.core.errors import RefusedError, UsageError
from dispatcher.core.status import Status
from dispatcher.operations import control
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.campaign_list import list_campaigns
from dispatcher.operations.context import Context
from dispatcher.operations.diff import diff_campaign
from dispatcher.operations.plan import plan_campaign
from dispatcher.operations.status import campaign_status
from dispatcher.operations.tick import Ticker
from dispatcher.store.claims import claim
from dispatcher.store.steps import set_state
from dispatcher.store.tables import campaigns, journal
from tests.integration.builders import Builder, make_context

CAMPAIGN = """
campaign: ajakan
title: Ajakan memilih
owner: Kesbangpol
purpose: pendidikan-pemilih
audience: {everyone: true}
stop: {sms: "Berhenti: kesbangpol.example/stop"}
steps:
  - name: ajakan
    at: "2099-02-10 09:00"
    route: [{senders: console}]
    text: |
      Gunakan hak pilih Anda.
      Jangan lupa membawa KTP. {{ stop }}
"""


@pytest.fixture
def context(database_url: str) -> Iterator[Context]:
    context = make_context(database_url, {"approval": "waived"})
    yield context
    context.database.close()


@pytest.fixture
def built(context: Context) -> Builder:
    return Builder(context)


def _claimable(context: Context, sender_id: int) -> int:
    now_us = context.now_us()
    with context.database.begin() as connection:
        return len(claim(connection, sender_id, 10, 1, now_us, now_us))


def test_nothing_is_claimed_of_a_paused_campaign(context: Context, built: Builder) -> None:
    sender = built.sender()
    built.message(built.step(built.campaign(), started_us=1), built.person(), sender)
    assert _claimable(context, sender) == 1

    paused = control.pause_campaign(context, "ajakan", "Ani", "menunggu izin")
    assert (paused["state"], paused["reason"]) == ("paused", "menunggu izin")
    assert _claimable(context, sender) == 0

    assert control.resume_campaign(context, "ajakan", "Ani")["state"] == "running"
    assert _claimable(context, sender) == 1


def test_every_change_of_state_is_on_record(context: Context, built: Builder) -> None:
    built.step(built.campaign())
    control.pause_campaign(context, "ajakan", "Ani", "x")
    control.pause_campaign(context, "ajakan", "Budi")
    control.resume_campaign(context, "ajakan", "Ani")
    control.cancel_campaign(context, "ajakan", "Ani")
    with context.database.read() as connection:
        acts = [(row.actor, row.verb) for row in connection.execute(select(journal).order_by(journal.c.id))]
    assert acts == [("Ani", "pause"), ("Ani", "resume"), ("Ani", "cancel")]


def test_a_campaign_that_was_not_due_is_scheduled_again(context: Context, built: Builder) -> None:
    built.step(built.campaign(state="scheduled"), state="scheduled", due_us=built.now_us + 5 * HOUR_US)
    control.pause_campaign(context, "ajakan")
    assert control.resume_campaign(context, "ajakan")["state"] == "scheduled"


def test_a_ceiling_is_lifted_only_when_said(context: Context, built: Builder) -> None:
    built.step(built.campaign(state="paused", state_reason="ceiling: 3 people are more than the 2 approved"))
    with pytest.raises(RefusedError, match="more than the 2 approved"):
        control.resume_campaign(context, "ajakan")
    assert control.resume_campaign(context, "ajakan", lift_ceilings=True)["state"] == "running"
    with context.database.read() as connection:
        assert connection.execute(select(campaigns.c.ceilings_lifted)).scalar_one()


def test_cancel_cancels_what_waits_and_conserves(context: Context, built: Builder) -> None:
    sender, campaign = built.sender(), built.campaign()
    step = built.step(campaign)
    for status in (Status.QUEUED, Status.QUEUED, Status.UNKNOWN, Status.DELIVERED):
        built.message(step, built.person(), sender, status)
    built.step(campaign, "nanti", ordinal=1, state="scheduled", selected=5, pending=5)

    cancelled = control.cancel_campaign(context, "ajakan", "Ani")
    assert (cancelled["state"], cancelled["cancelled_messages"]) == ("cancelled", 2)
    found = campaign_status(context, "ajakan")
    assert found.total.conserves
    assert found.as_dict()["messages"] == {"unknown": 1, "delivered": 1, "cancelled": 2}
    assert {step.state for step in found.steps} == {"cancelled"}
    assert control.cancel_campaign(context, "ajakan")["cancelled_messages"] == 0


def test_a_cancel_that_died_is_finished_by_the_tick(context: Context, built: Builder) -> None:
    sender, campaign = built.sender(), built.campaign()
    built.message(built.step(campaign), built.person(), sender)
    with context.database.begin() as connection:
        set_state(connection, campaign, "cancelled", "", context.now_us())
    Ticker(context).tick()
    assert campaign_status(context, "ajakan").as_dict()["messages"] == {"cancelled": 1}


@pytest.mark.parametrize("state", ["done", "cancelled"])
def test_what_is_over_stays_over(context: Context, built: Builder, state: str) -> None:
    built.campaign(state=state)
    for act in (control.pause_campaign, control.resume_campaign):
        with pytest.raises(RefusedError):
            act(context, "ajakan")


def test_an_unknown_campaign_is_a_usage_error(context: Context) -> None:
    for act in (control.pause_campaign, control.resume_campaign, control.cancel_campaign):
        with pytest.raises(UsageError):
            act(context, "tidak-ada")


def test_the_list_holds_applied_and_planned_ones(context: Context, built: Builder, tmp_path: Path) -> None:
    path = tmp_path / "ajakan.yaml"
    path.write_text(CAMPAIGN)
    plan_campaign(context, path, "Ani")
    assert [(row["campaign"], row["state"]) for row in list_campaigns(context)] == [("ajakan", "approved")]
    apply_campaign(context, path, "Ani")
    built.campaign("lain", state="paused")
    found = {row["campaign"]: row for row in list_campaigns(context)}
    assert (found["ajakan"]["state"], found["lain"]["state"]) == ("scheduled", "paused")
    assert found["ajakan"]["next_due"] == "2099-02-10T09:00:00+07:00"


def test_diff_shows_the_line_that_changed(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "ajakan.yaml"
    path.write_text(CAMPAIGN)
    plan_campaign(context, path, "Ani")
    apply_campaign(context, path, "Ani")
    assert not diff_campaign(context, "ajakan", path)["changed"]
    assert not diff_campaign(context, "ajakan")["changed"]

    path.write_text(CAMPAIGN.replace("membawa KTP", "membawa KTP-el"))
    found = diff_campaign(context, "ajakan", path)
    assert found["changed"]
    changed = [line for line in found["diff"].splitlines() if line.startswith(("+ ", "- "))]
    assert [line.strip("+- ") for line in changed] == [
        "Jangan lupa membawa KTP. {{ stop }}",
        "Jangan lupa membawa KTP-el. {{ stop }}",
    ]
    plan_campaign(context, path, "Ani")
    assert diff_campaign(context, "ajakan")["changed"]


def test_diff_refuses_the_file_of_another_campaign(context: Context, built: Builder, tmp_path: Path) -> None:
    path = tmp_path / "ajakan.yaml"
    path.write_text(CAMPAIGN)
    plan_campaign(context, path, "Ani")
    apply_campaign(context, path, "Ani")
    path.write_text(CAMPAIGN.replace("campaign: ajakan", "campaign: lain"))
    with pytest.raises(UsageError):
        diff_campaign(context, "ajakan", path)
