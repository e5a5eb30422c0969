"""Included template files: from the folder beside the campaign, transitively, and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dispatcher.campaign.loader import load_campaign
from dispatcher.campaign.sources import MAX_BYTES, MAX_FILES, SourceError, read_source, references
from tests.unit.campaign.linting import GOOD, place_of, spoiled, written

INCLUDE = ("        {{ stop }}\n", '        Salam. {% include "penutup.txt" %}\n        {{ stop }}\n')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    folder.mkdir()
    return folder


def test_files_are_read_transitively(tmp_path: Path, folder: Path) -> None:
    (folder / "penutup.txt").write_text("A {% include 'bagian/b.txt' %}")
    (folder / "bagian").mkdir()
    (folder / "bagian" / "b.txt").write_text("B {% include 'penutup.txt' %}")
    (folder / "unused.txt").write_text("C")
    loaded = load_campaign(written(tmp_path, spoiled(INCLUDE)))
    assert loaded.diagnostics == []
    assert set(loaded.sources) == {"penutup.txt", "bagian/b.txt"}


def test_no_include_reads_nothing(tmp_path: Path, folder: Path) -> None:
    (folder / "penutup.txt").write_text("A")
    assert load_campaign(written(tmp_path, GOOD)).sources == {}


def test_a_missing_file_is_reported_where_it_is_named(tmp_path: Path) -> None:
    text = spoiled(INCLUDE)
    (found,) = load_campaign(written(tmp_path, text)).diagnostics
    assert (found.code, found.line, found.column) == ("template-missing", *place_of(text, '"penutup.txt"'))


@pytest.mark.parametrize(
    "name",
    ["../secret", "/etc/passwd", "a/../../b", "./a", "a//b", "", ".env", "a/.git/b", "a\\b", "c:x", "a\0b", "x" * 300],
)
def test_no_way_out_of_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_source(folder, name)
    assert caught.value.code == "template-outside"


def test_symbolic_links_are_refused_at_every_level(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "inside").symlink_to(tmp_path)
    (tmp_path / "other").symlink_to(folder)
    (folder / "a.txt").write_text("A")
    for place, name in ((folder, "link.txt"), (folder, "inside/secret.txt"), (tmp_path / "other", "a.txt")):
        with pytest.raises(SourceError) as caught:
            read_source(place, name)
        assert caught.value.code == "template-link"


def test_what_is_no_readable_text(folder: Path) -> None:
    (folder / "big").write_text("x" * (MAX_BYTES + 1))
    (folder / "latin").write_bytes(b"caf\xe9")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    codes = {}
    for name in ("big", "latin", "folder"):
        with pytest.raises(SourceError) as caught:
            read_source(folder, name)
        codes[name] = caught.value.code
    assert codes == {"big": "template-size", "latin": "template-encoding", "folder": "template-missing"}
    with pytest.raises(SourceError):
        read_source(folder, "pipe")


def test_too_many_files(tmp_path: Path, folder: Path) -> None:
    for number in range(MAX_FILES + 2):
        (folder / f"{number}.txt").write_text(f"{{% include '{number + 1}.txt' %}}")
    text = spoiled((INCLUDE[0], INCLUDE[1].replace("penutup.txt", "0.txt")))
    loaded = load_campaign(written(tmp_path, text))
    assert [d.code for d in loaded.diagnostics] == ["template-missing"]
    assert len(loaded.sources) == MAX_FILES


def test_references() -> None:
    text = (
        "a\n  {%- include 'x' ignore missing %}{% extends \"y\" %}{% from 'z' import a %}{% import 'w' as q %}{{ 'v' }}"
    )
    assert [(r.name, r.line, r.column) for r in references(text)] == [
        ("x", 2, 15),
        ("y", 2, 47),
        ("z", 2, 61),
        ("w", 2, 86),
    ]
