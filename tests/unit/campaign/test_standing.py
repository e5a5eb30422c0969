"""Sessions of a file and of the table: which of them counts, and what is said where they disagree (invariant 10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.campaign.context import Known
from dispatcher.campaign.fingerprint import fingerprint
from dispatcher.campaign.loader import load_campaign
from dispatcher.campaign.model import Campaign
from dispatcher.campaign.moments import due
from dispatcher.campaign.standing import LIVE, Standing, all_live, changed, settled, stated
from dispatcher.core.clock import HOUR_US, iso, to_us
from tests.unit.campaign.linting import GOOD, KNOWN, PAGI, SENDERS, findings, place_of, spoiled, written

LIVE_STEP = ("sessions: [pagi]", "sessions: [pagi]\n    live: [session]")
DECLARED = GOOD[GOOD.index("sessions:\n") : GOOD.index("answers:")]
BY_CODE = spoiled((DECLARED, ""))
"""The session is not declared: the step names it by its code."""

MOVED = replace(PAGI, place="GOR Cengkareng", starts_us=PAGI.starts_us + 24 * HOUR_US, ends_us=None)


def campaign_of(folder: Path, text: str) -> Campaign:
    loaded = load_campaign(written(folder, text)).campaign
    assert loaded is not None
    return loaded


def with_table(*sessions: Standing) -> Known:
    return replace(KNOWN, sessions={session.code: session for session in sessions})


def test_a_row_is_what_the_file_states(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, GOOD)
    assert stated(campaign, "pagi", campaign.sessions["pagi"]) == PAGI


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", "Lain"),
        ("place", "Lain"),
        ("address", "Jl. Lain"),
        ("region", "31.74"),
        ("starts", to_us(datetime(2027, 1, 21, tzinfo=UTC))),
        ("ends", None),
        ("capacity", 5),
    ],
)
def test_every_field_but_the_zone_is_compared(name: str, value: object) -> None:
    column = f"{name}_us" if name in ("starts", "ends") else name
    assert changed(PAGI, replace(PAGI, **{column: value})) == (name,)  # type: ignore[arg-type]
    assert changed(PAGI, replace(PAGI, zone="Asia/Makassar")) == ()


def test_live_may_change_everything_but_the_title() -> None:
    names = {name.removesuffix("_us") for name in Standing.__slots__}  # type: ignore[attr-defined]
    assert {*LIVE, "title", "code", "zone"} == names


def test_what_stands_as_written_keeps_the_fingerprint(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, GOOD)
    assert fingerprint(settled(campaign, {"pagi": PAGI}), {}, SENDERS) == fingerprint(campaign, {}, SENDERS)
    moved = settled(campaign, {"pagi": MOVED})
    assert moved.sessions["pagi"].place == "GOR Cengkareng"
    assert fingerprint(moved, {}, SENDERS) != fingerprint(campaign, {}, SENDERS)


def test_steps_follow_a_session_of_the_table(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, BY_CODE)
    assert list(due(campaign, campaign.steps[0])) == []
    days = [
        iso(one.due_us, "Asia/Jakarta")
        for row in (PAGI, MOVED)
        for one in due(settled(campaign, {"pagi": row}), campaign.steps[0])
    ]
    assert days == ["2027-01-18T09:00:00+07:00", "2027-01-19T09:00:00+07:00"]


def test_a_session_is_live_if_every_step_of_it_is(tmp_path: Path) -> None:
    assert not all_live(campaign_of(tmp_path, GOOD), "pagi")
    assert all_live(campaign_of(tmp_path, spoiled(LIVE_STEP)), "pagi")
    assert not all_live(campaign_of(tmp_path, spoiled(LIVE_STEP)), "sore")


def test_a_session_by_code_is_known_to_the_table_only(tmp_path: Path) -> None:
    assert findings(tmp_path, BY_CODE, with_table(PAGI)) == []
    (offline,) = findings(tmp_path, BY_CODE, replace(KNOWN, sessions=None))
    assert (offline.code, offline.severity) == ("session-code", "warning")
    assert (offline.line, offline.column) == place_of(BY_CODE, "pagi]")
    (missing,) = findings(tmp_path, BY_CODE, with_table(replace(PAGI, code="pagi-1")))
    assert (missing.code, missing.severity, missing.hint) == ("unknown-session", "error", "did you mean `pagi-1`?")


def test_file_and_table_that_agree_are_not_mentioned(tmp_path: Path) -> None:
    assert findings(tmp_path, GOOD, with_table(PAGI)) == []


def test_a_moved_session_is_an_error_unless_its_steps_are_live(tmp_path: Path) -> None:
    (differs,) = findings(tmp_path, GOOD, with_table(MOVED))
    assert (differs.code, differs.severity) == ("session-differs", "error")
    assert (differs.line, differs.column) == place_of(GOOD, "pagi:")
    assert "otherwise (place, starts, ends)" in differs.message
    assert "session set pagi" in differs.hint
    (moved,) = findings(tmp_path, spoiled(LIVE_STEP), with_table(MOVED))
    assert (moved.code, moved.severity) == ("session-moved", "info")


def test_another_title_is_another_event_even_if_live(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, spoiled(LIVE_STEP), with_table(replace(PAGI, title="Rapat RW")))
    assert (found.code, found.severity) == ("session-differs", "error")
    assert "another name" in found.hint
