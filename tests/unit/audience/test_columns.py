from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.audience.columns import NIK, ColumnMap, Wishes, map_columns
from dispatcher.audience.headings import FIELDS, read_heading, slug
from dispatcher.core.errors import UsageError

NIK_OF_A_WOMAN = "3174055502050001"


def targets(columns: ColumnMap) -> dict[str, tuple[str, str]]:
    return {c.heading: (c.kind, c.target) for c in columns.columns}


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("nama", "name"),
        ("Nama Lengkap", "name"),
        ("no hp", "phone"),
        ("nohp", "phone"),
        ("No. HP / WA", "phone"),
        ("telepon", "phone"),
        ("Telp.", "phone"),
        ("HP 2", "phone"),
        ("HP2", "phone"),
        ("Phone Number", "phone"),
        ("No. WA", "whatsapp"),
        ("Nomor WhatsApp (aktif)", "whatsapp"),
        ("kelompok", "group"),
        ("Kelurahan/Desa", "kelurahan"),
        ("desa", "kelurahan"),
        ("Kec.", "kecamatan"),
        ("Kota/Kab", "city"),
        ("ALAMAT", "address"),
        ("RT", "rt"),
        ("RT/RW", "rt_rw"),
        ("Jabatan", "role"),
        ("peran", "role"),
        ("Bahasa", "language"),
        ("Tgl. Lahir", "birth_date"),
        ("tanggal_lahir", "birth_date"),
        ("Jenis Kelamin (L/P)", "gender"),
        ("L/P", "gender"),
        ("Sapaan", "salutation"),
        ("Persetujuan*", "consent"),
        ("Consent", "consent"),
        ("Zona Waktu", "zone"),
        ("No. Anggota", "external_id"),
        ("No", "ignored"),
        ("NIK", "nik"),
        ("No. KK", "family_card"),
        ("Agama", "religion"),
        ("Usia", ""),
        ("RT 2", ""),
    ],
)
def test_headings(heading: str, field: str) -> None:
    assert read_heading(heading).field == field


def test_a_usual_file() -> None:
    columns = map_columns(
        ["No", "Nama", "No HP", "No WA", "Kelurahan", "Usia", "Hadir", ""],
        [["1", "A", "0812", "", "Menteng", "17", "ya", ""], ["2", "B", "", "", "", "40", "tidak", ""]],
    )
    assert targets(columns) == {
        "Nama": ("field", "name"),
        "No HP": ("field", "phone"),
        "No WA": ("field", "whatsapp"),
        "Kelurahan": ("field", "kelurahan"),
        "Usia": ("attribute", "usia"),
        "Hadir": ("attribute", "hadir"),
    }
    assert [c.type for c in columns.attributes] == ["integer", "boolean"]
    assert [c.target for c in columns.phones] == ["phone", "whatsapp"]
    assert not columns.diagnostics


def test_map_overrides() -> None:
    wishes = Wishes(overrides={"Panggilan telpon": "phone", "kolom_x": "Tingkat Pendidikan", "Nama": "nickname"})
    columns = map_columns(["Nama", "Panggilan telpon", "Kolom X"], wishes=wishes)
    assert targets(columns) == {
        "Nama": ("attribute", "nickname"),
        "Panggilan telpon": ("field", "phone"),
        "Kolom X": ("attribute", "tingkat_pendidikan"),
    }


def test_map_that_fits_no_heading() -> None:
    with pytest.raises(UsageError, match="does not have") as caught:
        map_columns(["nama", "hp"], wishes=Wishes(overrides={"telefon": "phone"}))
    assert caught.value.code == "unknown-heading"
    assert "nama, hp" in caught.value.hint


def test_two_columns_for_one_field_are_reported() -> None:
    columns = map_columns(["Nama", "hp", "Nama Lengkap"], file="warga.csv")
    assert columns.of("name") is not None and columns.of("name").index == 0  # type: ignore[union-attr]
    (found,) = columns.diagnostics
    assert (found.code, found.file, found.line, found.column) == ("duplicate-column", "warga.csv", 1, 3)
    columns = map_columns(["Nama", "hp", "Nama Lengkap"], wishes=Wishes(overrides={"Nama Lengkap": "name"}))
    assert columns.of("name").index == 2  # type: ignore[union-attr]


def test_two_columns_for_one_attribute_are_reported() -> None:
    columns = map_columns(["hp", "Dapil", "dapil"])
    assert [c.index for c in columns.attributes] == [1]
    assert [d.code for d in columns.diagnostics] == ["duplicate-column"]


def test_sensitive_columns_are_dropped_unless_kept() -> None:
    header = ["hp", "NIK", "No KK", "Agama"]
    columns = map_columns(header, [["0812", NIK_OF_A_WOMAN, NIK_OF_A_WOMAN, "x"]])
    assert columns.dropped == ("NIK", "No KK", "Agama")
    assert [d.code for d in columns.diagnostics] == ["sensitive-column"] * 3
    kept = map_columns(header, [["0812", NIK_OF_A_WOMAN, "", "x"]], Wishes(keep=["NIK", "agama"]))
    assert kept.dropped == ("No KK",)
    assert [(c.target, c.guarded) for c in kept.attributes] == [("nik", False), ("agama", False)]


def test_identity_numbers_are_found_by_content() -> None:
    rows = [["0812", NIK_OF_A_WOMAN, "A"], ["0813", "3171010101900002", "B"], ["0814", "", "C"]]
    columns = map_columns(["hp", "kode", "nama"], rows)
    assert columns.dropped == ("kode",)
    assert map_columns(["hp", "kode", "nama"], rows, Wishes(keep=["kode"])).dropped == ()
    assert map_columns(["hp", "No Anggota"], rows).dropped == ("No Anggota",)


def test_what_looks_like_an_identity_number() -> None:
    assert NIK.fullmatch(NIK_OF_A_WOMAN) and NIK.fullmatch("'3171010101900002")
    for other in ("3174059902050001", "3174055513050001", "0174055502050001", "317405550205000", "081234567890"):
        assert not NIK.fullmatch(other)


def test_mixed_columns_stay_text_with_a_warning() -> None:
    columns = map_columns(["hp", "Usia"], [["0812", "17"], ["0813", "dewasa"]])
    assert columns.attributes[0].type == "text"
    assert [d.code for d in columns.diagnostics] == ["mixed-column"]
    declared = map_columns(["hp", "Usia"], [["0812", "17"], ["0813", "x"]], Wishes(types={"usia": "integer"}))
    assert declared.attributes[0].type == "integer" and not declared.diagnostics


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (["Budi", "081234567890", "Menteng"], "no-header"),
        (["Budi", "Siti"], "no-header"),
        (["nama", "alamat"], "no-phone-column"),
        ([], "no-header"),
    ],
)
def test_no_header(header: list[str], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        map_columns(header)
    assert caught.value.code == code
    assert "081234567890" not in caught.value.message + caught.value.hint


@given(st.lists(st.text(max_size=30), max_size=20))
def test_any_header_maps_each_name_once(header: list[str]) -> None:
    columns = map_columns([*header, "No HP"])
    names = [(c.kind, c.target) for c in columns.columns if c.target not in {"phone", "sms", "whatsapp"} | {"nik"}]
    assert len(names) == len(set(names)) or columns.dropped
    assert all(c.target in FIELDS for c in columns.columns if c.kind == "field")
    assert all(c.target == slug(c.target) for c in columns.attributes)
