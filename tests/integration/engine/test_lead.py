"""A machine on which commits take long still sends, and never faster than it may (invariants 8 and 9)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from dispatcher.store import claims
from tests.integration.engine.stage import Stage


@pytest.mark.parametrize("commit_s", [0.05, 0.15])
def test_a_lone_message_does_not_starve_where_commits_are_slow(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit_s: float
) -> None:
    stage = Stage(sqlite_url, tmp_path, None, {"sms": "20 msg/s"})
    begin = claims.begin

    def slowly(*arguments: Any) -> dict[int, int]:
        time.sleep(commit_s)
        return begin(*arguments)

    monkeypatch.setattr(claims, "begin", slowly)
    stage.people(1)
    stage.start()
    stage.drain(lambda: len(stage.rows(status="accepted")) == 1)
    (row,) = stage.rows()
    assert row.attempt <= 8, "a few permits are lost until the lead fits"
    stage.check()
    stage.close()
