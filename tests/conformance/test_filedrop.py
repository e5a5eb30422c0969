from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dispatcher.spi import Accepted, Ambiguous, Misconfigured, NotSent, OutboundMessage, Outcome, Template
from dispatcher.testing.conformance import ChannelContract
from dispatcher.testing.conformance.base import GuardedClient
from dispatcher_channels.filedrop import FiledropChannel, FiledropConfig


class TestFiledrop(ChannelContract):
    channel = FiledropChannel

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def settings(self, url: str) -> dict[str, Any]:
        return {"folder": str(self.folder)}


def messages(count: int, first: int = 0) -> list[OutboundMessage]:
    return [OutboundMessage(f"{i}.1", "+6281234567890", text=f"Halo\n{i} 😀") for i in range(first, first + count)]


def channel(folder: Path) -> FiledropChannel:
    return FiledropChannel(FiledropConfig(folder=folder), GuardedClient())


def drop(drops: FiledropChannel, batch: Sequence[OutboundMessage]) -> list[Outcome]:
    return list(asyncio.run(drops.send_batch(batch)))


def refs(folder: Path) -> list[str]:
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return [json.loads(line)["ref"] for line in lines]


@pytest.fixture
def size_limit() -> Iterator[Any]:
    """A real refusal of the kernel in mid-write, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_holds_the_message(tmp_path: Path) -> None:
    template = OutboundMessage("8.1", "+628", template=Template("HX1", "en", {"1": "Sari"}), valid_for_s=60, segments=2)
    drop(channel(tmp_path), [*messages(1), template])
    (path,) = tmp_path.glob("messages-*.jsonl")
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {
            "ref": "0.1",
            "to": "+6281234567890",
            "text": "Halo\n0 😀",
            "template": None,
            "segments": 1,
            "valid_for_s": None,
        },
        {
            "ref": "8.1",
            "to": "+628",
            "text": None,
            "template": {"id": "HX1", "language": "en", "parameters": {"1": "Sari"}},
            "segments": 2,
            "valid_for_s": 60,
        },
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_process_has_a_file_of_its_own(tmp_path: Path) -> None:
    for drops in (channel(tmp_path), channel(tmp_path)):
        drop(drops, messages(2))
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    assert refs(tmp_path) == ["0.1", "1.1"] * 2


def test_batches_at_once_do_not_mix(tmp_path: Path) -> None:
    async def scenario() -> None:
        drops = channel(tmp_path)
        await asyncio.gather(*(drops.send_batch(messages(20, first=20 * i)) for i in range(10)))
        await drops.close()

    asyncio.run(scenario())
    seen = [int(ref.partition(".")[0]) for ref in refs(tmp_path)]
    assert sorted(seen) == list(range(200))
    assert all(seen[i] + 1 == seen[i + 1] for i in range(199) if i % 20 != 19)


def test_a_cancelled_batch_is_whole_or_missing(tmp_path: Path) -> None:
    async def scenario() -> None:
        drops = channel(tmp_path)
        sending = asyncio.create_task(drops.send_batch(messages(500)))
        await asyncio.sleep(0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await drops.send_batch(messages(1, first=500))
        await drops.close()

    asyncio.run(scenario())
    assert refs(tmp_path)[-1] == "500.1"
    assert len(refs(tmp_path)) in (1, 501)


def test_a_full_disk_takes_back_the_batch(tmp_path: Path, size_limit: Any) -> None:
    drops = channel(tmp_path)
    assert drop(drops, messages(3)) == [Accepted(final=True)] * 3
    size_limit(next(tmp_path.glob("*.jsonl")).stat().st_size + 150)
    outcomes = drop(drops, messages(20, first=3))
    assert {type(outcome) for outcome in outcomes} == {NotSent}
    assert refs(tmp_path) == ["0.1", "1.1", "2.1"]
    size_limit(resource.RLIM_INFINITY)
    assert drop(drops, messages(20, first=3)) == [Accepted(final=True)] * 20
    assert len(refs(tmp_path)) == 23


def test_a_disk_that_fails_leaves_the_end_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    (outcome,) = drop(channel(tmp_path), messages(1))
    assert isinstance(outcome, Ambiguous)


@pytest.mark.parametrize("take", [Path.unlink, lambda path: path.rename(path.with_suffix(".taken"))])
def test_a_file_that_was_taken_away_is_begun_anew(tmp_path: Path, take: Any) -> None:
    drops = channel(tmp_path)
    drop(drops, messages(1))
    take(next(tmp_path.glob("*.jsonl")))
    drop(drops, messages(1, first=1))
    assert refs(tmp_path) == ["1.1"]


def test_a_folder_that_cannot_be_used_pauses_the_sender(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    drops = channel(tmp_path / "file" / "folder")
    (outcome,) = drop(drops, messages(1))
    assert isinstance(outcome, Misconfigured)
    (check,) = asyncio.run(drops.check())
    assert (check.ok, bool(check.fix)) == (False, True)


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    drops = channel(tmp_path / "new" / "folder")
    drop(drops, messages(1))
    assert refs(tmp_path / "new" / "folder") == ["0.1"]
    assert asyncio.run(drops.check())[0].ok
