from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from dispatcher.audience.files import open_rows
from dispatcher.audience.raw import RawRow
from dispatcher.audience.xlsx_child import _broken_in
from dispatcher.core.errors import UsageError


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "warga.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("kosong")
        sheet = book.add_worksheet("warga")
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(1, 0, ["DAFTAR WARGA"])
        sheet.write_row(2, 0, ["Nama", "No HP", "Tgl Lahir", "Setuju", "Nilai"])
        sheet.write_row(3, 0, ["Siti", 6281234567890, None, True, 7.5])
        sheet.write_datetime(3, 2, dt.datetime(2005, 2, 10), day)  # noqa: DTZ001
        sheet.write_row(5, 0, ["Budi", "081398765432"])
        sheet.write_formula(5, 4, "=1+1", None, 2)
        sheet.write_row(6, 0, ["Tanpa hasil", "0812"])
        sheet.write_formula(6, 4, "=1+1", None, "")
        sheet.write_row(7, 0, ["Galat", "0812"])
        sheet.write_formula(7, 4, "=NA()", None, "#N/A")
        other = book.add_worksheet("lain")
        other.write_row(0, 0, ["hp"])
        other.write_row(1, 0, ["0812"])
    return path


def test_the_first_sheet_that_holds_anything(workbook: Path) -> None:
    file = open_rows(workbook)
    assert (file.header, file.header_line, file.format) == (
        ("Nama", "No HP", "Tgl Lahir", "Setuju", "Nilai"),
        3,
        "XLSX",
    )
    assert list(file.rows()) == [
        RawRow(4, ["Siti", "6281234567890", "2005-02-10", "true", "7.5"]),
        RawRow(6, ["Budi", "081398765432", "", "", "2"]),
        RawRow(7, ["Tanpa hasil", "0812", "", "", ""], "cell_error"),
        RawRow(8, ["Galat", "0812", "", "", ""], "cell_error"),
    ]


def test_which_cells_are_broken() -> None:
    """An empty text is a result; a formula that no program has calculated has none."""
    cells = b"""<c r="A1" t="str"><f>""</f><v></v></c><c r="A2"><f>1+1</f><v></v></c><c r="A3"><f>1+1</f><v>2</v></c>
    <c r="A4" s="1"/><c r="A5" t="e"><v>#N/A</v></c><c r="AB6"><f>1+1</f></c><c r="A7" t="s"><v>0</v></c>"""
    assert list(_broken_in(cells)) == [2, 5, 6]


def test_a_named_sheet(workbook: Path) -> None:
    assert list(open_rows(workbook, sheet="lain").rows()) == [RawRow(2, ["0812"])]


def test_no_such_sheet(workbook: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_rows(workbook, sheet="tidak ada")
    assert caught.value.code == "xlsx-no-sheet"
    assert "kosong, warga, lain" in caught.value.hint


def test_stopping_early_leaves_no_process(workbook: Path) -> None:
    rows = open_rows(workbook).rows()
    assert next(rows).line == 4
    rows.close()  # type: ignore[attr-defined]


def test_an_empty_workbook(tmp_path: Path) -> None:
    path = tmp_path / "kosong.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet()
    with pytest.raises(UsageError) as caught:
        open_rows(path)
    assert caught.value.code == "xlsx-empty"


def packed(path: Path, size: int, content: bytes = b" ") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(size // 1_000_000):
                part.write(content * 1_000_000)
    return path


@pytest.mark.parametrize("megabytes", [20, 201])
def test_a_zip_bomb_is_refused_unread(tmp_path: Path, megabytes: int) -> None:
    with pytest.raises(UsageError) as caught:
        open_rows(packed(tmp_path / "bom.xlsx", megabytes * 1_000_000))
    assert caught.value.code == "xlsx-too-large"
    assert "CSV" in caught.value.hint


def test_a_damaged_workbook(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_rows(packed(tmp_path / "rusak.xlsx", 0))
    assert caught.value.code == "xlsx-unreadable"


def test_a_sheet_that_would_fill_the_memory(tmp_path: Path) -> None:
    """Two cells at opposite corners make a table of 17 billion cells."""
    path = tmp_path / "luas.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "no hp")
        sheet.write(1_048_575, 16_383, "x")
    with pytest.raises(UsageError) as caught:
        open_rows(path)
    assert caught.value.code == "xlsx-too-large"
