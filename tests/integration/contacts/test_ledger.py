"""The consent ledger is append-only, its digests fit, and whatever is changed past the trigger is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from dispatcher.core.errors import UsageError
from dispatcher.operations.contacts import erase_contact, stop_contact
from dispatcher.operations.context import Context
from dispatcher.operations.import_result import ImportResult
from dispatcher.operations.verify_consent import read_kept, verify_consent
from dispatcher.store import tables as t
from tests.integration.contacts.conftest import count

Run = Callable[..., ImportResult]
SITI, TONO = "081234567890", "081311112222"
e = t.consent_events.c


@pytest.fixture
def people(run: Run, context: Context) -> ImportResult:
    """Two words of an import, and a withdrawal of today."""
    imported = run(f"Nama,No HP,Persetujuan\nSiti,{SITI},ya\nTono,{TONO},ya\n", basis="consent", evidence="Formulir 3")
    stop_contact(context, SITI, by="Rina", reason="menelepon")
    return imported


def _change(context: Context, *statements: Any) -> None:
    with context.database.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def _without_triggers(context: Context, *statements: Any) -> None:
    """As somebody with the database's password would."""
    with context.database.begin() as connection:
        for table in ("consent_events", "consent_sheets"):
            for name in ("update", "delete"):
                on = "" if context.database.is_sqlite else f" ON {table}"
                connection.execute(text(f"DROP TRIGGER {table}_{name}{on}"))
        for statement in statements:
            connection.execute(statement)


def _faults(context: Context) -> list[tuple[str, str]]:
    return list(verify_consent(context.database).faults)


def test_every_event_is_there_with_where_it_came_from(context: Context, people: ImportResult) -> None:
    with context.database.read() as connection:
        rows = connection.execute(select(t.consent_events).order_by(e.id)).all()
    assert [(r.granted, r.basis, r.evidence, r.source, r.via, r.media) for r in rows] == [
        (True, "consent", "Formulir 3", "warga.csv", "import", "*"),
        (True, "consent", "Formulir 3", "warga.csv", "import", "*"),
        (False, "consent", "menelepon", "", "officer", "*"),
    ]
    found = verify_consent(context.database)
    assert (found.events, found.faults) == (3, ())
    assert [sheet.events for sheet in found.sheets] == [1, 2]
    assert found.sheets[1].id == people.import_id


@pytest.mark.parametrize(
    "statement",
    [
        delete(t.consent_events),
        update(t.consent_events).values(granted=True),
        update(t.consent_events).values(evidence="another"),
        update(t.consent_events).values(salt=b"x" * 16),
        update(t.consent_events).values(evidence="", source="", salt=None, at_us=1),
        delete(t.consent_sheets),
        update(t.consent_sheets).values(digest=b"x" * 32),
    ],
    ids=["delete", "word", "evidence", "salt", "time-while-blanking", "sheet", "digest"],
)
def test_the_trigger_refuses(context: Context, people: ImportResult, statement: Any) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        _change(context, statement)
    assert _faults(context) == []


def test_the_trigger_refuses_to_empty_a_table(context: Context, people: ImportResult) -> None:
    empty = "DELETE FROM" if context.database.is_sqlite else "TRUNCATE"
    for table in ("consent_events", "consent_sheets"):
        with pytest.raises(DBAPIError, match="append-only"):
            _change(context, text(f"{empty} {table}"))


def test_after_an_erasure_the_digests_still_verify(context: Context, people: ImportResult, run: Run) -> None:
    erase_contact(context, SITI, by="Rina")
    with context.database.read() as connection:
        left = connection.execute(select(e.evidence, e.source).where(e.salt.is_(None))).all()
    assert [tuple(row) for row in left] == [("", ""), ("", "")]
    assert _faults(context) == []
    run(f"Nama,No HP\nSiti,{SITI}\n", "more.csv")
    assert verify_consent(context.database).events == 4


def test_an_altered_event_is_told_with_its_day(context: Context, people: ImportResult) -> None:
    _without_triggers(context, update(t.consent_events).where(e.via == "officer").values(granted=True))
    ((name, fault),) = _faults(context)
    assert name.startswith("day 20")
    assert "was altered" in fault


def test_an_event_taken_out_is_told_with_its_import(context: Context, people: ImportResult) -> None:
    _without_triggers(context, delete(t.consent_events).where(e.import_id == people.import_id, e.seq == 0))
    ((name, fault),) = _faults(context)
    assert name == f"import {people.import_id}"
    assert "is missing" in fault


def test_the_last_event_and_a_whole_sheet_taken_out_are_told(context: Context, people: ImportResult) -> None:
    _without_triggers(context, delete(t.consent_events).where((e.via == "officer") | (e.seq == 1)))
    told = sorted(fault for _, fault in _faults(context))
    assert told == ["it has 1 event(s) and should have 2", "its 1 event(s) are gone"]


def test_an_event_put_in_is_told(context: Context, people: ImportResult) -> None:
    with context.database.begin() as connection:
        row = dict(connection.execute(select(t.consent_events).where(e.via == "officer")).mappings().one())
        connection.execute(insert(t.consent_events).values(**{**row, "id": row["id"] + 1, "seq": 1}))
    assert len(_faults(context)) == 1


def test_a_salt_that_went_without_an_erasure_is_told(context: Context, people: ImportResult) -> None:
    """The trigger allows it, as it cannot know; the check does not."""
    _change(context, update(t.consent_events).where(e.via == "officer").values(evidence="", source="", salt=None))
    ((_, fault),) = _faults(context)
    assert "lost its salt" in fault


def test_a_ledger_that_was_written_anew_does_not_fit_what_was_kept(
    context: Context, people: ImportResult, tmp_path: Path
) -> None:
    kept = tmp_path / "digests.json"
    kept.write_text(json.dumps(verify_consent(context.database).as_dict()))
    stop_contact(context, TONO, by="Rina")
    assert verify_consent(context.database, read_kept(kept)).faults == ()
    _without_triggers(context, delete(t.consent_events), delete(t.consent_sheets))
    assert len(verify_consent(context.database, read_kept(kept)).faults) == 2
    kept.write_text("[]")
    with pytest.raises(UsageError, match="not a list of digests"):
        read_kept(kept)


def test_an_import_that_changes_nothing_appends_nothing(context: Context, people: ImportResult, run: Run) -> None:
    run(f"Nama,No HP,Persetujuan\nSiti,{SITI},ya\nTono,{TONO},ya\n", basis="consent", evidence="Formulir 3")
    assert count(context.database, t.consent_events) == 3
