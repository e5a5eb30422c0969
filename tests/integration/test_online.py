"""What providers hold, at validate --online, plan and apply: a carrier that speaks the Content API (invariant 10)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from dispatcher.cli.main import run
from dispatcher.core.errors import CampaignError, ProviderError, RefusedError
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.context import Context
from dispatcher.operations.diff import diff_campaign
from dispatcher.operations.online import SENDER_CODES
from dispatcher.operations.plan import plan_campaign
from dispatcher.operations.provider_templates import CODES
from dispatcher.spi import HeldTemplate
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from dispatcher.testing.conformance.base import GuardedClient
from dispatcher.testing.rawserver import refusing_port
from dispatcher_channels.simulator import SimulatorChannel, SimulatorConfig
from tests.integration.builders import make_context

SID = "HX" + "0" * 31 + "1"
BODY = "Yth. {{1}}, gunakan hak pilih Anda. Balas STOP untuk berhenti."
CAMPAIGN = f"""\
campaign: ajakan
title: Ajakan memilih
owner: Kesbangpol
purpose: pendidikan-pemilih
audience: {{everyone: true}}
stop: {{whatsapp: Balas STOP untuk berhenti.}}
steps:
  - name: ajakan
    at: "2099-02-10 09:00"
    route:
      - senders: wa
        template:
          id: {SID}
          language: id
          parameters:
            "1": "{{{{ contact.first_name }}}}"
          body: "{BODY}"
