from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.web.stage import Stage


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    yield stage
    stage.assert_conserved()
    stage.context.database.close()
