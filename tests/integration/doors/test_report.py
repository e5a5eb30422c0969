"""Attendance in reports: by session, step, group and region; apart from the people conserved (invariant 11)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dispatcher.core.clock import HOUR_US
from dispatcher.operations.check_in import check_in, check_in_person
from dispatcher.operations.guests import Guest, register_guest
from dispatcher.operations.report import campaign_report
from dispatcher.operations.status import campaign_status
from dispatcher.outreach.flat import as_csv
from dispatcher.outreach.sections import sections
from tests.integration.builders import MENTENG, TEBET, Person
from tests.integration.doors.stage import SLUG, Stage


def _carry_out(stage: Stage) -> list[Person]:
    """Three invited, one of them by two steps; two of them come, and two others."""
    door = stage.door()
    siti = stage.invite("Siti", groups=("pkk", "rt"), rw=7)
    budi = stage.invite("Budi", groups=("pkk",))
    tono = stage.invite("Tono", TEBET)
    reminder = stage.build.step(stage.campaign_id, "pengingat", SLUG, ordinal=1)
    stage.build.message(reminder, siti, stage.sender_id)
    for person, rsvp in ((siti, "yes"), (budi, "yes"), (tono, "waiting")):
        stage.answer(person, rsvp)
    for person in (siti, tono):
        check_in(stage.context, door, stage.code(person), f"ref-{person.id}")
    wati = stage.known("Wati", "", groups=("pkk",))
    check_in_person(stage.context, door, wati.id, "ref-wati-1")
    register_guest(stage.context, door, Guest("ref-guest-1", group="pkk"))
    return [siti, budi, tono, wati]


def _session(stage: Stage, **options: Any) -> dict[str, Any]:
    (session,) = campaign_report(stage.context, "ajakan", **options)["attendance"]
    return dict(session)


def _picked(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


ALL = ("invited", "said_yes", "waiting", "declined", "came", "uninvited", "guests", "present", "no_show")


def test_a_session_in_all(stage: Stage) -> None:
    _carry_out(stage)
    session = _session(stage)
    assert _picked(session, *ALL) == (3, 2, 1, 0, 2, 1, 1, 4, 1)
    assert (session["rsvp"], session["checked_in"]) == ({"waiting": 1, "yes": 2}, 3)


def test_by_step_group_and_region(stage: Stage) -> None:
    _carry_out(stage)
    session = _session(stage, level="rw", language="en")
    assert session["steps"] == [
        {"step": "undangan", "invited": 3, "said_yes": 2, "came": 2},
        {"step": "pengingat", "invited": 1, "said_yes": 1, "came": 1},
    ]
    groups = {row["group"]: row for row in session["groups"]}
    assert list(groups) == ["rt", "pkk", ""]
    assert _picked(groups["pkk"], *ALL) == (2, 2, 0, 0, 1, 0, 1, 2, 1)
    # nobody is a member of anything in the table of groups here: who was not invited is of no group
    assert _picked(groups[""], *ALL) == (1, 0, 1, 0, 1, 1, 0, 2, 0)
    regions = {row["code"]: row for row in session["regions"]}
    assert _picked(regions["31.71"], "invited", "came", "no_show") == (2, 1, 1)
    assert _picked(regions[f"{MENTENG}.007"], "invited", "came") == (1, 1)
    assert _picked(regions[""], "invited", "uninvited", "guests") == (0, 1, 1)
    top = [row for row in session["regions"] if row["level"] in ("city", "")]
    assert {name: sum(row[name] for row in top) for name in ("invited", "came", "uninvited", "guests")} == {
        name: session[name] for name in ("invited", "came", "uninvited", "guests")
    }


def test_nobody_stays_away_before_it_begins(stage: Stage) -> None:
    _carry_out(stage)
    stage.move(starts_us=stage.context.now_us() + HOUR_US)
    session = _session(stage)
    assert session["no_show"] is None
    assert all(row["no_show"] is None for row in (*session["groups"], *session["regions"]))


def test_the_people_conserved_are_as_before(stage: Stage) -> None:
    """Invariant 11: who came changes no count of the funnel."""
    person = stage.invite("Siti")
    before = campaign_status(stage.context, "ajakan").as_dict()
    check_in(stage.context, stage.door(), stage.code(person), "r" * 8)
    register_guest(stage.context, stage.door(), Guest("ref-guest-1"))
    after = campaign_status(stage.context, "ajakan")
    assert after.total.conserves
    assert {**after.as_dict(), "as_of": ""} == {**before, "as_of": ""}


@pytest.mark.parametrize("language", ["id", "en"])
def test_people_read_it_in_tables(stage: Stage, language: str) -> None:
    people = _carry_out(stage)
    report = campaign_report(stage.context, "ajakan", level="rt", language=language)
    tables = {section.title: section for section in sections(report, language)}
    wanted = {
        "id": ["Kehadiran", "Kehadiran per tahap", "Kehadiran per kelompok", "Kehadiran per wilayah"],
        "en": ["Attendance", "Attendance by step", "Attendance by group", "Attendance by region"],
    }[language]
    assert [title for title in tables if title in wanted] == wanted
    for title in wanted:
        assert all(len(row) == len(tables[title].headings) for row in tables[title].rows)
    assert tables[wanted[0]].rows[0][4:] == (3, 2, 1, 0, 2, 1, 1, 1)
    text = json.dumps(report) + as_csv(report)
    assert not any(name in text for name in ("Siti", "Wati", *(str(person.id) for person in people)))
    assert f"attendance groups,{SLUG}/pkk,guests,1" in text
    assert f"attendance steps,{SLUG}/pengingat,came,1" in text
