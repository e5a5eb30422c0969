"""Several people, or processes, do the same at the same moment; and a rule that changed (invariant 10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from dispatcher.core.errors import RefusedError
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.approve import approve_plan
from dispatcher.operations.plan import plan_campaign
from dispatcher.store.tables import journal
from tests.integration.engine.stage import Stage

AT_ONCE = 6


@pytest.fixture
def signed(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(database_url, tmp_path, approval="required")
    yield stage
    stage.close()


def _at_once(work: Callable[[int], Any]) -> list[Any]:
    barrier = Barrier(AT_ONCE)

    def one(index: int) -> Any:
        barrier.wait()
        return work(index)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def test_one_approval_counts_and_one_application_starts(signed: Stage) -> None:
    signed.people(3)
    path = signed.write()
    fingerprint = plan_campaign(signed.context, path, "Ani").fingerprint
    approvers = _at_once(lambda i: approve_plan(signed.context, "ajakan", fingerprint, f"Budi {i}")["approved_by"])
    assert len(set(approvers)) == 1
    assert set(_at_once(lambda _: apply_campaign(signed.context, path, "Ani").state)) == {"running"}
    with signed.context.database.read() as connection:
        acts = (
            connection.execute(select(journal.c.verb).where(journal.c.verb.in_(["approve", "apply"]))).scalars().all()
        )
    assert sorted(acts) == ["apply", "approve"]


def test_a_plan_of_the_time_without_approvals_needs_one_when_they_are_required(stage: Stage) -> None:
    stage.people(1)
    path = stage.write()
    plan_campaign(stage.context, path, "Ani")
    strict = stage.connect(approval="required")
    try:
        with pytest.raises(RefusedError) as refused:
            apply_campaign(strict, path)
        assert refused.value.code == "not-approved"
    finally:
        strict.database.close()
