"""Servers that a run may kill; each module's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.stage import Servers


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Servers() as servers:
        yield servers
