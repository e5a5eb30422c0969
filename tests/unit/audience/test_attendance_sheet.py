from __future__ import annotations

import pytest

from dispatcher.audience.attendance_sheet import FIELDS, read_headings, read_row
from dispatcher.core.door_code import read
from dispatcher.core.errors import UsageError


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (["No", "Kode Tamu*", "Nama Lengkap", "TTD"], {1: "code", 2: "name"}),
        (["NIP", "Nama", "Kehadiran (Ya/Tidak)"], {0: "external_id", 1: "name", 2: "came"}),
        (["No. HP", "No WA 2", "Unsur"], {0: "phone", 1: "whatsapp", 2: "group"}),
        (["QR", "QR code", "hp"], {0: "code", 2: "phone"}),
    ],
)
def test_headings_as_officers_write_them(header: list[str], fields: dict[int, str]) -> None:
    assert read_headings(header, "hadir.csv", {}) == fields


def test_a_map_wins_over_what_a_heading_says() -> None:
    assert read_headings(["Kode", "Karcis"], "x", {"Karcis": "code", "kode": "name"}) == {0: "name", 1: "code"}
    assert "came" in FIELDS


@pytest.mark.parametrize("header", [["Nama", "Hadir"], [], ["0812 3456 7890", "ya"]])
def test_names_alone_tell_nobody_apart(header: list[str]) -> None:
    with pytest.raises(UsageError, match="tells who came"):
        read_headings(header, "hadir.csv", {})


@pytest.mark.parametrize(
    ("said", "came"),
    [
        *(("ya", True), ("V", True), ("✓", True), ("Hadir.", True), ("08.12", True), ("8:05 WIB", True), ("1", True)),
        *(("", False), ("-", False), ("Izin", False), ("S", False), ("tidak hadir", False), ("0", False)),
        *(("x", None), ("mungkin", None), ("12", None)),
    ],
)
def test_whether_they_came(said: str, came: bool | None) -> None:
    row = read_row(2, ["7k3m q01d", said], {0: "code", 1: "came"})
    assert (row.came, row.code) == (came, read("7K3MQ01D"))


def test_without_such_a_column_everyone_came() -> None:
    row = read_row(2, ["0812 3456 7890 / 0813 3456 7890", "12"], {0: "phone", 1: "sms"})
    assert (row.came, row.numbers, row.problem) == (True, ("+6281234567890", "+6281334567890"), "")
    assert read_row(2, ["12", ""], {0: "phone", 1: "sms"}).problem == "too_short"
