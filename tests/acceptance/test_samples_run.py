"""Every sample campaign from the import to its last step: SQLite, the carrier simulator, and a clock that is moved."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from ruamel.yaml import YAML
from sqlalchemy import select

from dispatcher.campaign.loader import load_campaign
from dispatcher.campaign.model import Campaign
from dispatcher.campaign.moments import due
from dispatcher.core.clock import DAY_US, MINUTE_US
from dispatcher.core.segments import measure
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.context import Context
from dispatcher.operations.import_contacts import import_contacts
from dispatcher.operations.import_result import ImportOptions
from dispatcher.operations.plan import plan_campaign
from dispatcher.queue.embedded import run_until_done
from dispatcher.render.content import decode
from dispatcher.settings import Environment
from dispatcher.store.tables import answers, inbound, messages, steps
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from dispatcher.testing.synthetic import synthetic_contacts
from dispatcher.web.server import WebThread
from dispatcher.wiring import connect
from tests.acceptance.place import eventually
from tests.integration.engine.conservation import assert_conserved

CAMPAIGNS: Final = Path(__file__).parents[2] / "campaigns"
SAMPLES: Final = sorted(CAMPAIGNS.glob("*.yaml"))
SETTINGS: Final = CAMPAIGNS / "settings" / "dispatcher.simulator.yaml"
KELURAHAN: Final = (
    "31.01.01.1001",
    "31.71.06.1001",
    "31.72.01.1001",
    "31.73.01.1001",
    "31.74.01.1001",
    "31.75.01.1001",
)
"""One in each of the six areas."""

PEOPLE: Final = 60
FAST: Final = {"sent_after_ms": [1, 20], "delivered_after_ms": [5, 60], "reply_after_ms": [5, 60], "read": 0}


@pytest.fixture(scope="module")
def carrier() -> Iterator[CarrierProcess]:
    with CarrierProcess(CarrierOptions()) as carrier:
        yield carrier


class Run:
    """An installation on the samples' own settings; the engine's context and the web's share a clock that is moved."""

    def __init__(self, path: Path, folder: Path, url: str, carrier: CarrierProcess) -> None:
        self.path, self.folder, self.carrier = path, folder, carrier
        loaded = load_campaign(path).campaign
        assert loaded is not None
        self.campaign: Campaign = loaded
        self.environ = {
            "DATABASE_URL": url,
            "DISPATCHER_CONFIG": str(self._settings()),
            "DISPATCHER_STATE_DIR": str(folder / "state"),
        }
        self.contexts: list[Context] = []

    def _settings(self) -> Path:
        settings = YAML(typ="safe").load(SETTINGS)
        for sender in settings["senders"].values():
            sender["base_url"] = self.carrier.url
        path = self.folder / "dispatcher.yaml"
        YAML(typ="safe").dump(settings, path)
        return path

    def connect(self) -> Context:
        self.contexts.append(connect(Environment(self.environ)))
        return self.contexts[-1]

    def move_to(self, instant_us: int) -> None:
        for context in self.contexts:
            context.database.clock.synchronise(instant_us)

    def contacts(self) -> Path:
        """People of every group the campaign names, in all six areas; drawn, so that no two attributes go together."""
        draw = Random(self.campaign.campaign)
        path = self.folder / "warga.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["nama", "no_hp", "kelompok", "kelurahan", "jabatan", "sapaan", "bahasa", "tanggal_lahir"])
            for index, made in enumerate(synthetic_contacts(PEOPLE, seed=2)):
                group = draw.choice(self.campaign.audience.groups)
                born = "2009-01-15" if group == "pelajar" else "1990-01-15"
                about = (draw.choice(["Ketua", "Anggota"]), draw.choice(["Ibu", "Bapak"]), made["bahasa"], born)
                writer.writerow([made["nama"], made["no_hp"], group, KELURAHAN[index % 6], *about])
        return path

    @property
    def dues_us(self) -> list[int]:
        return sorted({one.due_us for step in self.campaign.steps for one in due(self.campaign, step)})

    def apply(self) -> None:
        context = self.contexts[-1]
        assert import_contacts(context, self.contacts(), ImportOptions()).rejected == 0
        plan_campaign(context, self.path, "penguji")
        apply_campaign(context, self.path, "penguji")

    def send(self) -> None:
        """What is due now, until the carrier has said all it has to say about it."""
        assert run_until_done(self.contexts[-1], self.campaign.campaign) == 0
        eventually(self.carrier.is_silent)

    def check(self) -> None:
        with self.contexts[-1].database.read() as connection:
            assert_conserved(connection)

    def said(self, row: Any) -> str:
        """A message as its recipient, or the provider's template, gets it."""
        content = decode(self.contexts[-1].keys.sealer.open("messages.body", row.id, row.body_sealed))
        if content.template is None:
            return content.text or ""
        return "\n".join(content.template.parameters.values())

    def rows(self, table: Any) -> list[Any]:
        with self.contexts[-1].database.read() as connection:
            return list(connection.execute(select(table)).all())

    def replies(self, web_url: str) -> None:
        """Of those whom a message reaches, most answer: mostly with the first meaning."""
        words = [answer.keywords[0] for answer in self.campaign.answers]
        others = dict.fromkeys({"HADIR", "SETUJU", "STOP"} - set(words))
        weights = {**others, **{word: 4 if index == 0 else 1 for index, word in enumerate(words)}}
        share = {"reply": 0.7, "replies": weights} if words else {"reply": 0}
        self.carrier.control(**FAST, **share, inbound_url=f"{web_url}/hooks/sms-utama")


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path, sqlite_url: str, carrier: CarrierProcess) -> Iterator[Run]:
    """The campaign of the test's parameter is applied, three days before its first step."""
    carrier.reset()
    run = Run(request.param, tmp_path, sqlite_url, carrier)
    with WebThread(run.connect) as web:
        run.environ["DISPATCHER_PUBLIC_URL"] = web.url
        run.replies(web.url)
        context = run.connect()
        run.move_to(run.dues_us[0] - 3 * DAY_US)
        run.apply()
        yield run
    context.database.close()


