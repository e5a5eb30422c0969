"""A child reads exactly what this process would read, and takes its errors back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dispatcher.audience.columns import Wishes
from dispatcher.audience.rows import Context
from dispatcher.core.errors import UsageError
from dispatcher.operations import import_reader
from dispatcher.operations.import_reader import Request, read_batches
from dispatcher.store.drafts import Number
from dispatcher.testing.synthetic import write_csv
from tests.integration.contacts.conftest import KEYS


def request_of(path: Path) -> Request:
    return Request(path, "", Wishes(), Context(date(2026, 11, 24)), KEYS, "salt", 500)


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
    here = list(request.read())
    assert list(read_batches(request)) == here
    assert [(len(batch.people), len(batch.rejected)) for batch in here] == [(62, 0), (500, 0), (500, 0), (138, 1)]
    assert all(isinstance(number, Number) for batch in read_batches(request) for number in batch.people[0].numbers)


@pytest.mark.usefixtures("in_a_child")
def test_errors_come_back(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("Siti,081234567890\n")
    with pytest.raises(UsageError, match="no headings") as raised:
        list(read_batches(request_of(path)))
    assert raised.value.code == "no-header"


@pytest.mark.usefixtures("in_a_child")
def test_a_reader_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.csv"
    write_csv(path, 10)
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(UsageError, match="ended early"):
        list(read_batches(request_of(path)))
