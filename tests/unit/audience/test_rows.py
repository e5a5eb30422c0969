from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.audience.columns import Wishes, map_columns
from dispatcher.audience.groups import Group, GroupIndex
from dispatcher.audience.raw import RawRow
from dispatcher.audience.reasons import REASONS
from dispatcher.audience.rows import ContactRow, Context, Point, RejectedRow, RowReader

TODAY = date(2027, 1, 1)
CONTEXT = Context(TODAY)
NIK = "3174055502050001"


def read(cells: dict[str, str], context: Context = CONTEXT, wishes: Wishes | None = None) -> ContactRow | RejectedRow:
    cells = {"No HP": "081234567890"} | cells
    columns = map_columns(list(cells), [list(cells.values())] if wishes else [], wishes)
    return RowReader(columns, context).read(RawRow(2, list(cells.values())))


def contact(cells: dict[str, str], context: Context = CONTEXT, wishes: Wishes | None = None) -> ContactRow:
    row = read(cells, context, wishes)
    assert isinstance(row, ContactRow), row
    return row


def rejection(cells: dict[str, str]) -> str:
    row = read(cells)
    assert isinstance(row, RejectedRow), row
    assert (row.en, row.id) == REASONS[row.code] and row.cells
    return row.code


def test_a_whole_row() -> None:
    row = contact(
        {
            "ID Anggota": "A-17",
            "Nama": " Siti  Aminah ",
            "WA": "0813 9876 5432",
            "Kelompok": "RT, PKK",
            "Jabatan": "Ketua RT",
            "Kelurahan": "Kel. Menteng",
            "Kecamatan": "Menteng",
            "RT": "003",
            "RW": "7",
            "Bahasa": "Indonesia",
            "Jenis Kelamin": "P",
            "Tgl Lahir": "10 Februari 1980",
            "Zona Waktu": "WIB",
            "Persetujuan": "ya",
            "Pendidikan": "SMA",
        }
    )
    assert row == ContactRow(
        line=2,
        external_id="A-17",
        name="Siti Aminah",
        language="id",
        salutation="Ibu",
        birth_date=date(1980, 2, 10),
        groups=("rt", "pkk"),
        role="ketua",
        region="31.71.06.1001",
        rt=3,
        rw=7,
        zone="Asia/Jakarta",
        attributes={"pendidikan": "SMA", "gender": "female"},
        points=(
            Point("any", "+6281234567890", "ID", "mobile", 0),
            Point("whatsapp", "+6281398765432", "ID", "mobile", 1),
        ),
        consent=True,
        notes=(),
    )


def test_a_number_alone_is_enough() -> None:
    row = contact({})
    assert (row.name, row.external_id, row.groups, row.region, row.consent, row.notes) == ("", None, (), None, None, ())


def test_numbers_are_ranked_and_merged() -> None:
    row = contact(
        {"No HP": "0812 3456 7890 / 021-5551234", "WA": "+62 812-3456-7890", "SMS": "0813 9876 5432", "HP 2": "-"}
    )
    assert [(p.media, p.e164, p.line_type, p.rank) for p in row.points] == [
        ("any", "+6281234567890", "mobile", 0),
        ("any", "+62215551234", "landline", 1),
        ("sms", "+6281398765432", "mobile", 2),
    ]


def test_one_bad_number_of_two_is_noted() -> None:
    assert contact({"HP 2": "0812"}).notes == ("phone:too_short",)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("", "empty"),
        ("-", "empty"),
        ("6.28123E+11", "scientific"),
        ("0812", "too_short"),
        ("08123456789012345", "too_long"),
        ("tanya ibunya", "not_a_number"),
        ("=HYPERLINK(1)", "not_a_number"),
        ("1500123", "invalid"),
    ],
)
def test_rejected_numbers(number: str, code: str) -> None:
    assert rejection({"No HP": number}) == code


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ('=HYPERLINK("http://x")', "formula"),
        ("+cmd|' /C calc'!A0", "formula"),
        ("-2+3|x", "formula"),
        ("@SUM(1)", "formula"),
        ("\t =1+1", "formula"),
        ("#N/A", "cell_error"),
        ("#REF!", "cell_error"),
    ],
)
@pytest.mark.parametrize("heading", ["Nama", "Catatan", "Kelurahan"])
def test_formulas_are_rejected(heading: str, cell: str, code: str) -> None:
    assert rejection({heading: cell}) == code


@pytest.mark.parametrize("cell", ["-5", "@budi", "+62 812", "#1", "-", "="])
def test_signs_that_are_no_formula(cell: str) -> None:
    assert contact({"Catatan": cell})


def test_hostile_names_are_cleaned_with_a_note() -> None:
    row = contact({"Nama": "Budi {{ config }} http://evil.example \u202egnp.exe\nX"})
    for bad in ("{{", "http", "\u202e", "\n", "evil.example"):
        assert bad not in row.name
    assert set(row.notes) == {"name:line_break", "name:bidi", "name:url", "name:template"}
    assert len(contact({"Nama": "x" * 5000}).name) == 80


