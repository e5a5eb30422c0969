from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.engine.stage import Stage


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    """One sender, on each kind of database."""
    stage = Stage(database_url, tmp_path)
    yield stage
    stage.close()
