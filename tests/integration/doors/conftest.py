from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.doors.stage import Stage


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    yield stage
    stage.context.database.close()
