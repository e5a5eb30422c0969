"""Status: conserves at every moment, agrees with the rows, and says why anything waits (invariant 11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.core.clock import HOUR_US, iso
from dispatcher.core.errors import UsageError
from dispatcher.core.status import Reason, Status
from dispatcher.operations.context import Context
from dispatcher.operations.inspect_messages import show_message
from dispatcher.operations.status import campaign_status
from dispatcher.store.generation import TICK, Kept, read
from dispatcher.store.installation import take_lease
from dispatcher.store.tables import campaigns, senders
from tests.integration.builders import Builder, make_context


@pytest.fixture
def context(database_url: str) -> Iterator[Context]:
    context = make_context(database_url)
    yield context
    context.database.close()


@pytest.fixture
def built(context: Context) -> Builder:
    return Builder(context)


def test_an_unknown_campaign_is_a_usage_error(context: Context) -> None:
    with pytest.raises(UsageError) as caught:
        campaign_status(context, "tidak-ada")
    assert caught.value.code == "unknown-campaign"


def test_everyone_selected_is_accounted_for(context: Context, built: Builder) -> None:
    sender, campaign = built.sender(), built.campaign()
    step = built.step(campaign)
    for status in Status:
        reason = Reason.UNREACHABLE if status is Status.FAILED else ""
        built.message(step, built.person(), sender, status, reason=reason)
    built.leave_out(step, built.person())
    built.leave_out(step, built.person(), Reason.NO_CONSENT)
    built.hold_out(step, built.person())
    built.step(
        campaign, "pengingat", ordinal=1, state="scheduled", selected=7, pending=7, due_us=built.now_us + HOUR_US
    )

    found = campaign_status(context, "ajakan")
    assert found.total.conserves
    assert all(funnel.conserves for funnel in found.funnels.values())
    shown = found.as_dict()
    assert shown["selected"] == len(Status) + 3 + 7
    assert (shown["held_out"], shown["pending"]) == (1, 7)
    assert shown["skipped"] == {"no_consent": 1, "opted_out": 1}
    assert shown["messages"] == {status.value: 1 for status in Status}
    assert [step["name"] for step in shown["steps"]] == ["ajakan", "pengingat"]
    for key in ("selected", "held_out", "skipped", "pending", "messages", "hops"):
        assert all(key in step for step in shown["steps"])


def test_a_person_with_two_hops_counts_once_by_the_better_one(context: Context, built: Builder) -> None:
    first, second = built.sender("wa"), built.sender("sms")
    step = built.step(built.campaign())
    person = built.person()
    built.message(step, person, first, Status.FAILED, reason=Reason.NOT_ON_CHANNEL)
    built.message(step, person, second, Status.DELIVERED, hop=1)

    shown = campaign_status(context, "ajakan").as_dict()
    assert shown["messages"] == {"delivered": 1}
    assert shown["hops"] == [
        {"hop": 0, "sender": "wa", "messages": {"failed": 1}, "failed": {"not_on_channel": 1}},
        {"hop": 1, "sender": "sms", "messages": {"delivered": 1}, "failed": {}},
    ]
    assert campaign_status(context, "ajakan").total.conserves


def _why(context: Context) -> dict[str, tuple[int, str | None]]:
    why = campaign_status(context, "ajakan", why=True).as_dict()["why"]
    return {one["rule"]: (one["people"], one["until"]) for one in why}


def test_why_names_the_rule_and_the_instant(context: Context, built: Builder) -> None:
    sender = built.sender(rate_per_s=2.0)
    step = built.step(built.campaign())
    opens_us = built.now_us + HOUR_US
    for _ in range(2):
        built.message(step, built.person(), sender, not_before_us=opens_us, not_before_rule="window")
    built.message(step, built.person(), sender, not_before_us=opens_us + HOUR_US, not_before_rule="retry")
    built.message(step, built.person(), sender)
    built.message(step, built.person(), sender, Status.UNKNOWN)

    why = _why(context)
    assert why["window"] == (2, iso(opens_us, "Asia/Jakarta"))
    assert why["retry"] == (1, iso(opens_us + HOUR_US, "Asia/Jakarta"))
    assert why["turn"][0] == 1
    assert why["unknown"] == (1, None)
    assert "never" not in why


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"paused": True, "pause_reason": "credentials were refused"}, "sender"),
        ({"removed": True}, "sender-removed"),
        ({"slow_until_us": 1 << 51}, "throttled"),
    ],
)
def test_why_blames_the_sender(context: Context, built: Builder, row: dict[str, object], rule: str) -> None:
    built.message(built.step(built.campaign()), built.person(), built.sender(**row))
    assert _why(context)[rule][0] == 1


def test_why_of_a_paused_campaign_says_how_to_go_on(context: Context, built: Builder) -> None:
    campaign = built.campaign(state="paused", state_reason="ceiling: 3 people are more than the 2 approved")
    built.message(built.step(campaign), built.person(), built.sender())
    why = campaign_status(context, "ajakan", why=True).as_dict()["why"]
    assert why[0]["rule"] == "paused"
    assert "--lift-ceilings" in why[0]["explanation"]


def test_why_of_a_campaign_that_paused_itself(context: Context, built: Builder) -> None:
    campaign = built.campaign(state="paused", state_reason="breaker: 60 of 100 messages failed")
    built.message(built.step(campaign), built.person(), built.sender())
    why = campaign_status(context, "ajakan", why=True).as_dict()["why"]
    assert (why[0]["rule"], why[0]["people"]) == ("breaker", 1)
    assert "60 of 100 messages failed" in why[0]["explanation"]
    assert "campaign resume ajakan" in why[0]["explanation"]


def test_why_names_that_nobody_works_where_something_could_go(context: Context, built: Builder) -> None:
    sender, step = built.sender(), built.step(built.campaign())
    built.message(step, built.person(), sender, not_before_us=built.now_us + HOUR_US)
    assert "nobody-runs" not in _why(context)
    message = built.message(step, built.person(), sender)
    assert _why(context)["nobody-runs"] == (1, None)
    assert "dispatcher up" in show_message(context, message, "Ani")["why"]
    with context.database.begin() as connection:
        take_lease(connection, TICK, 7, context.now_us(), HOUR_US)
    assert "nobody-runs" not in _why(context)
    assert "its turn through sms" in show_message(context, message, "Ani")["why"]


def test_why_names_a_restored_database(database_url: str, tmp_path: Path) -> None:
    """Invariant 16: nothing of it is sent before somebody said when the backup was made."""
    context = make_context(database_url, DISPATCHER_STATE_DIR=str(tmp_path))
    built = Builder(context)
    built.message(built.step(built.campaign()), built.person(), built.sender())
    with context.database.read() as connection:
        position = read(connection)
    assert position is not None
    Kept(tmp_path, position.created_us).raise_to(position.generation + 10)
    assert _why(context)["older"] == (1, None)
    context.database.close()


def test_why_tells_what_a_restore_left_unknown_from_the_rest(context: Context, built: Builder) -> None:
    sender, step = built.sender(), built.step(built.campaign())
    for rule in ("restored", "restored", "look-up"):
        built.message(step, built.person(), sender, Status.UNKNOWN, not_before_rule=rule)
    assert {rule: people for rule, (people, _) in _why(context).items()} == {"restored": 2, "unknown": 1}


def test_a_message_says_what_stands_in_its_way(context: Context, built: Builder) -> None:
    sender = built.sender(spacing_us=6 * HOUR_US)
    step = built.step(built.campaign())
    spaced = built.message(
        step, built.person(), sender, not_before_us=built.now_us + HOUR_US, not_before_rule="spacing"
    )
    assert "waits for 6 h" in show_message(context, spaced, "Ani")["why"]
    with context.database.begin() as connection:
        connection.execute(senders.update().values(paused=True, pause_reason="20003"))
    assert "channel set sms --resume" in show_message(context, spaced, "Ani")["why"]
    with context.database.begin() as connection:
        connection.execute(campaigns.update().values(state="paused", state_reason="by Ani"))
    assert "campaign resume ajakan" in show_message(context, spaced, "Ani")["why"]


def test_why_of_a_step_that_is_not_due(context: Context, built: Builder) -> None:
    due_us = built.now_us + 5 * HOUR_US
    built.step(built.campaign(), state="scheduled", selected=4, pending=4, due_us=due_us)
    assert _why(context) == {"not-due": (4, iso(due_us, "Asia/Jakarta"))}
