"""A child reads exactly what this process would read, and takes its errors back."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from dispatcher.audience.columns import Wishes
from dispatcher.audience.rows import Context
from dispatcher.core.errors import UsageError
from dispatcher.operations import import_reader
from dispatcher.operations.import_reader import Batch, Request, read_batches
from dispatcher.store.drafts import Number, Terms, unpacked
from dispatcher.store.newcomers import Grant
from dispatcher.testing.synthetic import write_csv
from tests.integration.contacts.conftest import KEYS

TERMS = Terms("*", "public-task", "consent", "", "c.csv")


def request_of(path: Path) -> Request:
    return Request(path, "", Wishes(), Context(date(2026, 11, 24)), KEYS, TERMS, 500)


def nothing() -> None:
    """Nobody is taken for new."""


def grants() -> Callable[[], Grant]:
    """The same ids each time."""
    firsts = itertools.count(1 << 40, 10_000)
    return lambda: Grant(range(first := next(firsts), first + 10_000), 77, 1_800_000_000_000_000)


@pytest.fixture
def in_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_reader, "WORTH_IT_BYTES", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)


@pytest.mark.usefixtures("in_a_child")
def test_batches_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    write_csv(path, 1_200)
    path.write_text(path.read_text() + "Budi,12,,,,,,,,\n")
    request = request_of(path)
    here = list(request.read(nothing))
    assert list(read_batches(request, nothing)) == here
    assert [(len(batch.people), len(batch.rejected)) for batch in here] == [(62, 0), (500, 0), (500, 0), (138, 1)]
    assert all(
        isinstance(number, Number) for batch in read_batches(request, nothing) for number in batch.people[0].numbers
    )


def _bare(batch: Batch) -> Batch:
    assert batch.newcomers
    return batch._replace(newcomers=batch.newcomers._replace(image=b"", packed=b""))


@pytest.mark.usefixtures("in_a_child")
def test_newcomers_are_laid_out_the_same(tmp_path: Path) -> None:
    """But for the nonces and salts in the image."""
    path = tmp_path / "c.csv"
    write_csv(path, 1_200)
    with path.open("a") as file:
        file.writelines(path.read_text().splitlines(keepends=True)[-10:])
    request = request_of(path)
    there = list(read_batches(request, grants()))
    here = list(request.read(grants()))
    for one, two in zip(here, there, strict=True):
        assert one.newcomers
        assert two.newcomers
        assert len(one.newcomers.image) == len(two.newcomers.image)
        everyone = range(len(one.newcomers.lines))
        assert unpacked(one.newcomers.packed, everyone) == unpacked(two.newcomers.packed, everyone)
        assert _bare(one) == _bare(two)
    assert [len(batch.newcomers.lines) for batch in there if batch.newcomers] == [62, 500, 500, 128]
    assert [len(batch.people) for batch in there] == [0, 0, 0, 20]


@pytest.mark.usefixtures("in_a_child")
def test_errors_come_back(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("Siti,081234567890\n")
    with pytest.raises(UsageError, match="no headings") as raised:
        list(read_batches(request_of(path), nothing))
    assert raised.value.code == "no-header"


@pytest.mark.usefixtures("in_a_child")
def test_a_reader_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.csv"
    write_csv(path, 10)
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(UsageError, match="ended early"):
        list(read_batches(request_of(path), nothing))
