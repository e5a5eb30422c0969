"""The commands of campaigns, messages, channels and doctor: names, JSON keys and exit codes are promises (DESIGN 6)."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dispatcher import wiring
from dispatcher.cli.main import run
from dispatcher.core.clock import from_us
from dispatcher.core.status import Status
from dispatcher.operations.context import Context
from dispatcher.settings import Environment
from dispatcher.store.tables import steps
from tests.integration.builders import Builder

CAMPAIGN = """
campaign: ajakan
title: Ajakan memilih
owner: Kesbangpol
purpose: pendidikan-pemilih
goal: {people: 2}
window: {open: "00:00", close: "24:00"}
audience: {everyone: true}
stop: {sms: "Berhenti: kesbangpol.example/stop"}
steps:
  - name: ajakan
    at: "AT"
    route: [{senders: drop}]
    text: "Yth. {{ contact.first_name }}, gunakan hak pilih Anda. {{ stop }}"
"""
PEOPLE = "nama,no hp,kelompok,kelurahan\nSiti Aminah,081234567801,RT,Menteng\nBudi Santoso,081234567802,PKK,Menteng\n"


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Ran]


@pytest.fixture
def cli(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Cli]:
    """Runs a command as the shell would, in this process."""
    monkeypatch.chdir(tmp_path)
    for name in ("CELERY_BROKER_URL", "DISPATCHER_PUBLIC_URL", "DISPATCHER_SECRET_KEY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DISPATCHER_STATE_DIR", str(tmp_path / "state"))
    Path("dispatcher.yaml").write_text("senders: {drop: {channel: filedrop, folder: out}}\n")
    Path("warga.csv").write_text(PEOPLE)
    Path("out").mkdir()
    opened: list[Context] = []
    original = wiring.connect

    def connect(environment: Environment | None = None) -> Context:
        opened.append(original(environment))
        return opened[-1]

    monkeypatch.setattr(wiring, "connect", connect)

    def call(*arguments: str, given: str = "") -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        code = run(list(arguments))
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ran(code, out, err)

    yield call
    for context in opened:
        context.database.close()


@pytest.fixture
def built(cli: Cli) -> Builder:
    return Builder(wiring.connect())


def _write(later: timedelta = timedelta(minutes=-1), **changes: str) -> str:
    at = from_us(time.time_ns() // 1000, "Asia/Jakarta") + later
    text = CAMPAIGN.replace("AT", at.isoformat(timespec="seconds"))
    for old, new in changes.items():
        text = text.replace(old, new)
    Path("ajakan.yaml").write_text(text)
    return "ajakan.yaml"


def _approved(cli: Cli, file: str) -> str:
    cli("contacts", "import", "warga.csv")
    fingerprint = str(cli("campaign", "plan", file, "--by", "Ani", "--json").json["fingerprint"])
    assert cli("campaign", "approve", "ajakan", "--fingerprint", fingerprint, "--by", "Budi").code == 0
    return fingerprint


def test_from_file_to_report(cli: Cli) -> None:
    """The whole path of a campaign manager, and what each command promises to say."""
    file = _write()
    fingerprint = _approved(cli, file)
    applied = cli("campaign", "apply", file, "--by", "Ani", "--wait", "--json")
    assert applied.code == 0
    assert applied.json == {"campaign": "ajakan", "fingerprint": fingerprint, "state": "done", "note": ""}

    status = cli("campaign", "status", "ajakan", "--json").json
    keys = ("state", "selected", "held_out", "skipped", "pending", "messages", "hops", "steps")
    assert set(keys) <= set(status)
    assert (status["selected"], status["messages"]) == (2, {"delivered": 2})
    assert {*keys, "name", "occasion", "due"} - {"steps"} <= set(status["steps"][0])

    report = cli("campaign", "report", "ajakan", "--json").json
    more = ("reach", "groups", "regions", "failures", "answers", "attendance", "cost")
    assert set(keys) | set(more) <= set(report)
    assert (report["reach"]["people"], report["reach"]["goal"]) == (2, 2)
    assert cli("campaign", "list", "--json").json[0]["state"] == "done"
    texts = [json.loads(line)["text"] for file in Path("out").glob("*") for line in file.read_text().splitlines()]
    assert sorted(text.split(",")[0] for text in texts) == ["Yth. Budi", "Yth. Siti"]


def test_json_stays_clean_beside_a_console(cli: Cli) -> None:
    Path("dispatcher.yaml").write_text("senders: {drop: {channel: console}}\n")
    file = _write()
    _approved(cli, file)
    applied = cli("campaign", "apply", file, "--wait", "--json")
    assert applied.json["state"] == "done"
    assert "gunakan hak pilih" in applied.err


def test_the_plan_has_its_keys_and_a_text_form(cli: Cli) -> None:
    cli("contacts", "import", "warga.csv")
    plan = cli("campaign", "plan", _write(), "--by", "Ani", "--json").json
    assert {"campaign", "fingerprint", "selected", "skipped", "held_out", "ceilings", "steps", "samples"} <= set(plan)
    step = {"name", "messages", "segments", "cost", "starts", "ends", "senders"}
    assert step <= set(plan["steps"][0])

    shown = cli("campaign", "plan", "ajakan.yaml", "--by", "Ani")
    assert "Yth. Siti, gunakan hak pilih Anda." in shown.out
    assert "+6281234567801" not in shown.out
    assert f"--fingerprint {plan['fingerprint'][:16]}" in shown.err


def test_validate_needs_no_database(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert cli("campaign", "validate", _write(later=timedelta(days=30))).code == 0
    wrong = cli("campaign", "validate", _write(drop="tidak-ada"), "--json")
    assert wrong.code == 3
    (finding,) = [one for one in wrong.json if one["severity"] == "error"]
    assert set(finding) == {"code", "severity", "file", "line", "column", "message", "hint"}
    assert finding["file"] == "ajakan.yaml"
    assert "ajakan.yaml:" in cli("campaign", "validate", "ajakan.yaml").err


def test_policy_refuses_with_four(cli: Cli) -> None:
    file = _write()
    cli("contacts", "import", "warga.csv")
    assert cli("campaign", "apply", file, "--json").json["error"]["code"] == "not-planned"
    fingerprint = cli("campaign", "plan", file, "--by", "Ani", "--json").json["fingerprint"]
    assert cli("campaign", "approve", "ajakan", "--fingerprint", fingerprint, "--by", "ani").code == 4
    assert cli("campaign", "apply", file).code == 4


def test_a_missing_credential_ends_with_seven(cli: Cli) -> None:
    file = _write()
    _approved(cli, file)
    Path("dispatcher.yaml").write_text("senders: {drop: {channel: filedrop, folder: '${FOLDER}'}}\n")
    refused = cli("campaign", "apply", file)
    assert refused.code == 7
    assert "FOLDER" in refused.err


def test_what_does_not_exist_ends_with_two_in_json_too(cli: Cli) -> None:
    for arguments in (("status",), ("report",), ("pause",), ("resume",), ("cancel",), ("diff",)):
        ran = cli("campaign", *arguments, "tidak-ada", "--json")
        assert ran.code == 2
        assert set(ran.json["error"]) == {"code", "message", "hint"}
    assert cli("message", "show", "1").code == 2
    assert cli("channel", "set", "tidak-ada", "--pause").code == 2


def test_a_database_that_is_away_ends_with_six(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for arguments in (("campaign", "list"), ("message", "list"), ("channel", "list")):
        assert cli(*arguments).code == 6


def test_unknown_messages_leave_waiting_incomplete(cli: Cli) -> None:
    file = _write()
    _approved(cli, file)
    cli("campaign", "apply", file, "--wait")
    built = Builder(wiring.connect())
    with built.context.database.read() as connection:
        step = connection.execute(steps.select()).one()
    built.message(step.id, built.person(), built.sender("lain"), Status.UNKNOWN)
    assert cli("campaign", "apply", file, "--wait").code == 5
    assert "may have been sent" in cli("campaign", "status", "ajakan", "--why").out.lower()


def test_pause_resume_cancel_say_the_state(cli: Cli) -> None:
    file = _write(later=timedelta(hours=5))
    _approved(cli, file)
    applied = cli("campaign", "apply", file)
    assert "scheduled" in applied.err
    for verb, state in (("pause", "paused"), ("resume", "scheduled"), ("cancel", "cancelled")):
        assert cli("campaign", verb, "ajakan", "--by", "Ani", "--json").json["state"] == state
    assert cli("campaign", "resume", "ajakan").code == 4


def test_diff_is_quiet_where_nothing_changed(cli: Cli) -> None:
    file = _write(later=timedelta(hours=5))
    _approved(cli, file)
    cli("campaign", "apply", file)
    assert cli("campaign", "diff", "ajakan", file).out == ""
    Path(file).write_text(Path(file).read_text().replace("gunakan hak", "pakailah hak"))
    assert "+ " in cli("campaign", "diff", "ajakan", file).out


@pytest.mark.parametrize(("format_", "begins"), [("text", "Laporan"), ("csv", "section,"), ("html", "<!doctype html>")])
def test_reports_in_every_form(cli: Cli, built: Builder, tmp_path: Path, format_: str, begins: str) -> None:
    built.message(built.step(built.campaign()), built.person(), built.sender(), Status.DELIVERED)
    out = tmp_path / f"laporan.{format_}"
    ran = cli("campaign", "report", "ajakan", "--format", format_, "--out", str(out))
    assert (ran.code, ran.out) == (0, "")
    assert out.read_text().startswith(begins)


def test_a_workbook_goes_to_a_file(cli: Cli, built: Builder, tmp_path: Path) -> None:
    built.message(built.step(built.campaign()), built.person(), built.sender(), Status.DELIVERED)
    assert cli("campaign", "report", "ajakan", "--format", "xlsx", "--out", "laporan.xlsx").code == 0
    assert (tmp_path / "laporan.xlsx").read_bytes().startswith(b"PK")
    for option, value in (("--format", "pdf"), ("--level", "blok"), ("--language", "fr")):
        assert cli("campaign", "report", "ajakan", option, value).code == 2


def test_the_funnel_is_drawn_and_conserves(cli: Cli, built: Builder) -> None:
    step, sender = built.step(built.campaign()), built.sender()
    for status in (Status.DELIVERED, Status.READ, Status.FAILED, Status.QUEUED):
        built.message(step, built.person(), sender, status)
    shown = cli("campaign", "status", "ajakan").out
    rows = {line[:22].strip(): line.split()[-2] for line in shown.splitlines() if line.endswith("%")}
    assert rows == {
        "Selected": "4",
        "Given a message": "4",
        "Taken by the provider": "2",
        "Delivered": "2",
        "Read": "1",
    }


def test_messages_are_listed_shown_and_settled(cli: Cli, built: Builder) -> None:
    person = built.person()
    message = str(built.message(built.step(built.campaign()), person, built.sender(), Status.UNKNOWN))
    (row,) = cli("message", "list", "--campaign", "ajakan", "--status", "unknown", "--json").json
    assert str(row["id"]) == message
    assert message in cli("message", "list").out
    assert person.number not in cli("message", "show", message).out
    assert cli("message", "show", message, "--show-number", "--json").json["to"] == person.number
    assert cli("message", "settle", "--as", "sent", "--by", "Ani").code == 2
    assert cli("message", "settle", message, "--as", "hilang", "--by", "Ani").code == 2
    assert cli("message", "settle", message, "--as", "sent", "--by", "Ani", "--json").json["settled"] == 1
    assert (
        cli("message", "settle", "--campaign", "ajakan", "--as", "sent", "--by", "Ani", "--json").json["settled"] == 0
    )


def test_channels_are_listed_checked_tried_and_set(cli: Cli) -> None:
    found = cli("channel", "list", "--json").json
    assert all({"name", "version", "capabilities", "origin"} <= set(one) for one in found)
    assert "drop" in cli("channel", "list").out
    assert cli("channel", "check", "drop").code == 0
    assert cli("channel", "send-test", "drop", "--to", "-", "--text", "Uji", given="081234567890\n").code == 0
    assert cli("channel", "set", "drop", "--rate", "80 msg/s", "--json").json["rate_per_s"] == 80
    assert cli("channel", "set", "drop", "--pause", "--reason", "perawatan", "--json").json["paused"]
    assert cli("channel", "send-test", "drop", "--to", "081234567890", "--text", "Uji").code == 4
    assert not cli("channel", "set", "drop", "--resume", "--json").json["paused"]
    assert cli("channel", "set", "drop").code == 2
    Path("dispatcher.yaml").write_text("senders: {drop: {channel: filedrop, folder: '${FOLDER}'}}\n")
    assert cli("channel", "check").code == 7
    assert cli("channel", "send-test", "drop", "--to", "081234567890", "--text", "Uji").code == 7


def test_doctor_ends_with_five_where_something_is_wrong(cli: Cli, built: Builder) -> None:
    sound = cli("doctor", "--json")
    assert sound.code == 0
    assert all(set(one) == {"check", "ok", "detail", "fix"} for one in sound.json)
    Path("state/secret.key").chmod(0o644)
    assert cli("doctor").code == 5
