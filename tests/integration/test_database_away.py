"""Every command that needs the database says in one line that it is away, and ends with exit code 6."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from copy import copy
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer.main

from dispatcher.cli.main import COMMANDS, run

AWAY = "postgresql://nobody@127.0.0.1:9/none"
"""Nothing listens on the port of `discard`."""

WITHOUT = {"demo", "simulate", "doctor", "keys show", "campaign validate", "channel new"}
"""Need none, or report on it among other things."""

ARGUMENTS = {
    "contacts import": "warga.csv",
    "contacts show": "-",
    "contacts export": "- --out siti.txt",
    "contacts verify": "",
    "contacts retain": "--by Ani",
    "contacts stop": "- --by Ani",
    "contacts erase": "- --by Ani",
    "campaign plan": "ajakan.yaml --by Ani",
    "campaign approve": "ajakan --fingerprint aaaa --by Ani",
    "campaign apply": "ajakan.yaml --wait",
    "campaign list": "",
    "campaign diff": "ajakan.yaml",
    "campaign pause": "ajakan --by Ani",
    "campaign resume": "ajakan --by Ani",
    "campaign cancel": "ajakan --by Ani",
    "campaign status": "ajakan --why",
    "campaign report": "ajakan --format csv --out laporan.csv",
    "campaign pledges": "ajakan",
    "session list": "",
    "session import": "sesi.csv --by Ani",
    "session set": "kelas --place Balai --by Ani",
    "session door": "kelas",
    "session attendance": "kelas warga.csv",
    "message list": "",
    "message show": "1",
    "message settle": "1 --as sent --by Ani",
    "inbox list": "",
    "inbox show": "1",
    "inbox done": "1 --by Ani",
    "inbox export": "",
    "channel list": "",
    "channel check": "",
    "channel send-test": "sms --to +15005550006 --text Halo --by Ani",
    "channel set": "sms --pause --by Ani",
    "up": "--port 0",
    "web": "--port 0",
    "db upgrade": "",
    "db mark-restored": "--since 2026-02-14T03:00:00+07:00 --by Ani",
}

CAMPAIGN = """
campaign: ajakan
title: Ajakan
owner: Kesbangpol
purpose: pendidikan-pemilih
audience: {everyone: true}
route: [{senders: sms}]
stop: {sms: "Berhenti: kesbangpol.example/stop"}
steps:
  - {name: satu, at: "2027-02-10 09:00", text: "Gunakan hak pilih. {{ stop }}"}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dispatcher.yaml").write_text("senders: {sms: {channel: console}}\n")
    (tmp_path / "ajakan.yaml").write_text(CAMPAIGN)
    (tmp_path / "warga.csv").write_text("nama,no hp\nSiti,081234567890\n")
    (tmp_path / "sesi.csv").write_text("Kode;Judul;Tempat;Mulai\nkelas;Kelas;Balai;2027-02-10 09:00\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", AWAY)
    monkeypatch.delenv("DISPATCHER_CONFIG", raising=False)
    monkeypatch.delenv("DISPATCHER_STATE_DIR", raising=False)
    for name in ("handlers", "level"):  # servers set logs up
        monkeypatch.setattr(logging.getLogger(), name, copy(getattr(logging.getLogger(), name)))
    monkeypatch.setattr(sys, "stdin", io.StringIO("081234567890\n"))
    return tmp_path


def all_commands() -> Iterator[str]:
    for noun, entry in COMMANDS.items():
        command: Any = typer.main.get_command(import_module(f"dispatcher.cli.{entry.module}").app)
        verbs = getattr(command, "commands", {})
        yield from (f"{noun} {verb}" for verb in verbs) if verbs else (noun,)


def test_no_command_is_forgotten() -> None:
    assert set(all_commands()) == set(ARGUMENTS) | WITHOUT


@pytest.mark.parametrize("command", ARGUMENTS)
def test_exit_code_6_and_one_line(command: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{command} {ARGUMENTS[command]}".split()) == 6
    shown = capsys.readouterr()
    told = [line for line in shown.err.splitlines() if line.startswith("Error: ")]
    assert told == ["Error: the database at 127.0.0.1:9 does not answer (OperationalError)"]
    assert shown.out == ""
    assert not {"siti.txt", "laporan.csv", "warga.rejected.csv"} & {path.name for path in place.iterdir()}


@pytest.mark.parametrize("command", ["campaign list", "contacts import"])
def test_a_program_is_told_by_a_code(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), *ARGUMENTS[command].split(), "--json"]) == 6
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "database-away"
