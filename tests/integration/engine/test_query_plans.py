"""What runs every second or for every slice never reads all messages: neither table nor index from end to end.

Nor does what people ask of one campaign (invariant 11): it reads the messages of that campaign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from dispatcher.core.status import Reason
from dispatcher.operations.campaign_list import list_campaigns
from dispatcher.operations.control import cancel_campaign
from dispatcher.operations.report import campaign_report
from dispatcher.operations.status import campaign_status
from dispatcher.spi import Accepted, Ambiguous, Rejected
from dispatcher.store import upkeep
from dispatcher.store.inspection import list_messages, unknown_after
from dispatcher.store.pledges import asked
from dispatcher.store.receipts import has_parked
from dispatcher.store.reports import counted_again
from dispatcher.store.sessions import told_people
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Stage

WHOLE = re.compile(r"SCAN (messages|m)\b(?!.*USING (COVERING )?INDEX ix_messages_(waiting|sending|unknown|hop))")
"""The partial indexes hold few rows; any other scan grows with the table."""


@contextmanager
def _statements(stage: Stage) -> Iterator[dict[str, Any]]:
    """Those about messages, with parameters to ask for their plan."""
    seen: dict[str, Any] = {}

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if "messages" in statement:
            seen[statement] = parameters[0] if many else parameters

    event.listen(stage.context.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(stage.context.database.engine, "before_cursor_execute", note)


def _plans(stage: Stage, statements: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(line of a plan, statement)."""
    explain = "EXPLAIN QUERY PLAN" if stage.context.database.is_sqlite else "EXPLAIN"
    with stage.context.database.read() as connection:
        if not stage.context.database.is_sqlite:
            # a table of some rows is read as a whole, whatever indexes it has: now only where none leads to the rows
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return sorted(
            (row[-1], " ".join(statement.split())[:200])
            for statement, parameters in statements.items()
            for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)
        )


