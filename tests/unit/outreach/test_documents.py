"""Reports for people: every word has both languages, and nothing in a title or a group can act in a file."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from dispatcher.audience.groups import GROUPS
from dispatcher.core.status import Reason, Status
from dispatcher.outreach.flat import as_csv
from dispatcher.outreach.labels import group_label, label, number, percent
from dispatcher.outreach.page import as_html
from dispatcher.outreach.sections import sections
from dispatcher.outreach.workbook import as_xlsx

HOSTILE = "=cmd|'/c calc'!A1 <script>alert(1)</script>"
COUNTS = {
    "people": 3,
    "messaged": 3,
    "reached": 2,
    "read": 1,
    "unconfirmed": 0,
    "failed": 1,
    "households_estimate": 90,
    "visited": 2,
    "answers": {"hadir": 2},
}


def report(**changes: Any) -> dict[str, Any]:
    funnel = {
        "selected": 4,
        "held_out": 1,
        "skipped": {},
        "pending": 0,
        "messages": {"delivered": 1, "read": 1, "failed": 1},
        "hops": [{"hop": 0, "sender": "sms", "messages": {"delivered": 2, "failed": 1}, "failed": {"blocked": 1}}],
    }
    step = {"name": "ajakan", "occasion": "", "due": "2027-02-10T09:00:00+07:00", "state": "done", **funnel}
    return {
        "campaign": "ajakan",
        "title": "Ajakan",
        "state": "done",
        "reason": "",
        "as_of": "2027-02-11T09:00:00+07:00",
        **funnel,
        "steps": [step],
        "reach": {**COUNTS, "goal": 8, "share": 0.25, "selected_people": 4},
        "groups": [{"group": "rt", "label": "Rukun Tetangga (RT)", **COUNTS}],
        "regions": [{"code": "31.71", "name": "Jakarta Pusat", "level": "city", **COUNTS}],
        "failures": [
            {
                **{"reason": "blocked", "code": "30004", "sender": "sms"},
                **{"people": 1, "messages": 1, "explanation": "Diblokir operator."},
            }
        ],
        "visits": {
            **{"people": 2, "previewed": 3, "shared": 5},
            "steps": [{"step": "ajakan", "occasion": "", "people": 2, "shared": 5}],
        },
        "answers": {"hadir": 2},
        "answers_by_way": {"link": {"hadir": 1}, "reply": {"hadir": 1}},
        "answers_by_step": [{"step": "ajakan", "occasion": "", "answers": {"hadir": 2}}],
        "attendance": [],
        "cost": {"IDR": "1350.00"},
        "cost_by_sender": {"sms": {"messages": 3, "segments": 3, "cost": {"IDR": "1350.00"}, "unpriced_messages": 0}},
        "cost_converted": None,
        "exchange": [],
        "unpriced": [],
        **changes,
    }


@pytest.mark.parametrize("word", [*Status, *Reason, "held_out", "skipped", "pending", "scheduled", "paused", "done"])
def test_every_word_is_said_in_both_languages(word: str) -> None:
    assert len({label(word, language) for language in ("id", "en")}) == 2


def test_groups_are_labelled_in_both_languages() -> None:
    assert all(group_label(slug, "id", {}) for slug in GROUPS)
    assert group_label("warga", "id", {"warga": "Warga Jaga"}) == "Warga Jaga"
    assert group_label("", "en", {}) == "(no group)"


def test_numbers_as_each_language_writes_them() -> None:
    assert (number(1234567, "id"), number(1234567, "en")) == ("1.234.567", "1,234,567")
    assert (percent(0.4567, "id"), percent(0.4567, "en")) == ("45,7%", "45.7%")


def test_empty_sections_are_left_out() -> None:
    nothing_seen = {"people": 0, "previewed": 0, "shared": 0, "steps": []}
    titles = [section.title for section in sections(report(answers={}, failures=[], visits=nothing_seen), "en")]
    assert titles == ["Reach", "Funnel", "Steps", "Messages by sender", "Groups", "Regions", "Cost"]


def test_rows_are_as_wide_as_their_headings() -> None:
    for section in sections(report(), "id"):
        assert all(len(row) == len(section.headings) for row in section.rows)


def test_answers_are_told_by_place_and_where_several_steps_asked_by_step() -> None:
    steps = [{"step": name, "occasion": "", "answers": {"hadir": 1}} for name in ("ajakan", "pengingat")]
    found = {section.title: section for section in sections(report(answers_by_step=steps), "en")}
    assert found["Answers by step"].rows == (("ajakan", "hadir", 1), ("pengingat", "hadir", 1))
    assert found["Groups"].headings[5] == "Answered"
    assert found["Groups"].rows[0][5] == 2
    told = list(csv.reader(StringIO(as_csv(report()))))
    assert ["answers by step", "ajakan", "answered hadir", "2"] in told
    assert ["groups", "rt", "answered hadir", "2"] in told
    assert ["regions", "31.71", "answered hadir", "2"] in told


def test_the_funnel_of_a_section_adds_up() -> None:
    funnel = next(section for section in sections(report(), "en") if section.title == "Funnel")
    first, *rest = [row[1] for row in funnel.rows]
    assert first == sum(int(n) for n in rest)


def test_a_title_cannot_act_in_any_file() -> None:
    hostile = report(title=HOSTILE, answers={HOSTILE: 1})
    assert "<script" not in as_html(hostile, "id")
    rows = list(csv.reader(StringIO(as_csv(hostile))))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]
    with ZipFile(BytesIO(as_xlsx(hostile, "id"))) as book:
        sheets = [book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/")]
    assert not any(b"<f>" in sheet for sheet in sheets)


def test_a_workbook_has_a_sheet_for_each_section() -> None:
    with ZipFile(BytesIO(as_xlsx(report(), "en"))) as book:
        tree = ElementTree.fromstring(book.read("xl/workbook.xml"))
    names = [node.attrib["name"] for node in tree.iter() if node.tag.endswith("}sheet")]
    assert names == ["Campaign report", *(section.title for section in sections(report(), "en"))]


@pytest.mark.parametrize("language", ["id", "en"])
def test_bars_are_in_proportion(language: str) -> None:
    page = as_html(report(), language)
    drawing = page[page.index("<svg") : page.index("</svg>") + 6]
    widths = [int(bar.attrib["width"]) for bar in ElementTree.fromstring(drawing).findall("rect")]
    assert widths == [560, 420, 280, 280, 140]
