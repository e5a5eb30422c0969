"""`dispatcher channel new`: what it writes installs and passes the suite at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dispatcher.core.errors import UsageError
from dispatcher.operations.new_channel import new_channel

MAIN = "from dispatcher.cli.start import main; main()"


def run(place: Path, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(folder or "")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", ["kota", "kota-2-gateway"])
def test_it_passes_the_suite_at_once(tmp_path: Path, name: str) -> None:
    written = run(tmp_path, "-c", MAIN, "channel", "new", name)
    assert written.returncode == 0, written.stderr
    folder = tmp_path / f"dispatcher-{name}"
    _install(folder)
    tested = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests", folder=folder)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert re.search(r"\b(\d{2,}) passed in", tested.stdout)
    assert "skipped" not in tested.stdout


def test_it_is_listed_and_its_name_is_taken_then(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert run(tmp_path, "-c", MAIN, "channel", "new", "kota", "--folder", str(folder)).returncode == 0
    _install(folder)
    again = run(tmp_path, "-c", MAIN, "channel", "new", "kota", "--folder", "other", folder=folder)
    assert again.returncode == 2
    assert "there is a channel kota already" in again.stderr
    listed = run(tmp_path, "-c", MAIN, "channel", "list", folder=folder)
    assert re.search(r"kota\s+0.1.0\s+dispatcher-kota\s+sms, receipts push", listed.stdout), listed.stdout


@pytest.mark.parametrize(
    "name", ["", "Kota", "kota_2", "2kota", "-kota", "kota-", "a--b", "../kota", "k" * 41, "channels"]
)
def test_unfit_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="does not fit") as caught:
        new_channel(name, tmp_path / "new", ())
    assert caught.value.exit_code == 2
    assert not (tmp_path / "new").exists()


def test_taken_names_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="already"):
        new_channel("console", tmp_path / "new", {"console"})
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not an empty folder"):
        new_channel("kota", tmp_path, ())
    with pytest.raises(UsageError, match="not an empty folder"):
        new_channel("kota", tmp_path / "mine.txt", ())
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def _install(folder: Path) -> None:
    """What an installer would leave beside the package."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [f"{name} = {place}" for name, place in project["entry-points"]["dispatcher.channels"].items()]
    (info / "entry_points.txt").write_text("[dispatcher.channels]\n" + "\n".join(lines) + "\n")