def test_attributes_keep_their_type_or_become_text() -> None:
    wishes = Wishes(types={"usia": "integer", "hadir": "boolean", "daftar": "date", "skor": "number"})
    row = contact({"Usia": "41", "Hadir": "ya", "Daftar": "1/2/2026", "Skor": "7,5"}, wishes=wishes)
    assert row.attributes == {"usia": 41, "hadir": True, "daftar": "2026-02-01", "skor": 7.5}
    row = contact({"Usia": "dewasa", "Hadir": ""}, wishes=wishes)
    assert row.attributes == {"usia": "dewasa"}
    assert row.notes == ("type:usia",)


def test_identity_numbers_never_pass() -> None:
    row = contact({"Catatan": NIK, "ID": NIK})
    assert (row.attributes, row.external_id, row.notes) == ({}, None, ("nik_dropped",))
    assert NIK not in repr(contact({"NIK": NIK, "Agama": "x"}))
    assert contact({"NIK": NIK}, wishes=Wishes(keep=["NIK"])).attributes == {"nik": NIK}


def test_groups() -> None:
    index = GroupIndex([Group("kartar", "Karang Taruna", "Youth")])
    context = Context(TODAY, groups=("ormas",), index=index)
    row = contact({"Kelompok": "Karang Taruna; Klub Catur", "Jabatan": "Kader PKK"}, context)
    assert row.groups == ("ormas", "kartar", "pkk") and row.role == "kader"
    assert row.notes == ("group_unknown",)
    assert contact({"Kelompok": "Ketua RW"}).role == "ketua"
    assert contact({}, context).groups == ("ormas",)


def test_birth_dates_and_minors() -> None:
    assert contact({"TTL": "Jakarta, 01-01-2010"}).notes == ("minor",)
    assert contact({"Tgl Lahir": "2009-01-01"}).notes == ()
    assert contact({"Tgl Lahir": "2009-01-02"}).notes == ("minor",)
    for unread in ("2030-01-01", "1850-01-01", "kemarin"):
        assert contact({"Tgl Lahir": unread}).notes == ("birth_date_unread",)


def test_salutations() -> None:
    assert contact({"Sapaan": "Bpk."}).salutation == "Bapak"
    assert contact({"Jenis Kelamin": "laki-laki"}).salutation == "Bapak"
    assert contact({"JK": "P", "Kelompok": "mahasiswa"}).salutation == "Saudari"
    assert contact({"JK": "L", "Tgl Lahir": "2008-01-01"}).salutation == "Saudara"
    assert "http" not in contact({"Sapaan": "http://evil.example"}).salutation.lower()


def test_what_cannot_be_read_is_noted() -> None:
    row = contact({"Bahasa": "??", "Zona Waktu": "Mars/Utara", "Persetujuan": "mungkin", "RT/RW": "2027-03-07"})
    assert (row.language, row.zone, row.consent, row.rt, row.rw) == ("", None, None, None, None)
    assert set(row.notes) == {"language_unknown", "zone_unknown", "consent_unread", "rt_rw_unread"}


def test_places() -> None:
    row = contact({"Alamat": "Jl. Tebet Raya 5 RT 003/RW 07 Kel. Tebet Barat, Kec. Tebet"})
    assert (row.region, row.rt, row.rw) == ("31.74.01.1002", 3, 7)
    row = contact({"Kelurahan": "Atlantis", "RT/RW": "3/7"})
    assert (row.region, row.rt, row.rw, row.notes) == (None, 3, 7, ("region_unknown",))
    assert contact({"RT": "000", "RW": "07"}).rw == 7
    assert contact({"RT": "003/007"})[9:11] == (3, 7)


def test_foreign_numbers_are_parsed_for_the_sender_to_judge() -> None:
    assert contact({"No HP": "+60 12-345 6789"}).points[0].country == "MY"


def test_a_broken_row_keeps_its_reason() -> None:
    columns = map_columns(["No HP"])
    row = RowReader(columns, CONTEXT).read(RawRow(7, ["x"], "encoding"))
    assert row == RejectedRow(7, "encoding", *REASONS["encoding"], ["x"])


HEADINGS = ["Nama", "No HP", "WA", "Kelompok", "Jabatan", "Kelurahan", "Kota", "Alamat", "RT", "RW", "RT/RW", "Bahasa"]
HEADINGS += ["Tgl Lahir", "Jenis Kelamin", "Sapaan", "Persetujuan", "Zona Waktu", "ID", "Catatan", "Usia"]
COLUMNS = map_columns(HEADINGS, wishes=Wishes(types={"usia": "integer"}))


@given(st.lists(st.text(max_size=25), min_size=len(HEADINGS), max_size=len(HEADINGS)))
def test_any_cells_give_a_contact_or_a_reason(cells: list[str]) -> None:
    cells[1] = cells[1] or "081234567890"
    row = RowReader(COLUMNS, CONTEXT).read(RawRow(3, cells))
    if isinstance(row, ContactRow):
        assert row.points and len(row.name) <= 80
        assert not any(c in row.name for c in "\n\r\0\u202e")
    else:
        assert row.code in REASONS