def _scans(stage: Stage, statements: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [plan for plan in _plans(stage, statements) if WHOLE.search(plan[0])]


def _mixed(stage: Stage) -> None:
    """Some wait, some are under way, some are unknown, some failed, some were accepted."""
    stage.people(60)
    stage.start()
    stage.send(Accepted(("a",)), 20)
    stage.send(Ambiguous(), 5)
    stage.send(Rejected(Reason.PROVIDER, "1"), 5)
    stage.begin(stage.claim(5))


@pytest.fixture
def embedded(tmp_path: Path, sqlite_url: str) -> Iterator[Stage]:
    stage = Stage(sqlite_url, tmp_path, {"sms": Provider()})
    _mixed(stage)
    yield stage
    stage.close()


def test_a_tick_on_sqlite_reads_no_table_of_messages_to_its_end(
    embedded: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where there is something of everything that it looks for."""
    with _statements(embedded) as statements:
        embedded.ticker.tick()
        idle = len(statements)
        monkeypatch.setattr(upkeep, "look", lambda *_: upkeep.Waits(*[True] * len(upkeep.Waits._fields)))
        embedded.ticker.tick()
    assert len(statements) > idle
    assert _scans(embedded, statements) == []


def test_what_a_tick_looks_for_is_found_by_an_index_each(sent: Stage) -> None:
    with _statements(sent) as statements, sent.context.database.read() as connection:
        assert upkeep.look(connection, sent.context.now_us()) == upkeep.Waits(*[False] * 4, True, False)
    plan = str(_plans(sent, statements))
    wanted = ("messages_sending", "queued_expires_us", "queued_not_after_us", "hop_due_us", "messages_unknown")
    assert [one for one in (*wanted, "receipts_parked") if one not in plan] == []


def test_nor_does_sending(embedded: Stage) -> None:
    with _statements(embedded) as statements:
        embedded.drain(lambda: "queued" not in embedded.statuses())
    statements = {one: of for one, of in statements.items() if "WHERE" in one}  # the stage itself looks at all rows
    assert any("UPDATE messages" in statement for statement in statements)
    assert _scans(embedded, statements) == []


def test_nor_a_cancel(embedded: Stage) -> None:
    with _statements(embedded) as statements:
        cancel_campaign(embedded.context, "ajakan", "Ani")
    assert embedded.statuses()["cancelled"] == 25
    assert _scans(embedded, statements) == []


def test_nor_an_expansion_under_caps(tmp_path: Path, sqlite_url: str) -> None:
    stage = Stage(sqlite_url, tmp_path, {"sms": Provider()}, caps={"per_day": 9})
    _mixed(stage)
    step_id = stage.apply("dua")
    with _statements(stage) as statements:
        stage.expander.expand(step_id)
    assert any("UNION" in statement for statement in statements)
    assert _scans(stage, statements) == []
    stage.close()


READS = re.compile(r"(SCAN|SEARCH|Scan)\b.* (messages|m)\b")
OF_CAMPAIGN = re.compile(r"\bix_messages_(by_step|waiting|unknown)\b|Bitmap Heap Scan")
"""A bitmap's own line names no index; those that made it have lines of their own."""


@pytest.fixture
def sent(stage: Stage) -> Stage:
    """On each kind of database."""
    _mixed(stage)
    return stage


def test_what_is_asked_of_a_campaign_reads_its_own_messages(sent: Stage) -> None:
    with _statements(sent) as statements:
        campaign_status(sent.context, "ajakan", why=True)
        campaign_report(sent.context, "ajakan")
        list_campaigns(sent.context)
        with sent.context.database.read() as connection:
            counted_again(connection, sent.step_id())
            list(asked(connection, sent.campaign().id))
            told_people(connection, "kelas-1")
            list_messages(connection, sent.campaign().id, "", 10)
            unknown_after(connection, sent.campaign().id, 0, 10)
    assert len(statements) >= 10
    reading = [plan for plan in _plans(sent, statements) if READS.search(plan[0])]
    assert len(reading) >= len(statements)
    assert [plan for plan in reading if not OF_CAMPAIGN.search(plan[0])] == []


def test_what_sends_is_never_led_to_the_index_of_reports(sent: Stage) -> None:
    """Statistics know nothing of a new step: with them, a page of an expansion would read all pages before it."""
    sent.people(1500, first=1000)
    sent.start("dua")
    with sent.context.database.begin() as connection:
        connection.exec_driver_sql("ANALYZE messages")
    step_id = sent.apply("tiga")
    with _statements(sent) as statements:
        sent.expander.expand(step_id)
        sent.tick()
    assert len(statements) >= 10
    assert [plan for plan in _plans(sent, statements) if "ix_messages_by_step" in plan[0]] == []


def test_what_waits_is_never_found_by_what_is_too_late(sent: Stage) -> None:
    """With nothing waiting, a vacuum takes all indexes of what waits for empty, and by another all of it is read."""
    cancel_campaign(sent.context, "ajakan", "Ani")
    database = sent.context.database
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE messages")
    sent.people(1500, first=1000)
    sent.start("dua")
    with _statements(sent) as statements:
        with database.read() as connection:
            assert upkeep.senders_with_work(connection, [sent.sender_id()], sent.context.now_us()) == [sent.sender_id()]
        assert len(sent.claim(100)) == 100
    plans = [plan for plan in _plans(sent, statements) if READS.search(plan[0])]
    assert plans
    assert [plan for plan in plans if "ix_messages_queued" in plan[0]] == []


def test_receipts_that_wait_are_found_by_their_index(stage: Stage) -> None:
    """Among millions that do not wait any more: each tick asks. A plan for any values knows no index of some states."""
    asked: list[tuple[str, Any]] = []
    with stage.context.database.begin() as connection:
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append(call[2:4]))
        assert not has_parked(connection)
        assert not has_parked(connection, stage.context.now_us())
        assert [one for one, _ in asked if "receipts.state = 'parked'" not in one] == []
        if not stage.context.database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # the table is empty
        explain = "EXPLAIN QUERY PLAN" if stage.context.database.is_sqlite else "EXPLAIN"
        plans = [str(connection.exec_driver_sql(f"{explain} {one}", of).all()) for one, of in asked[:2]]
    assert all("ix_receipts_parked" in plan for plan in plans), plans
