"""Files that commands write: whole or not at all, and never what stood there before lost."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from dispatcher.cli.output import write_whole
from dispatcher.core.errors import UsageError


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "laporan.csv"
    for content in (b"one", b"two, longer", b""):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_what_stood_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "laporan.csv"
    path.write_bytes(b"before")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left on device"):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_file_follows_no_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"someone's")
    link.symlink_to(target)
    write_whole(link, b"personal", private=True)
    assert target.read_bytes() == b"someone's"
    assert not link.is_symlink()
    assert stat.S_IMODE(link.stat().st_mode) == 0o600
    link.unlink()
    link.symlink_to(target)
    write_whole(link, b"public")
    assert (link.is_symlink(), target.read_bytes()) == (True, b"public")


def test_a_device_gets_it_as_it_comes() -> None:
    write_whole(Path(os.devnull), b"x")
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("name", [".", "none/laporan.csv"])
def test_where_no_file_can_be_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_whole(tmp_path / name, b"x")
