"""The repository as someone finds it who has just cloned it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TOP_LEVEL = {
    *(".ci", ".dockerignore", ".editorconfig", ".env.example", ".gitattributes", ".gitignore"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "Dockerfile", "LICENSE", "Makefile", "README.md", "docker-compose.yml"),
    *("benchmarks", "campaigns", "channels", "dispatcher", "docker", "docs", "pyproject.toml", "requirements", "tests"),
}
FOREIGN = {
    "a path of somebody's machine": re.compile(r"(?<![\w.}])/(root|work|home/\w+|Users/\w+)/"),
    "a package registry's host": re.compile(r"\b(pypi\.org|pythonhosted\.org|registry\.npmjs\.org)\b"),
    "a merge conflict": re.compile(r"^(<{7}|>{7}) ", re.MULTILINE),
}


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def pins(name: str) -> dict[str, str]:
    """Package to version, of requirements/NAME.txt."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    found = re.findall(r"^([\w.\[\]-]+)==(\S+)", text, re.MULTILINE)
    return {canonicalize_name(package.split("[")[0]): version for package, version in found}


def wanted(name: str) -> list[Requirement]:
    lines: list[str] = list(PROJECT["dependencies"])
    lines += (ROOT / "requirements" / "build.in").read_text().split()
    if name == "dev":
        lines += PROJECT["optional-dependencies"]["dev"]
    return [Requirement(line) for line in lines]


def test_the_top_level_is_that_of_the_design() -> None:
    assert {name.split("/")[0] for name in tracked()} - TOP_LEVEL == set()


@pytest.mark.parametrize("what", FOREIGN)
def test_tracked_files_hold_nothing_foreign(what: str) -> None:
    itself = Path(__file__).relative_to(ROOT).as_posix()
    texts = {name: (ROOT / name).read_bytes().decode(errors="ignore") for name in tracked() if name != itself}
    assert [name for name, text in texts.items() if FOREIGN[what].search(text)] == []


@pytest.mark.parametrize("name", ["run", "dev"])
def test_requirement_files_satisfy_the_project(name: str) -> None:
    pinned = pins(name)
    stale = [
        str(need)
        for need in wanted(name)
        if not need.specifier.contains(pinned.get(canonicalize_name(need.name), "0"), prereleases=True)
    ]
    assert stale == [], "run `make requirements`"


def test_tests_run_on_what_users_run_on() -> None:
    run, dev = pins("run"), pins("dev")
    assert {package: dev.get(package) for package in run} == run


@pytest.mark.parametrize("name", ["run", "dev"])
def test_each_requirement_is_pinned_and_hashed(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = text.replace("\\\n", "").splitlines()
    assert len(entries) > 50
    assert [
        e for e in entries if not re.match(r"[\w.\[\]-]+==\S+( ;[^#]*?)?(\s+--hash=sha256:[0-9a-f]{64})+$", e)
    ] == []


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert re.search(r"Apache License\s+Version 2\.0, January 2004", text)
    assert "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["license"] == "Apache-2.0"


def test_ci_ends_with_the_command_that_everyone_uses() -> None:
    script = ROOT / ".ci" / "run"
    assert script.read_text().splitlines()[-1] == "make test"
    assert os.access(script, os.X_OK)


def test_an_old_python_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    shutil.copy(ROOT / "requirements" / "install.sh", tmp_path / "requirements")
    old = tmp_path / "python3.10"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    run = subprocess.run(
        ["sh", tmp_path / "requirements" / "install.sh", "run"],
        env={**os.environ, "PYTHON": str(old)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "No Python 3.11 or newer was found" in run.stderr
    assert "make PYTHON=" in run.stderr
    assert not (tmp_path / ".venv").exists()


def test_make_installs_before_it_runs(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    for target, step in {"demo": "install.sh run", "test": "install.sh dev", "lint": "install.sh dev"}.items():
        planned = subprocess.run(
            ["make", "--no-print-directory", "-n", target], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert step in planned.stdout.splitlines()[0]