"""
HELD = {"language": "id", "body": BODY, "variables": {"1": "Siti"}}
TWILIO = (
    "{channel: twilio-whatsapp, account_sid: '${WA_ACCOUNT}', auth_token: '${WA_TOKEN}', from: '+15005550006', "
    "allow_private: true, base_url: 'URL', content_base_url: 'URL', messaging_base_url: 'URL'}"
)
SIMULATOR = "{channel: simulator, media: whatsapp, base_url: 'URL'}"


@pytest.fixture(scope="module")
def process() -> Iterator[CarrierProcess]:
    with CarrierProcess(CarrierOptions()) as process:
        yield process


@pytest.fixture
def carrier(process: CarrierProcess) -> CarrierProcess:
    process.ask("PUT", "/_control", {"templates": {SID: HELD}})
    return process


Validate = Callable[..., tuple[int, Any]]


@pytest.fixture
def validate(
    carrier: CarrierProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Validate:
    """The command's exit code and its JSON; there is no database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("WA_ACCOUNT", carrier.account_sid)
    monkeypatch.setenv("WA_TOKEN", carrier.auth_token)
    Path("c.yaml").write_text(CAMPAIGN)

    def call(sender: str = SIMULATOR, url: str = carrier.url, campaign: str = CAMPAIGN) -> tuple[int, Any]:
        Path("dispatcher.yaml").write_text(f"senders: {{wa: {sender.replace('URL', url)}}}\n")
        Path("c.yaml").write_text(campaign)
        code = run(["campaign", "validate", "c.yaml", "--online", "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


def _codes(found: Any) -> list[tuple[str, str, int]]:
    return [(one["code"], one["severity"], one["line"]) for one in found]


def _line(part: str) -> int:
    return CAMPAIGN[: CAMPAIGN.index(part)].count("\n") + 1


def test_a_template_that_fits_is_not_mentioned(validate: Validate) -> None:
    assert validate() == (0, [])


def test_a_carrier_that_was_told_of_no_templates_holds_them_all(validate: Validate, carrier: CarrierProcess) -> None:
    carrier.ask("PUT", "/_control", {})
    assert validate() == (0, [])


@pytest.mark.parametrize(
    ("held", "code", "severity", "at", "told"),
    [
        (None, "template-absent", "error", f"id: {SID}", SID),
        ({"status": "pending"}, "template-unapproved", "error", f"id: {SID}", "pending"),
        (
            {"status": "rejected", "rejection_reason": "promosi"},
            "template-unapproved",
            "error",
            f"id: {SID}",
            "promosi",
        ),
        ({"language": "en"}, "template-tongue", "error", "language: id", "in en, not in id"),
        (
            {"body": BODY + " {{2}}"},
            "template-parameters",
            "error",
            "parameters:",
            "takes 2 parameter(s), and is given 1",
        ),
        ({"body": BODY.replace("Yth.", "Hai")}, "template-differs", "warning", "body:", "another text"),
    ],
)
def test_what_does_not_fit_is_told_where_it_stands(
    validate: Validate, carrier: CarrierProcess, held: Any, code: str, severity: str, at: str, told: str
) -> None:
    other = {"HX2": HELD} if held is None else {SID: {**HELD, **held}}
    carrier.ask("PUT", "/_control", {"templates": other})
    exit_code, found = validate()
    assert exit_code == (3 if severity == "error" else 0)
    mine = [one for one in found if one["code"] == code]
    assert _codes(mine) == [(code, severity, _line(at))]
    assert told in mine[0]["message"]
    assert {one["code"] for one in found} <= {code, "template-differs"}
    assert set(mine[0]) == {"code", "severity", "file", "line", "column", "message", "hint"}


def test_offline_remarks_come_along(validate: Validate) -> None:
    code, found = validate(campaign=CAMPAIGN.replace("senders: wa", "senders: [wa, wb]"))
    assert (code, [one["code"] for one in found]) == (3, ["unknown-sender"])


def test_a_twilio_sender_with_its_credentials(validate: Validate) -> None:
    assert validate(TWILIO) == (0, [])


def test_a_missing_credential_is_named_and_ends_with_seven(validate: Validate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WA_TOKEN")
    code, found = validate(TWILIO)
    assert (code, _codes(found)) == (7, [("missing-credentials", "error", _line("senders: wa"))])
    assert "WA_TOKEN" in found[0]["message"]


def test_refused_credentials_end_with_seven(validate: Validate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WA_TOKEN", "wrong")
    code, found = validate(TWILIO)
    assert (code, _codes(found)) == (7, [("sender-check", "error", _line("senders: wa"))])
    assert "401" in found[0]["message"]
    assert "auth_token" in found[0]["hint"]


def test_a_provider_that_is_away_ends_with_seven(validate: Validate) -> None:
    with refusing_port() as port:
        code, found = validate(url=f"http://127.0.0.1:{port}")
    assert (code, _codes(found)) == (7, [("sender-check", "error", _line("senders: wa"))])
    assert "no connection" in found[0]["message"]


def test_online_needs_settings(validate: Validate, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["campaign", "validate", "c.yaml", "--online"]) == 2
    assert "dispatcher.yaml" in capsys.readouterr().err


# Plan and apply


@pytest.fixture
def context(database_url: str, carrier: CarrierProcess) -> Iterator[Context]:
    sender = {"channel": "simulator", "media": "whatsapp", "base_url": carrier.url}
    context = make_context(database_url, {"approval": "waived", "senders": {"wa": sender}})
    yield context
    context.database.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(CAMPAIGN)
    return path


def test_another_text_at_the_provider_is_another_plan(context: Context, carrier: CarrierProcess, file: Path) -> None:
    planned = plan_campaign(context, file, "Ani").fingerprint
    carrier.control(templates={SID: {"body": BODY.replace("gunakan", "pakailah")}})
    with pytest.raises(RefusedError) as refused:
        apply_campaign(context, file, "Ani")
    assert refused.value.code == "not-planned"
    carrier.control(templates={SID: {"body": BODY}})
    assert apply_campaign(context, file, "Ani").fingerprint == planned
    carrier.control(templates={SID: {"body": BODY.replace("gunakan", "pakailah")}})
    assert f"+provider's template {SID}: " in diff_campaign(context, "ajakan", file)["diff"]


def test_a_plan_needs_a_template_that_may_be_sent(context: Context, carrier: CarrierProcess, file: Path) -> None:
    carrier.control(templates={SID: {"status": "rejected"}})
    with pytest.raises(CampaignError, match="not approved"):
        plan_campaign(context, file, "Ani")


def test_a_plan_needs_its_provider(database_url: str, file: Path) -> None:
    with refusing_port() as port:
        sender = {"channel": "simulator", "media": "whatsapp", "base_url": f"http://127.0.0.1:{port}"}
        context = make_context(database_url, {"senders": {"wa": sender}})
        with pytest.raises(ProviderError, match="no connection"):
            plan_campaign(context, file, "Ani")
        context.database.close()


# The carrier, by Twilio's own SDK


def test_the_sdk_reads_the_same(carrier: CarrierProcess) -> None:
    http = TwilioHttpClient(timeout=30)
    client = Client(carrier.account_sid, carrier.auth_token, http_client=http)
    client.content.base_url = carrier.url
    content = client.content.v1.contents(SID).fetch()
    approval = client.content.v1.contents(SID).approval_fetch().fetch()
    listed = client.content.v1.content_and_approvals.list()
    assert http.session is not None
    http.session.close()
    assert (content.sid, content.language, content.types) == (SID, "id", {"twilio/text": {"body": BODY}})
    assert (approval.whatsapp or {})["status"] == "approved"
    assert [(one.sid, (one.approval_requests or {})["status"]) for one in listed] == [(SID, "approved")]
    held = asyncio.run(_held(carrier))
    assert isinstance(held, HeldTemplate)
    assert (held.language, held.text, held.parameters) == ("id", BODY, {"1"})


async def _held(carrier: CarrierProcess) -> Any:
    http = GuardedClient(total_s=8, connect_s=3)
    try:
        config = SimulatorConfig.model_validate({"media": "whatsapp", "base_url": carrier.url})
        return await SimulatorChannel(config, http).template(SID)
    finally:
        await http.close()


def test_the_docs_list_the_codes() -> None:
    text = (Path(__file__).parents[2] / "docs" / "writing-campaigns.md").read_text(encoding="utf-8")
    assert [
        code for code, meaning in {**CODES, **SENDER_CODES}.items() if f"| `{code}` | {meaning} |" not in text
    ] == []
