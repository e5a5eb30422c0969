"""A pledge campaign: who agreed, when, through what, and to which words."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from dispatcher.cli.campaign import app
from dispatcher.core.errors import UsageError
from dispatcher.core.status import Status
from dispatcher.operations.pledges import list_pledges
from dispatcher.store.history import read_history
from dispatcher.store.tables import answer_events, answers, attribute_types, contacts
from dispatcher.store.withdrawal import erase_contact
from tests.integration.builders import GONDANGDIA, KEYS, Person
from tests.integration.web.stage import Stage

TEXT = "Ikrar: netral. Setuju?"
HASH = hashlib.sha256(TEXT.encode()).hexdigest()
VERSION = f"{'f' * 16}/ajakan/0"


class Pledges(Stage):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.campaign_id, self.step_id = self.campaign("ikrar", {"setuju": ["SETUJU"], "belum": ["BELUM"]})
        with self.context.database.begin() as connection:
            connection.execute(attribute_types.insert().values(name="unit_kerja", type="text"))

    def official(self, unit: str, **where: str) -> Person:
        person = self.build.person(groups=("asn",), **where)  # type: ignore[arg-type]
        name = self.context.keys.sealer.seal("contacts.name", person.id, "Siti")
        values = {"attributes": {"unit_kerja": unit}, "name_sealed": name}
        with self.context.database.begin() as connection:
            connection.execute(update(contacts).where(contacts.c.id == person.id).values(**values))
        self.message(Status.DELIVERED, person, text=TEXT)
        return person


@pytest.fixture
def stage(database_url: str) -> Iterator[Pledges]:
    stage = Pledges(database_url)
    yield stage
    stage.context.database.close()


def test_who_agreed_to_which_words(stage: Pledges) -> None:
    person = stage.official("Dinas A")
    stage.say(person, "SETUJU")
    (line,) = list_pledges(stage.context, "ikrar", "Ani", unit="unit_kerja")["answers"]
    assert (line["contact"], line["meaning"], line["via"], line["unit"]) == (person.id, "setuju", "reply", "Dinas A")
    assert (line["text_version"], line["text_hash"]) == (VERSION, HASH)
    assert "name" not in line
    (line,) = list_pledges(stage.context, "ikrar", "Ani", show_name=True)["answers"]
    assert line["name"] == "Siti"


def test_a_change_of_mind_erases_nothing(stage: Pledges) -> None:
    person = stage.official("Dinas A")
    for number, text in enumerate(("SETUJU", "BELUM", "SETUJU")):
        stage.say(person, text, f"SM{number}")
    history = list_pledges(stage.context, "ikrar", "Ani", history=True)["answers"]
    assert [line["meaning"] for line in history] == ["setuju", "belum", "setuju"]
    assert [line["meaning"] for line in list_pledges(stage.context, "ikrar", "Ani")["answers"]] == ["setuju"]
    with stage.context.database.read() as connection:
        kept = read_history(connection, KEYS, [person.id], [])
    assert [event["text_hash"] for event in kept["answer_events"]] == [HASH] * 3
    with stage.context.database.begin() as connection:
        erase_contact(connection, person.id, stage.context.now_us())
    assert {row.text_hash for table in (answers, answer_events) for row in stage.rows(table)} == {""}


def test_who_did_not_answer_by_unit_group_and_region(stage: Pledges) -> None:
    stage.say(stage.official("Dinas A"), "SETUJU")
    stage.official("Dinas A", region=GONDANGDIA)
    stage.official("Dinas B")
    found = list_pledges(stage.context, "ikrar", "Ani", unit="unit_kerja")
    assert found["units"] == [
        {"unit": "Dinas A", "people": 2, "answers": {"setuju": 1}, "not_answered": 1},
        {"unit": "Dinas B", "people": 1, "answers": {}, "not_answered": 1},
    ]
    assert found["groups"] == [{"group": "asn", "people": 3, "answers": {"setuju": 1}, "not_answered": 2}]
    assert [(row["region"], row["people"]) for row in found["regions"]] == [("31.71.06.1001", 2), (GONDANGDIA, 1)]
    assert "units" not in list_pledges(stage.context, "ikrar", "Ani")
    with pytest.raises(UsageError, match="no attribute"):
        list_pledges(stage.context, "ikrar", "Ani", unit="unit")


def test_as_a_file(stage: Pledges, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stage.say(stage.official("=CMD()"), "SETUJU")
    monkeypatch.setattr("dispatcher.wiring.connect", lambda: stage.context)
    out = tmp_path / "ikrar.csv"
    arguments = ["pledges", "ikrar", "--unit", "unit_kerja", "--format", "csv", "--out", str(out)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert [(line["unit"], line["text_hash"]) for line in csv.DictReader(out.read_text().splitlines())] == [
        ("'=CMD()", HASH)
    ]
    assert out.stat().st_mode & 0o777 == 0o600
    shown = CliRunner().invoke(app, ["pledges", "ikrar", "--json"])
    assert json.loads(shown.stdout)["answers"][0]["meaning"] == "setuju"
    text = CliRunner().invoke(app, ["pledges", "ikrar", "--unit", "unit_kerja"])
    assert "setuju 1" in text.stdout
