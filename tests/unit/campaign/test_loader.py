"""Campaign files that cannot be used: what is wrong, where, and what to do, in plain words."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from dispatcher.campaign.loader import MAX_BYTES, load_campaign
from dispatcher.core.errors import UsageError
from dispatcher.core.window import END_OF_DAY
from tests.unit.campaign.linting import GOOD, place_of, spoiled, written

Change = tuple[str, str]

# code, message, hint, where it points, change
FAULTS: list[tuple[str, str, str, str, Change]] = [
    ("missing-key", "`purpose:` is missing", "e.g. pendidikan-pemilih", "version",
     ("purpose: pendidikan-pemilih\n", "")),
    ("unknown-key", "unknown key `purpos`", "did you mean `purpose`?", "purpos:", ("window:", "purpos: x\nwindow:")),
    ("unknown-key", "unknown key `opn`", "did you mean `open`?", "opn", ('  open: "08:00"', '  opn: "08:00"')),
    ("unknown-key", "unknown key `xyz`", "known here: name, at,", "xyz:", ("name: ajakan", "name: ajakan\n    xyz: 1")),
    ("unknown-key", "unknown key `befor`", "did you mean `before`?", "befor", ("{before:", "{after: 1 d, befor:")),
    ("unknown-key", "unknown key `afer`", "did you mean `after`?", "afer", ("        after: 4", "        afer: 4")),
    ("invalid-name", '"ajakan memilih" is not a name', "hyphens", "ajakan memilih\n",
     (": ajakan-memilih", ": ajakan memilih")),
    ("invalid-name", '"Hari" is not a name', "underscores", "Hari", ("  hari:", "  Hari:")),
    ("unquoted-number", "`title` is a text", 'put it in quotes: "5"', "5\n", ("Ajakan menggunakan hak pilih", "5")),
    ("unquoted-number", "`regions` is a text", '"31.70"', "31.70", ('["31.74",', "[31.70,")),
    ("unquoted-number", "would lose its first sign", '"0811223344"', "0811",
     ("variables:", "variables:\n  n: 0811223344")),
    ("unquoted-number", "would lose its first sign", '"+62811223344"', "+62",
     ("variables:", "variables:\n  n: +62811223344")),
    ("yes-no", "yes may mean", "true or false", "yes", ("variables:", "variables:\n  aktif: yes")),
    ("yes-no", "no may mean", "true or false", "no}",
     ("  where:", "  outcomes: [{campaign: x, answered: no}]\n  where:")),
    ("empty-value", "`groups` has no value", "write a list", "groups:", ("groups: [pelajar, mahasiswa]", "groups:")),
    ("empty-value", "`text` has no value", "a text", "text:\n    route", (
        'text: "{{ session.title }} di {{ session.place }}, {{ session.starts | waktu }}. {{ stop }}"', "text:")),
    ("empty-value", "`steps` is empty", "", "[]", (GOOD[GOOD.index("steps:"):], "steps: []\n")),
    ("invalid-value", "`groups` is a list", "write [rt]", "rt\n", ("[pelajar, mahasiswa]", "rt")),
    ("invalid-value", "time of day", "", "25:00", ('close: "20:00"', "close: 25:00")),
    ("invalid-value", "time of day", "", "8\n", ('open: "08:00"', "open: 8")),
    ("invalid-value", "write an instant as", "", "besok", ("at: 2027-02-03 09:00", "at: besok")),
    ("invalid-value", "an instant such as", "", "2027-02-30 09:00", ("at: 2027-02-03 09:00", "at: 2027-02-30 09:00")),
    ("invalid-value", 'write an instant as "2027-02-10 09:00"', "", "20270203",
     ("at: 2027-02-03 09:00", "at: 20270203")),
    ("invalid-value", "write an instant as", "", '"1800000000"', ("at: 2027-02-03 09:00", 'at: "1800000000"')),
    ("invalid-value", "between 2000 and 2100", "", "0001-01-01",
     ("starts: 2027-01-20 09:00", "starts: 0001-01-01 09:00")),
    ("invalid-value", "the longest duration", "", "99999 weeks", ("after: 4 hours", "after: 99999 weeks")),
    ("invalid-value", "the longest duration", "", "9999999999 d", ("after: 4 hours", "after: 9999999999 d")),
    ("invalid-value", "is not a duration", "", "4 fortnights", ("after: 4 hours", "after: 4 fortnights")),
    ("invalid-value", "whole days", "", "{before: 36 hours", ("before: 2 days", "before: 36 hours")),
    ("invalid-value", "either `before:` or `after:`", "", '{at: "09:00"}', ("before: 2 days, ", "")),
    ("invalid-value", '`days` cannot be "monday"', 'did you mean "mon"?', "monday",
     ("window:", "window:\n  days: [monday]")),
    ("invalid-value", "must be less than 1", "", "1.5", ("variables:", "holdout: 1.5\nvariables:")),
    ("invalid-value", "must be at least 1", "", "0,", ("wa-utama: 3", "wa-utama: 0")),
    ("invalid-value", "is not a time zone", "", "Mars", ("variables:", "zone: Mars/Olympus\nvariables:")),
    ("invalid-value", "a text, a number, true or false", "", "[1, 2]", ("variables:", "variables:\n  x: [1, 2]")),
    ("invalid-value", "say `answered:` or `delivered:`", "", "{campaign: x}",
     ("  where:", "  outcomes: [{campaign: x}]\n  where:")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "says", "hint", "at", "change"), FAULTS, ids=[f"{f[0]}-{f[3][:10]}" for f in FAULTS])
def test_one_fault_one_finding(tmp_path: Path, code: str, says: str, hint: str, at: str, change: Change) -> None:
    text = spoiled(change)
    loaded = load_campaign(written(tmp_path, text))
    (found,) = loaded.diagnostics
    assert (found.code, found.severity) == (code, "error")
    assert says in found.message
    assert hint in found.hint
    assert (found.line, found.column) == place_of(text, at)
    assert found.file == str(tmp_path / "c.yaml")


def test_no_message_speaks_of_the_library(tmp_path: Path) -> None:
    for *_, change in FAULTS:
        for found in load_campaign(written(tmp_path, spoiled(change))).diagnostics:
            said = f"{found.message} {found.hint}".lower()
            assert not {"pydantic", "validation", "input should", "value error", "literal", "dict", "nonetype"} & set(
                said.replace(",", " ").split()
            )
            assert "input should" not in said


def test_a_fault_in_the_handed_down_route_is_told_once_at_its_origin(tmp_path: Path) -> None:
    text = "route:\n  - {senders: a, afer: 1 hour}\n" + GOOD.replace("    route:\n      - senders: sms-utama\n", "")
    (found,) = load_campaign(written(tmp_path, text)).diagnostics
    assert (found.code, found.line, found.column) == ("unknown-key", *place_of(text, "afer"))


def test_all_faults_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = spoiled(
        ("title: Ajakan", "titel: Ajakan"), ('open: "08:00"', "open: 8"), ("senders: sms-utama", "sender: a")
    )
    found = load_campaign(written(tmp_path, text)).diagnostics
    assert [d.code for d in found] == [
        "missing-key",
        "unknown-key",
        "invalid-value",
        "missing-key",
        "unknown-key",
    ]
    assert [d.line for d in found] == sorted(d.line for d in found)


def test_what_is_read(tmp_path: Path) -> None:
    text = spoiled(
        ('close: "20:00"', "close: 24:00"),
        ("variables:", "variables:\n  n: 3\n  p: 1.5\n  b: true\n  q: '2027-02-10'\n  w: 2027-02-10 09:00+07:00"),
    )
    campaign = load_campaign(written(tmp_path, text)).campaign
    assert campaign is not None
    assert (campaign.window.open, campaign.window.close) == (time(8), END_OF_DAY)
    assert campaign.variables == {
        "n": 3,
        "p": 1.5,
        "b": True,
        "q": "2027-02-10",
        "w": datetime.fromisoformat("2027-02-10T09:00+07:00"),
        "hari": date(2027, 2, 10),
    }
    assert campaign.steps[1].route[0].senders == {"wa-utama": 3, "wa-kedua": 1}
    assert list(campaign.steps[1].route[0].template) == [""]
    assert campaign.instant_us(campaign.sessions["pagi"].starts) == int(
        datetime(2027, 1, 20, 2, tzinfo=UTC).timestamp() * 1_000_000
    )


def test_a_template_per_language(tmp_path: Path) -> None:
    old = GOOD[GOOD.index("        template:") : GOOD.index("      - senders: [sms-utama]")]
    new = "        template:\n          id: {id: HX1, body: STOP}\n          en: {id: HX2, language: en, body: STOP}\n"
    campaign = load_campaign(written(tmp_path, spoiled((old, new)))).campaign
    assert campaign is not None
    assert {key: t.id for key, t in campaign.steps[1].route[0].template.items()} == {"id": "HX1", "en": "HX2"}


@pytest.mark.parametrize(
    ("content", "code", "line", "column"),
    [
        (b"", "yaml-empty", 0, 0),
        (b"# only a comment\n", "yaml-empty", 0, 0),
        (b"title: a\nowner: caf\xe9\n", "yaml-encoding", 2, 11),
        (GOOD.encode("utf-16"), "yaml-encoding", 1, 1),
        (b"a: " + b"x" * 10 * MAX_BYTES, "yaml-size", 0, 0),
        (b"\x00\x01\x02", "yaml-character", 0, 0),
        (b"just words", "invalid-value", 1, 1),
        (b"- a\n- b\n", "invalid-value", 1, 1),
    ],
)
def test_files_that_are_no_campaign(tmp_path: Path, content: bytes, code: str, line: int, column: int) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    loaded = load_campaign(path)
    assert loaded.campaign is None
    assert [(d.code, d.line, d.column) for d in loaded.diagnostics] == [(code, line, column)]


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    loaded = load_campaign(path)
    assert (loaded.diagnostics, loaded.campaign is not None) == ([], True)


@pytest.mark.parametrize("name", ["", "missing.yaml", "a/b.yaml", "nul\0.yaml"])
def test_no_such_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_campaign(tmp_path / name)
    assert caught.value.code == "campaign-file"
    assert caught.value.hint
