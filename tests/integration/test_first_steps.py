"""What a newcomer does in the first minutes, and what the commands say then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.cli.main import run
from dispatcher.core.clock import from_us
from dispatcher.core.errors import UsageError
from dispatcher.settings.file import parse_settings

DISPATCHER = str(Path(sys.executable).with_name("dispatcher"))
CAMPAIGN = """
version: 1
campaign: ajakan
title: Ajakan memilih
owner: Kesbangpol
purpose: pendidikan-pemilih
window: {open: "00:00", close: "24:00"}
audience: {everyone: true}
stop: {sms: "Berhenti: kesbangpol.example/stop"}
steps:
  - name: ajakan
    at: "AT"
    text: "Yth. {{ contact.first_name }}, gunakan hak pilih Anda. {{ stop }}"
    route: [{senders: console}]
"""

Say = Callable[..., tuple[str, str]]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command in an empty folder with an empty environment; returns what it said on stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("DISPATCHER_", "DATABASE_", "CELERY_"))]:
        monkeypatch.delenv(name)

    def say(*arguments: str) -> tuple[str, str]:
        assert run(list(arguments)) == 0
        said = capsys.readouterr()
        return said.out, said.err

    return say


def _write(due: datetime) -> None:
    Path("ajakan.yaml").write_text(CAMPAIGN.replace("AT", due.isoformat(timespec="seconds")))


def _now() -> datetime:
    import time

    return from_us(time.time_ns() // 1000, "Asia/Jakarta")


def test_a_plan_of_nobody_asks_for_contacts(say: Say) -> None:
    _write(_now() + timedelta(days=1))
    assert "dispatcher contacts import FILE" in say("campaign", "plan", "ajakan.yaml", "--by", "siti")[1]


def test_a_step_that_is_due_already_starts_now(say: Say) -> None:
    Path("warga.csv").write_text("nama,no hp\nSiti,081234567801\n")
    say("contacts", "import", "warga.csv")
    before = _now() - timedelta(seconds=1)
    _write(_now() - timedelta(hours=3))
    plan = json.loads(say("campaign", "plan", "ajakan.yaml", "--by", "siti", "--json")[0])
    assert datetime.fromisoformat(plan["steps"][0]["starts"]) >= before.replace(microsecond=0)


def test_a_channel_that_nobody_installed_is_listed_with_its_sender(say: Say) -> None:
    Path("dispatcher.yaml").write_text("senders:\n  faks: {channel: fax}\n")
    found = {channel["name"]: channel for channel in json.loads(say("channel", "list", "--json")[0])}
    assert found["fax"]["error"] == "it is not installed"
    assert found["fax"]["senders"][0]["problem"]
    assert "fax" in say("channel", "list")[0]


def test_a_setting_that_does_not_exist_is_named_with_its_line() -> None:
    with pytest.raises(UsageError, match=r"dispatcher.yaml:2: there is no setting sender$"):
        parse_settings(b"# ours\nsender: {}\n")
    with pytest.raises(UsageError, match=r'rate: "fast" is not a rate'):
        parse_settings(b"senders:\n  a: {channel: console, rate: fast}\n")


def test_up_says_that_receipts_cannot_arrive(say: Say, tmp_path: Path) -> None:
    """Without a public address messages are sent, and nobody ever hears that they arrived."""
    (tmp_path / "dispatcher.yaml").write_text("senders:\n  sms: {channel: simulator}\n")
    with subprocess.Popen([DISPATCHER, "up", "--port", "0"], stderr=subprocess.PIPE, text=True) as up:
        assert up.stderr is not None
        lines = []
        for line in up.stderr:
            lines.append(line)
            if "Listening" in line:
                up.send_signal(signal.SIGTERM)
        assert up.wait(20) == 0
    assert any("DISPATCHER_PUBLIC_URL" in line for line in lines)
