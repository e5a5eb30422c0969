"""Attendance sheets of both kinds: matched by code, own id or number; nothing is lost, nothing counts twice."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from sqlalchemy import update

from dispatcher.core.errors import UsageError
from dispatcher.operations import attendance as operation
from dispatcher.operations.attendance import SheetOptions, take_attendance
from dispatcher.operations.check_in import check_in
from dispatcher.store.tables import contact_points, contacts, guests, journal, session_people
from tests.integration.doors.stage import SLUG, Stage


def _take(stage: Stage, path: Path, **options: Any) -> dict[str, Any]:
    return take_attendance(stage.context, SLUG, path, "Ani", SheetOptions(**options)).as_json()


def _counts(result: dict[str, Any]) -> tuple[int, ...]:
    return tuple(result[name] for name in ("rows", "matched", "already", "walk_ins", "absent", "unmatched"))


def _csv(folder: Path, *lines: str) -> Path:
    path = folder / "hadir.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def _own_id(stage: Stage, contact_id: int, own: str) -> None:
    digest = stage.context.keys.hash_identity(f"id:{own}")
    with stage.context.database.begin() as connection:
        connection.execute(update(contacts).where(contacts.c.id == contact_id).values(identity_hash=digest))


def test_by_code_own_id_and_number_in_messy_headings(stage: Stage, tmp_path: Path) -> None:
    one, two, three = stage.invite("Siti"), stage.invite("Budi"), stage.invite("Tono")
    _own_id(stage, two.id, "A-17")
    local = "0" + three.number.removeprefix("+62")
    path = _csv(
        tmp_path,
        "DAFTAR HADIR KELAS;;;;",
        ";;;;",
        "No;Kode Tamu *;No. Anggota;Nama Lengkap;No. HP (WA)",
        f"1;{stage.code(one).lower()};;;",
        "2;;A-17;;",
        f"3;;;;{local}",
    )
    assert _counts(_take(stage, path)) == (3, 3, 0, 0, 0, 0)
    assert {row.contact_id for row in stage.rows(session_people)} == {one.id, two.id, three.id}
    assert {row.checked_in_via for row in stage.rows(session_people)} == {"sheet"}
    assert _counts(_take(stage, path)) == (3, 0, 3, 0, 0, 0)


def test_a_workbook_with_numbers_as_numbers(stage: Stage, tmp_path: Path) -> None:
    one, two = stage.invite("Siti"), stage.invite("Budi")
    path = tmp_path / "hadir.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Nama", "Nomor HP", "Hadir"])
        sheet.write_row(1, 0, ["Siti", int(one.number[1:]), "Ya"])
        sheet.write_row(2, 0, ["Budi", int(two.number[3:]), ""])
    assert _counts(_take(stage, path)) == (2, 1, 0, 0, 1, 0)
    assert stage.came(one) is not None
    assert stage.came(two) is None


def test_doubles_and_those_who_came_by_the_door(stage: Stage, tmp_path: Path) -> None:
    at_door, twice, known = stage.invite("Siti"), stage.invite("Budi"), stage.known("Wati")
    door = stage.door()
    first = check_in(stage.context, door, stage.code(at_door), "r" * 8)
    path = _csv(tmp_path, "no hp", *(one.number for one in (at_door, twice, twice, known)))
    assert _counts(_take(stage, path)) == (4, 1, 2, 1, 0, 0)
    assert stage.came(at_door) == first.at_us
    assert stage.came(known) is not None


def test_what_does_not_match_is_told_row_by_row(stage: Stage, tmp_path: Path) -> None:
    one, two = stage.invite("Siti"), stage.invite("Siti")
    with stage.context.database.begin() as connection:
        shared = stage.context.keys.hash_address(one.number)
        mine = contact_points.c.contact_id == two.id
        connection.execute(update(contact_points).where(mine).values(address_hash=shared))
    path = _csv(
        tmp_path,
        "kode,no hp,nama,hadir",
        "7K3M-Q2XD,,,ya",
        ",081299990001,=HYPERLINK(),ya",
        ",12,,ya",
        f",{one.number},Siti,ya",
        ",,Tanpa apa-apa,ya",
        f",{one.number},,barangkali",
        "a,b,c,d,e",
    )
    result = _take(stage, path)
    assert _counts(result) == (7, 0, 0, 0, 0, 7)
    codes = ("bad-code", "not-known", "too_short", "several", "nobody", "came-unread", "too_many_cells")
    assert result["reasons"] == dict.fromkeys(codes, 1)
    with Path(result["rejects_file"]).open(encoding="utf-8-sig") as file:
        rejected = list(csv.DictReader(file))
    assert [row["baris"] for row in rejected[:6]] == ["2", "3", "4", "5", "6", "7"]
    assert rejected[1]["nama"] == "'=HYPERLINK()"
    Path(result["rejects_file"]).write_text("mended")
    again = Path(_take(stage, path)["rejects_file"])
    assert (again.name, Path(result["rejects_file"]).read_text()) == ("hadir.rejected-2.csv", "mended")
    assert all(row["alasan"] and row["reason"] for row in rejected[:6])
    assert stage.rows(session_people) == []


def test_a_shared_number_is_told_by_the_name(stage: Stage, tmp_path: Path) -> None:
    one, two = stage.invite("Siti Aminah"), stage.invite("Budi")
    with stage.context.database.begin() as connection:
        shared = stage.context.keys.hash_address(one.number)
        mine = contact_points.c.contact_id == two.id
        connection.execute(update(contact_points).where(mine).values(address_hash=shared))
    assert _counts(_take(stage, _csv(tmp_path, "nama,no hp", f"SITI  AMINAH,{one.number}"))) == (1, 1, 0, 0, 0, 0)
    assert stage.came(one) is not None
    assert stage.came(two) is None


def test_guests_are_counted_if_wished_and_leave_no_trace(stage: Stage, tmp_path: Path) -> None:
    path = _csv(tmp_path, "nama,no hp,kelompok", "Rahmat,081299990001,PKK", "Rahmat,,", "Rahmat,,", "Wati,12,")
    result = _take(stage, path, guests=True)
    assert _counts(result) == (4, 0, 0, 3, 0, 1)
    assert _counts(_take(stage, path, guests=True)) == (4, 0, 3, 0, 0, 1)
    assert [row.group_slug for row in stage.rows(guests)] == ["pkk", "", ""]
    assert "Rahmat" not in str([tuple(row) for row in stage.rows(guests)])
    assert stage.rows(contacts) == []


def test_a_dry_run_says_the_same_and_writes_nothing(stage: Stage, tmp_path: Path) -> None:
    person = stage.invite("Siti")
    path = _csv(tmp_path, "no hp", person.number, person.number, "081299990001")
    assert _counts(_take(stage, path, guests=True, dry_run=True)) == (3, 1, 1, 1, 0, 0)
    assert stage.rows(session_people) == stage.rows(guests) == stage.rows(journal) == []
    assert _counts(_take(stage, path, guests=True)) == (3, 1, 1, 1, 0, 0)
    (act,) = stage.rows(journal)
    assert (act.actor, act.verb, act.subject, act.details["matched"]) == ("Ani", "session attendance", SLUG, 1)


@pytest.mark.parametrize(
    ("header", "found"),
    [("Nama,Alamat", "Nama, Alamat"), ("nama,081234567890", "nama"), ("0812-3456-7890", "none that")],
)
def test_wrong_columns_are_named_and_numbers_are_not(stage: Stage, tmp_path: Path, header: str, found: str) -> None:
    with pytest.raises(UsageError) as raised:
        _take(stage, _csv(tmp_path, header, "x,y"))
    assert found in raised.value.message
    assert "Kode" in raised.value.hint
    assert "34567" not in raised.value.message.replace("-", "")


def test_headings_can_be_mapped(stage: Stage, tmp_path: Path) -> None:
    person = stage.invite("Siti")
    path = _csv(tmp_path, "Karcis,Ket", f"{stage.code(person)},hadir")
    assert _counts(_take(stage, path, overrides={"Karcis": "code", "ket": "came"})) == (1, 1, 0, 0, 0, 0)
    with pytest.raises(UsageError, match="which the file does not have"):
        _take(stage, path, overrides={"Tiket": "code"})
    with pytest.raises(UsageError, match="no field"):
        _take(stage, path, overrides={"Karcis": "karcis"})


def test_files_that_do_not_serve(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _csv(tmp_path, "no hp", "081299990001", "081299990002")
    with pytest.raises(UsageError, match="no session kelas-9"):
        take_attendance(stage.context, "kelas-9", path, "Ani")
    with pytest.raises(UsageError, match="itself"):
        _take(stage, path, rejects=path)
    monkeypatch.setattr(operation, "MOST", 1)
    with pytest.raises(UsageError, match="more than 1 rows"):
        _take(stage, path, guests=True)
    assert stage.rows(guests) == []
