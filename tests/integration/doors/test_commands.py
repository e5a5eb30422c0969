"""dispatcher session door, session attendance: what they print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher.cli.main import run
from dispatcher.operations.doors import find_door
from tests.integration.doors.stage import PUBLIC_URL, SLUG, Stage

Command = Callable[..., tuple[int, Any]]


@pytest.fixture
def stage(sqlite_url: str) -> Iterator[Stage]:
    stage = Stage(sqlite_url)
    yield stage
    stage.context.database.close()


@pytest.fixture
def command(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dispatcher.cli.session_door.connect_context", lambda: stage.context)

    def invoke(*arguments: str) -> tuple[int, Any]:
        code = run(["session", *arguments])
        out = capsys.readouterr().out
        return code, json.loads(out) if "--json" in arguments else out

    return invoke


def test_a_link_is_made_listed_and_revoked(stage: Stage, command: Command) -> None:
    code, made = command("door", SLUG, "--label", "Pintu Utara", "--by", "Ani", "--valid", "2 hours", "--json")
    assert code == 0
    assert made.keys() == {"session", "id", "label", "url", "closes"}
    token = made["url"].removeprefix(f"{PUBLIC_URL}/door/")
    assert find_door(stage.context, token).label == "Pintu Utara"
    _, (listed,) = command("door", SLUG, "--list", "--json")
    assert (listed["id"], listed["state"], listed["by"], listed["closes"]) == (
        made["id"],
        "open",
        "Ani",
        made["closes"],
    )
    assert token not in str(listed)
    _, revoked = command("door", SLUG, "--revoke", str(made["id"]), "--json")
    assert revoked == {"session": SLUG, "id": made["id"], "revoked": True, "was_open": True}
    _, table = command("door", SLUG, "--list")
    assert "revoked" in table


def test_the_link_alone_is_on_stdout(command: Command) -> None:
    code, out = command("door", SLUG)
    assert code == 0
    assert out.startswith(f"{PUBLIC_URL}/door/")
    assert len(out.split()) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("door", "kelas-9"), "unknown-session"),
        (("door", SLUG, "--valid", "lama"), "option"),
        (("door", SLUG, "--revoke", "4711"), "unknown-door"),
        (("attendance", SLUG, "none.csv"), "no-such-file"),
        (("attendance", SLUG, "none.csv", "--map", "kode"), "option"),
    ],
)
def test_mistakes_are_told(command: Command, arguments: tuple[str, ...], code: str) -> None:
    ending, told = command(*arguments, "--json")
    assert (ending, told["error"]["code"]) == (2, code)
    assert told["error"]["hint"]


def test_a_sheet_ends_with_5_where_rows_match_nobody(stage: Stage, command: Command, tmp_path: Path) -> None:
    person = stage.invite("Siti")
    sheet = tmp_path / "hadir.csv"
    sheet.write_text(f"Kode Tamu\n{stage.code(person)}\n7K3M-Q2XD\n")
    code, told = command("attendance", SLUG, str(sheet), "--json")
    counts = {"rows": 2, "matched": 1, "already": 0, "walk_ins": 0, "absent": 0, "unmatched": 1}
    assert (code, {name: told[name] for name in counts}) == (5, counts)
    assert told["reasons"] == {"bad-code": 1}
    code, table = command("attendance", SLUG, str(sheet))
    assert (code, "bad-code" in table) == (5, True)
    sheet.write_text(f"Karcis\n{stage.code(person)}\n")
    code, told = command("attendance", SLUG, str(sheet), "--map", "Karcis=code", "--dry-run", "--json")
    assert (code, told["already"], told["dry_run"]) == (0, 1, True)
