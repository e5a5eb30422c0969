"""A whole campaign through Meta's face of the carrier: it asks who we are, and calls back early, twice, in disorder."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from dispatcher.campaign.loader import load_campaign
from dispatcher.cli.main import run as run_command
from dispatcher.core.clock import from_us
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.import_contacts import import_contacts
from dispatcher.operations.import_result import ImportOptions
from dispatcher.operations.ingest import match_parked
from dispatcher.operations.plan import plan_campaign
from dispatcher.operations.provider_templates import Answers, template_diagnostics
from dispatcher.queue.embedded import EmbeddedWorkers, run_until_done
from dispatcher.settings import Environment
from dispatcher.spi import HeldTemplate
from dispatcher.store.tables import answers, inbound, messages, receipts, suppressions
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from dispatcher.testing.carrier.behaviour import HeldContent
from dispatcher.web.server import WebThread
from dispatcher.wiring import connect
from tests.integration.web import test_carrier
from tests.integration.web.test_carrier import PEOPLE, counted, eventually

BODY = "Yth. {{nama}}, mari hadir. Balas BERHENTI untuk berhenti."
TOKEN = "our verify token"
BEHAVIOUR = replace(
    test_carrier.BEHAVIOUR,
    read=0,
    http_429=0.05,
    retry_after_s=0,
    templates={"undangan": HeldContent(body=BODY)},
)
CAMPAIGN = """
campaign: undangan
title: Undangan
owner: Kesbangpol
purpose: pendidikan-pemilih
audience: {{everyone: true}}
window: {{open: "00:00", close: "24:00"}}
stop: {{whatsapp: "Balas BERHENTI untuk berhenti."}}
answers: [{{keywords: [HADIR], meaning: hadir}}]
steps:
  - name: satu
    at: "{at}"
    route:
      - senders: wa
        template:
          id: undangan
          parameters: {{nama: "{{{{ contact.first_name }}}}"}}
          body: "{body}"
"""


@pytest.fixture
def carrier() -> Iterator[CarrierProcess]:
    with CarrierProcess(CarrierOptions(behaviour=BEHAVIOUR)) as carrier:
        yield carrier


def settings(carrier: CarrierProcess) -> str:
    options = carrier.options
    sender = {
        "channel": "whatsapp-cloud",
        "allow_private": True,
        "base_url": carrier.url,
        "phone_number_id": options.phone_number_id,
        "business_account_id": options.business_account_id,
        "access_token": options.access_token,
        "app_secret": options.app_secret,
        "verify_token": TOKEN,
    }
    return json.dumps({"approval": "waived", "inbound": {"replies": []}, "senders": {"wa": sender}})


def write_people(path: Path) -> None:
    """Real-looking numbers: made-up contacts go to the simulator's own channel only."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("nama", "no_hp", "persetujuan"))
        rows.writerows((f"Warga {i}", f"+628120000{i + 100:04}", "ya") for i in range(PEOPLE))


def subscribe(carrier: CarrierProcess, hook: str, token: str) -> requests.Response:
    options = carrier.options
    return requests.post(
        f"{carrier.url}/v26.0/{options.business_account_id}/subscribed_apps",
        json={"override_callback_uri": hook, "verify_token": token},
        headers={"Authorization": f"Bearer {options.access_token}"},
        timeout=30,
    )


def assert_only_meta_is_heard(hook: str) -> None:
    challenge = f"hub.mode=subscribe&hub.challenge=12345&hub.verify_token={quote(TOKEN)}"
    right = requests.get(f"{hook}?{challenge}", timeout=30)
    assert (right.status_code, right.text) == (200, "12345")
    wrong = requests.get(f"{hook}?{challenge}x", timeout=30)
    assert (wrong.status_code, wrong.text) == (403, "")
    assert requests.get(hook, timeout=30).status_code == 403
    assert requests.post(hook, json={"object": "whatsapp_business_account", "entry": []}, timeout=30).status_code == 403


