"""Importing sessions from files of both kinds, and what the table says afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter
from sqlalchemy import select

from dispatcher.core.errors import UsageError
from dispatcher.operations import sessions as operation
from dispatcher.operations.context import Context
from dispatcher.operations.session_list import list_sessions
from dispatcher.operations.sessions import import_sessions, set_session
from dispatcher.store.tables import journal
from tests.integration.builders import make_context

ROWS = "Kode;Judul;Tempat;Tanggal;Jam;Kuota\nbarat;Kelas;Balai Kota;10/02/2027;09.00-12.00;80\n"


@pytest.fixture
def context(database_url: str) -> Iterator[Context]:
    context = make_context(database_url, {"approval": "waived"})
    yield context
    context.database.close()


def _csv(folder: Path, text: str) -> Path:
    path = folder / "sesi.csv"
    path.write_text(text)
    return path


def _counts(context: Context, path: Path, **options: bool) -> tuple[int, ...]:
    result = import_sessions(context, path, "Ani", **options)
    return (result.rows, result.created, result.updated, result.unchanged, result.rejected)


def test_the_same_file_again_changes_nothing(context: Context, tmp_path: Path) -> None:
    path = _csv(tmp_path, ROWS)
    assert _counts(context, path, dry_run=True) == (1, 1, 0, 0, 0)
    assert list_sessions(context) == []
    assert _counts(context, path) == (1, 1, 0, 0, 0)
    assert _counts(context, path) == (1, 0, 0, 1, 0)
    assert _counts(context, _csv(tmp_path, ROWS.replace("80", "90"))) == (1, 0, 1, 0, 0)
    (session,) = list_sessions(context)
    assert session == {
        "code": "barat", "title": "Kelas", "place": "Balai Kota", "address": "", "region": "",
        "starts": "2027-02-10T09:00:00+07:00", "ends": "2027-02-10T12:00:00+07:00", "capacity": 90,
        "zone": "Asia/Jakarta", "campaigns": [], "rsvp": {},
        "promoted": 0, "checked_in": 0,
    }  # fmt: skip


def test_a_workbook_with_real_dates(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "sesi.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, when = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(0, 0, ["Code", "Title", "Venue", "Start", "Seats"])
        sheet.write_row(1, 0, ["Kelas Timur", "Kelas", "GOR"])
        sheet.write_datetime(1, 3, datetime(2027, 2, 10, 9, 30), when)  # noqa: DTZ001 - spreadsheets know no zones
        sheet.write_number(1, 4, 120)
    assert _counts(context, path) == (1, 1, 0, 0, 0)
    (session,) = list_sessions(context)
    assert (session["code"], session["starts"], session["capacity"]) == (
        "kelas-timur",
        "2027-02-10T09:30:00+07:00",
        120,
    )


def test_bad_rows_are_rejected_by_line_and_the_others_stored(context: Context, tmp_path: Path) -> None:
    more = "barat;Lagi;Balai;10/02/2027;09.00;1\n;Tanpa kode;Balai;10/02/2027;09.00;1\nutara;Kelas;Balai;kelak;9.00;1\n"
    result = import_sessions(context, _csv(tmp_path, ROWS + more), "Ani")
    assert (result.created, result.rejected) == (1, 3)
    assert result.reasons == {"code-twice": 1, "code": 1, "date": 1}
    assert result.rejects_file is not None
    lines = result.rejects_file.read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[6] for line in lines[1:]] == ["3", "4", "5"]
    result.rejects_file.write_text("mended")
    again = import_sessions(context, tmp_path / result.rejects_file.name.replace(".rejected", ""), "Ani").rejects_file
    assert again == result.rejects_file.with_stem(f"{result.rejects_file.stem}-2")
    assert (result.rejects_file.read_text(), again.exists()) == ("mended", True)


def test_a_file_that_is_too_long_is_refused(context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "MOST", 1)
    with pytest.raises(UsageError, match="more than 1 rows"):
        import_sessions(context, _csv(tmp_path, ROWS + ROWS.splitlines()[1].replace("barat", "timur") + "\n"), "Ani")
    assert list_sessions(context) == []


def test_set_names_what_changed_and_by_whom(context: Context, tmp_path: Path) -> None:
    import_sessions(context, _csv(tmp_path, ROWS), "Ani")
    outcome = set_session(context, "barat", {"ends": "none", "address": "Jl. A 1"}, "Budi")
    assert (outcome["changed"], outcome["ends"], outcome["address"]) == (["address", "ends"], None, "Jl. A 1")
    assert set_session(context, "barat", {"address": "Jl. A 1"}, "Budi")["changed"] == []
    with context.database.read() as connection:
        acts = [
            (row.actor, row.verb, row.subject) for row in connection.execute(select(journal).order_by(journal.c.id))
        ]
    assert acts == [("Ani", "session import", "barat"), ("Budi", "session set", "barat")]
