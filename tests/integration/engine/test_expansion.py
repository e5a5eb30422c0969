"""Expanding: each person decided on once, whoever expands, however often, from anywhere (invariants 2, 11, 13)."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from dispatcher.operations import expand
from dispatcher.operations.control import resume_campaign
from dispatcher.operations.expand import Expander
from dispatcher.operations.plan import plan_campaign
from dispatcher.store import expansion
from dispatcher.store.stops import stop_address
from dispatcher.store.tables import campaigns, cells, contact_points, leases, messages, skipped, steps
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Stage

PEOPLE = 35


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expand, "PAGE", 10)


def _shared(index: int) -> str:
    """Every fifth person has the number of the one before."""
    return f"+62812345{index - (index % 5 == 4):05}"


def _again(stage: Stage, step_id: int, cursor: int = 0) -> None:
    """As after a restore, or a mistake: the step has to be expanded once more from there."""
    with stage.context.database.begin() as connection:
        connection.execute(update(steps).where(steps.c.id == step_id).values(state="expanding", cursor=cursor))


def _standing(stage: Stage, step_id: int) -> tuple[Any, ...]:
    with stage.context.database.read() as connection:
        row = connection.execute(select(steps).where(steps.c.id == step_id)).one()
        left = connection.execute(select(func.count()).select_from(skipped)).scalar_one()
    return row.state, row.selected, row.pending, left, stage.statuses(), stage.people_by_status(step_id)


def test_two_people_with_one_number_get_one_message(stage: Stage) -> None:
    stage.people(PEOPLE, _shared)
    step_id = stage.start()
    stage.check()
    assert _standing(stage, step_id) == (
        "expanded", PEOPLE, 0, 7, {"queued": 28}, {"queued": 28, "shared_address": 7}
    )  # fmt: skip


def test_a_number_gets_one_message_whatever_the_hop(database_url: str, tmp_path: Path) -> None:
    """The second person of a number can be reached by the second hop only, and comes in a later page."""
    stage = Stage(database_url, tmp_path, {"wa": Provider(media="whatsapp"), "sms": Provider()})
    numbers = stage.people(PEOPLE)
    stage.people(1, lambda _: numbers[0], first=PEOPLE)
    with stage.context.database.begin() as connection:
        last = select(func.max(contact_points.c.id)).scalar_subquery()
        connection.execute(update(contact_points).values(media="any"))
        connection.execute(update(contact_points).where(contact_points.c.id == last).values(media="sms"))
    said = {"route": "[{senders: wa}, {senders: sms}]", "text": "Gunakan hak pilih Anda. Stop: s.id/x"}
    (planned,) = plan_campaign(stage.context, stage.write(**said), "Ani").steps
    step_id = stage.start(**said)
    stage.check()
    assert (planned.messages, dict(planned.skipped)) == (PEOPLE, {"shared_address": 1})
    assert stage.people_by_status(step_id) == {"queued": PEOPLE, "shared_address": 1}
    stage.close()


def test_expanding_again_from_anywhere_changes_nothing(stage: Stage) -> None:
    """Invariant 2, for those who got a message and for those who were left out."""
    numbers = stage.people(PEOPLE, _shared)
    step_id = stage.start()
    before = _standing(stage, step_id)
    third = stage.rows()[2].contact_id
    for cursor in (0, third):
        _again(stage, step_id, cursor)
        Expander(stage.context).expand(step_id)
        stage.check()
        assert _standing(stage, step_id) == before
    # nor when someone refused meanwhile, whose message is cancelled
    address = stage.context.keys.hash_address(numbers[0])
    stage.run(lambda connection: stop_address(connection, address, "*", "opted_out", "officer", stage.context.now_us()))
    _again(stage, step_id)
    Expander(stage.context).expand(step_id)
    stage.check()
    assert stage.statuses() == {"queued": 27, "cancelled": 1}


def test_two_workers_at_once_make_each_message_once(stage: Stage) -> None:
    """Also where the lease that should keep them apart is gone."""
    stage.people(PEOPLE, _shared)
    step_id = stage.apply()
    start, failures = threading.Barrier(2), list[BaseException]()

    def work() -> None:
        context = stage.connect()
        expander = Expander(context)
        try:
            start.wait()
            while expander._page(step_id) is not None:
                pass
        except BaseException as error:
            failures.append(error)
        finally:
            context.database.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stage.expander.expand(step_id)
    stage.check()
    assert failures == []
    assert _standing(stage, step_id)[:5] == ("expanded", PEOPLE, 0, 7, {"queued": 28})


def test_only_one_worker_expands_a_step_at_a_time(stage: Stage) -> None:
    stage.people(PEOPLE)
    step_id = stage.apply()
    with stage.context.database.begin() as connection:
        far_us = stage.context.now_us() * 2
        connection.execute(leases.insert().values(name=f"expand:{step_id}", token=1, until_us=far_us))
    assert stage.expander.expand(step_id) == 0
    with stage.context.database.begin() as connection:
        connection.execute(update(leases).values(until_us=0))
    assert stage.expander.expand(step_id) == PEOPLE


def test_killed_in_a_page_it_leaves_whole_pages_and_another_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kill comes after the page's rows and counters were written, before the commit."""
    stage.people(PEOPLE, _shared)
    step_id = stage.apply()
    pages, charge = Counter[str](), expand.charge

    def dies_on_the_third(*args: Any) -> None:
        charge(*args)
        pages["done"] += 1
        if pages["done"] == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(expand, "charge", dies_on_the_third)
    with pytest.raises(KeyboardInterrupt):
        stage.expander.expand(step_id)
    stage.check()
    state, selected, pending, *_ = _standing(stage, step_id)
    assert (state, selected, pending) == ("expanding", PEOPLE, 15)
    monkeypatch.setattr(expand, "charge", charge)
    # the very same worker, and what it remembers, goes on as well
    stage.expander.expand(step_id)
    stage.check()
    assert _standing(stage, step_id)[:5] == ("expanded", PEOPLE, 0, 7, {"queued": 28})