@pytest.mark.parametrize("run", SAMPLES, ids=lambda path: path.stem, indirect=True)
def test_it_runs_to_its_end(run: Run) -> None:
    for due_us in run.dues_us:
        run.move_to(due_us + MINUTE_US)
        run.send()
        run.check()
    assert {step.state for step in run.rows(steps)} == {"done"}
    sent = run.rows(messages)
    assert {row.step_id for row in sent} == {step.id for step in run.rows(steps)}, "a step without anyone"
    failed = [row for row in sent if row.status != "delivered"]
    assert {(row.status, row.reason, row.hop) for row in failed} <= {("failed", "not_on_channel", 0)}
    assert {(row.step_id, row.contact_id) for row in failed} == {(r.step_id, r.contact_id) for r in sent if r.hop}
    ledger = run.carrier.ledger
    assert ledger.accepted_twice() == {}
    answered = [row for row in run.rows(inbound) if row.reply_state in ("accepted", "delivered")]
    assert ledger.accepted() == len(sent) + len(answered)
    assert all(row.reply_provider_id for row in answered), "also where a receipt was faster than the answer"
    for row in sent:
        said = run.said(row)
        assert said.strip()
        assert not any(mark in said for mark in ("{{", "}}", "{%", "%}")), said
        assert measure(said).encoding == "gsm7", said
        assert measure(said).segments <= 2, said


@pytest.mark.parametrize("run", [CAMPAIGNS / "ikrar-netralitas.yaml"], ids=["ikrar-netralitas"], indirect=True)
def test_the_pledge_reminds_only_those_who_have_not_answered(run: Run) -> None:
    reminded: set[int] = set()
    for due_us, step in zip(run.dues_us, run.rows(steps), strict=True):
        run.move_to(due_us + MINUTE_US)
        answered = {row.contact_id for row in run.rows(answers)}
        before = reminded
        run.send()
        reminded = {row.contact_id for row in run.rows(messages) if row.step_id == step.id}
        assert reminded
        assert not reminded & answered
        if before:
            assert reminded == before - answered
            assert answered
    assert {row.meaning for row in run.rows(answers)} == {"setuju"}
