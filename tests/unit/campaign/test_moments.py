"""When steps are due."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from dispatcher.campaign.loader import load_campaign
from dispatcher.campaign.moments import due
from dispatcher.core.clock import HOUR_US, iso
from tests.unit.campaign.linting import spoiled, written

AT = '{before: 2 days, at: "09:00"}'


def instants(
    folder: Path, at: str, zone: str = "Asia/Jakarta", ends: str = "ends: 2027-01-20 12:00"
) -> list[str | None]:
    text = spoiled((AT, at), ("ends: 2027-01-20 12:00", ends), ("variables:", f"zone: {zone}\nvariables:"))
    campaign = load_campaign(written(folder, text)).campaign
    assert campaign is not None
    return [iso(occasion.due_us, zone) for occasion in due(campaign, campaign.steps[0])]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ('{before: 2 days, at: "09:00"}', "2027-01-18T09:00:00+07:00"),
        ('{before: 0 days, at: "06:30"}', "2027-01-20T06:30:00+07:00"),
        ("{before: 3 hours}", "2027-01-20T06:00:00+07:00"),
        ("{before: 1 week}", "2027-01-13T09:00:00+07:00"),
        ("{after: 3 hours}", "2027-01-20T15:00:00+07:00"),
        ('{after: 1 day, at: "08:00"}', "2027-01-21T08:00:00+07:00"),
        ("2027-01-15 10:00", "2027-01-15T10:00:00+07:00"),
        ("2027-01-15 10:00+00:00", "2027-01-15T17:00:00+07:00"),
    ],
)
def test_instants(tmp_path: Path, at: str, expected: str) -> None:
    assert instants(tmp_path, at) == [expected]


def test_after_counts_from_the_start_where_no_end_is_given(tmp_path: Path) -> None:
    assert instants(tmp_path, "{after: 3 hours}", ends="capacity: 5") == ["2027-01-20T12:00:00+07:00"]


def test_the_day_is_the_campaigns_own(tmp_path: Path) -> None:
    """A session at 09:00 in Jayapura is on the day before in UTC's small hours."""
    assert instants(tmp_path, '{before: 0 days, at: "07:00"}', "Asia/Jayapura") == ["2027-01-20T07:00:00+09:00"]


def test_each_session_is_an_occasion_and_moves_with_it(tmp_path: Path) -> None:
    text = spoiled(
        ("sessions: [pagi]", "sessions: [pagi, sore, gone]"),
        ("answers:", "  sore: {title: T, place: P, starts: 2027-01-22 15:00}\nanswers:"),
    )
    campaign = load_campaign(written(tmp_path, text)).campaign
    assert campaign is not None
    step = campaign.steps[0]
    assert [(d.session, iso(d.due_us, campaign.zone)) for d in due(campaign, step)] == [
        ("pagi", "2027-01-18T09:00:00+07:00"),
        ("sore", "2027-01-20T09:00:00+07:00"),
    ]
    moved = campaign.sessions["sore"].model_copy(update={"starts": datetime(2027, 1, 25, 15)})  # noqa: DTZ001
    later = campaign.model_copy(update={"sessions": {**campaign.sessions, "sore": moved}})
    assert [iso(d.due_us, campaign.zone) for d in due(later, step)][1] == "2027-01-23T09:00:00+07:00"


def test_expiry_and_a_relative_step_without_sessions(tmp_path: Path) -> None:
    campaign = load_campaign(written(tmp_path, spoiled(("    sessions: [pagi]\n", "    expires: 2 hours\n")))).campaign
    assert campaign is not None
    assert list(due(campaign, campaign.steps[0])) == []
    (occasion,) = due(campaign, campaign.steps[1])
    assert occasion.expires_us - occasion.due_us == 24 * HOUR_US
