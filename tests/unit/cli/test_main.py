"""The front door: help, version, wrong words and every way a command can end."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dispatcher.cli.main import COMMANDS, run


def test_help_lists_every_command_and_imports_no_framework() -> None:
    code = "import sys; from dispatcher.cli.main import run; run(['--help']); sys.exit('typer' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert all(f"  {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_listed_exists(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert "Usage: dispatcher" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["-h"], ["--version"], ["campaign", "-h"], ["campaign", "plan", "--help"]])
def test_asking_for_help_is_no_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    shown = capsys.readouterr()
    assert shown.out
    assert not shown.err


@pytest.mark.parametrize(
    "arguments", [["campagn"], ["-x"], ["campaign"], ["campaign", "plan"], ["campaign", "plan", "--wrong"]]
)
def test_wrong_words_are_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert "unexpected" not in capsys.readouterr().err


def test_a_near_miss_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    run(["campagn"])
    assert "Did you mean campaign?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["campagn", "--json"], ["campaign", "plan", "--wrong", "--json"]])
def test_usage_errors_speak_json(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"