def test_a_page_that_was_rolled_back_leaves_no_memory_of_its_cells(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each message names a cell that exists: reports by region join them."""
    stage.people(PEOPLE)
    step_id = stage.apply()
    store_page = expansion.store_page

    def fails(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(expansion, "store_page", fails)
    with pytest.raises(RuntimeError):
        stage.expander.expand(step_id)
    monkeypatch.setattr(expansion, "store_page", store_page)
    stage.expander.expand(step_id)
    with stage.context.database.read() as connection:
        known = set(connection.execute(select(cells.c.id)).scalars())
        used = set(connection.execute(select(messages.c.cell_id)).scalars())
    assert used
    assert used <= known


def test_people_who_come_and_go_while_it_expands_are_counted(stage: Stage) -> None:
    stage.people(25)
    step_id = stage.apply()
    with stage.context.database.begin() as connection:
        connection.execute(update(campaigns).values(ceilings={}))
    stage.expander._page(step_id)
    stage.check()
    stage.people(9, first=100)
    stage.expander.expand(step_id)
    stage.check()
    assert _standing(stage, step_id)[:3] == ("expanded", 34, 0)


@pytest.mark.parametrize(
    ("first", "later", "reason"), [(20, 30, "people"), (20, 30, "segments")], ids=["people", "segments"]
)
def test_crossing_a_ceiling_pauses_with_the_reason_and_goes_on_when_lifted(
    stage: Stage, first: int, later: int, reason: str
) -> None:
    """Invariant 10: the approval holds for the plan and 5 % more."""
    stage.people(first)
    step_id = stage.apply()
    stage.people(later, first=first)
    other = {"people": "segments", "segments": "people"}[reason]
    with stage.context.database.begin() as connection:
        connection.execute(update(campaigns).values(ceilings={reason: 21, other: 10_000}))
    stage.expander.expand(step_id)
    stage.check()
    campaign = stage.campaign()
    assert (campaign.state, campaign.state_reason) == (
        "paused", f"ceiling: 30 {reason} are more than the 21 approved"
    )  # fmt: skip
    assert stage.statuses() == {"queued": 30}
    assert stage.claim() == ()
    assert stage.expander.expand(step_id) == 0

    resume_campaign(stage.context, "ajakan", lift_ceilings=True)
    stage.expander.expand(step_id)
    stage.check()
    assert stage.statuses() == {"queued": 50}
    assert stage.campaign().state == "running"


def test_a_costly_campaign_pauses_at_the_cost_that_was_approved(database_url: str, tmp_path: Path) -> None:
    price = {"from": "2020-01-01", "currency": "IDR", "amount": "450", "per": "message"}
    stage = Stage(database_url, tmp_path, prices=[price])
    stage.people(20)
    step_id = stage.apply()
    stage.people(5, first=20)
    stage.expander.expand(step_id)
    campaign = stage.campaign()
    assert campaign.state == "paused"
    assert campaign.used["cost"] == {"IDR": "11250.00"}
    stage.close()
