"""docs/adding-a-channel.md is true: its files, as they stand, are a package that passes the suite."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = re.compile(r"^`([\w./]+\.\w+)`\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_documented_channel_passes_the_suite(tmp_path: Path) -> None:
    files = dict(FILES.findall((ROOT / "docs" / "adding-a-channel.md").read_text(encoding="utf-8")))
    assert len(files) == 5
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _install(tmp_path, files["pyproject.toml"])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b(\d{2,}) passed in", done.stdout)
    assert "skipped" not in done.stdout


def _install(folder: Path, pyproject: str) -> None:
    """What an installer would leave beside the package."""
    project = tomllib.loads(pyproject)["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [f"{name} = {place}" for name, place in project["entry-points"]["dispatcher.channels"].items()]
    (info / "entry_points.txt").write_text("[dispatcher.channels]\n" + "\n".join(lines) + "\n")
