"""Somebody is changed or erased while a page that was decided on what they were before is not committed yet."""

from __future__ import annotations

import threading
from collections.abc import Callable

from dispatcher.operations.contacts import erase_contact
from tests.integration.engine.stage import Stage

SITI, TONO = "081311110001", "081311110002"


def _while_a_page_is_stored(stage: Stage, change: Callable[[], object]) -> None:
    step_id = stage.apply()
    expander = stage.expander
    ids = expander.ids.take(10)
    changing = threading.Thread(target=change)
    with stage.context.database.begin() as connection:
        expander.begin()
        assert expander._page_in(connection, step_id, ids) == 2
        changing.start()
        changing.join(0.5)
        assert changing.is_alive(), "it waits for the page"
    changing.join(20)
    stage.check()


def test_consent_that_is_withdrawn_meanwhile_holds(stage: Stage) -> None:
    stage.import_rows([("a", "Siti", SITI), ("b", "Tono", TONO)])
    _while_a_page_is_stored(stage, lambda: stage.import_rows([("a", "Siti", SITI, "tidak")], consent=True))
    assert {(row.status, row.reason) for row in stage.rows()} == {("queued", ""), ("cancelled", "no_consent")}


def test_an_erasure_meanwhile_holds_and_nothing_of_the_person_is_left(stage: Stage) -> None:
    stage.import_rows([("a", "Siti", SITI), ("b", "Tono", TONO)])
    _while_a_page_is_stored(stage, lambda: erase_contact(stage.context, SITI, by="Budi"))
    (cancelled,) = stage.rows(status="cancelled")
    assert (cancelled.reason, cancelled.body_sealed, cancelled.address_sealed) == ("no_address", None, None)
    assert stage.statuses()["queued"] == 1