def test_a_campaign_through_metas_face(database_url: str, tmp_path: Path, carrier: CarrierProcess) -> None:
    """Invariants 2, 5, 6 and 7: what the carrier's own ledger says is what we say."""
    (tmp_path / "dispatcher.yaml").write_text(settings(carrier))
    environ = {
        "DATABASE_URL": database_url,
        "DISPATCHER_CONFIG": str(tmp_path / "dispatcher.yaml"),
        "DISPATCHER_STATE_DIR": str(tmp_path / "state"),
    }
    context = connect(Environment(environ))
    write_people(tmp_path / "warga.csv")
    import_contacts(context, tmp_path / "warga.csv", ImportOptions())
    path = tmp_path / "undangan.yaml"
    at = from_us(context.now_us(), "Asia/Jakarta") - timedelta(minutes=1)
    path.write_text(CAMPAIGN.format(at=at.isoformat(timespec="seconds"), body=BODY))
    with WebThread(lambda: connect(Environment(environ))) as web:
        environ["DISPATCHER_PUBLIC_URL"] = web.url
        hook = f"{web.url}/hooks/wa"
        assert_only_meta_is_heard(hook)
        assert subscribe(carrier, hook, "a guess").status_code == 400
        assert subscribe(carrier, hook, TOKEN).json() == {"success": True}
        plan_campaign(context, path, "penguji")
        apply_campaign(context, path, "penguji")
        run_until_done(context, "undangan")
        with EmbeddedWorkers(context):
            eventually(carrier.is_silent)
        match_parked(context, 1000)
    assert carrier.summary()["callbacks"]["refused"] == 0
    sent = carrier.ledger
    assert not sent.accepted_twice()
    assert sent.accepted() == PEOPLE
    assert all(sent.by_ref().values())
    expected = {"delivered": 0, "failed": 0}
    for status in sent.statuses().values():
        expected["delivered" if status == "delivered" else "failed"] += 1
    assert all(expected.values())
    assert counted(context, messages, messages.c.status) == expected
    assert "not_on_channel" in counted(context, messages, messages.c.reason)
    assert counted(context, receipts, receipts.c.state).keys() == {"folded", "inbound"}
    replied = counted(context, inbound, inbound.c.meaning)
    assert set(replied) == {"hadir", "stop", ""}
    assert counted(context, answers, answers.c.meaning) == {"hadir": replied["hadir"]}
    assert sum(counted(context, suppressions, suppressions.c.via).values()) == replied["stop"]
    context.database.close()


def test_validate_online_reads_what_meta_holds(
    tmp_path: Path, carrier: CarrierProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Invariant 10."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    (tmp_path / "dispatcher.yaml").write_text(settings(carrier))
    (tmp_path / "undangan.yaml").write_text(CAMPAIGN.format(at="2099-02-10 09:00", body=BODY))

    def validate(**changes: Any) -> set[str]:
        carrier.control(templates={"undangan": {"language": "id", "body": BODY, "status": "approved", **changes}})
        run_command(["campaign", "validate", "undangan.yaml", "--online", "--json"])
        return {found["code"] for found in json.loads(capsys.readouterr().out) if found["code"].startswith("template")}

    assert validate() == set()
    assert validate(status="rejected", rejection_reason="SCAM") == {"template-unapproved"}
    assert validate(body="Yth. {{1}}") == {"template-parameters", "template-differs"}
    assert validate(language="en") == {"template-tongue"}
    carrier.control(templates={"undangan": None, "lain": {}})
    run_command(["campaign", "validate", "undangan.yaml", "--online", "--json"])
    assert "template-absent" in capsys.readouterr().out


def test_what_a_quick_reply_answers_may_be_filled_or_not(tmp_path: Path) -> None:
    path = tmp_path / "undangan.yaml"
    held = HeldTemplate(
        "undangan",
        "0" * 64,
        parameters=frozenset({"nama", "button.0.payload"}),
        optional=frozenset({"button.0.payload"}),
    )
    told = Answers(results={("wa", "undangan"): held})

    def codes(**more: str) -> list[str]:
        text = CAMPAIGN.format(at="2099-02-10 09:00", body=BODY)
        path.write_text(text.replace("parameters: {", f"parameters: {{{json.dumps(more)[1:-1]}{', ' if more else ''}"))
        return [found.code for found in template_diagnostics(load_campaign(path), told)]

    assert codes() == []
    assert codes(**{"button.0.payload": "HADIR"}) == []
    assert codes(**{"button.1.payload": "HADIR"}) == ["template-parameters"]
