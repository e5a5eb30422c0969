"""DISPATCHER_DEBUG shows where, and nothing of anybody (invariant 12)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.cli import main
from dispatcher.operations import sender_control


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["text", "json"])
def test_an_unexpected_error_shows_its_place_without_its_message(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, as_json: list[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        try:
            raise KeyError("+6281234567890")
        except KeyError as error:
            raise ValueError("Siti Aminah has no number") from error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPATCHER_DEBUG", "1")
    monkeypatch.setattr(sender_control, "list_channels", broken)
    assert main.run(["channel", "list", *as_json]) == 1
    said = "".join(capfd.readouterr())
    assert "ValueError" in said and "KeyError" in said
    assert "in broken" in said
    assert "6281234567890" not in said.replace('raise KeyError("+6281234567890")', "")
    assert "Siti" not in said.replace('raise ValueError("Siti Aminah has no number") from error', "")
