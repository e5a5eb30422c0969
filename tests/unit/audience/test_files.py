from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.audience import csv_rows
from dispatcher.audience.csv_rows import Dialect
from dispatcher.audience.files import open_rows
from dispatcher.audience.raw import RawRow
from dispatcher.core.errors import UsageError

HEADER = "nama,no hp,alamat"


def write(folder: Path, content: str | bytes, encoding: str = "utf-8", name: str = "warga.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def rows(folder: Path, content: str | bytes, encoding: str = "utf-8") -> list[RawRow]:
    return list(open_rows(write(folder, content, encoding)).rows())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = delimiter.join(HEADER.split(",")) + "\r\n" + delimiter.join(["André", "0812", "Jl. Café"]) + "\r\n"
    file = open_rows(write(tmp_path, text, encoding))
    assert file.header == ("nama", "no hp", "alamat")
    assert list(file.rows()) == [RawRow(2, ["André", "0812", "Jl. Café"])]


def test_utf16_with_big_endian_mark(tmp_path: Path) -> None:
    assert rows(tmp_path, b"\xfe\xff" + f"{HEADER}\nA,0812,x\n".encode("utf-16-be")) == [RawRow(2, ["A", "0812", "x"])]


def test_delimiters_inside_cells_do_not_mislead(tmp_path: Path) -> None:
    text = "nama;no hp;alamat\nA;0812;Jl. X, No. 1, RT 1, RW 2, Menteng\nB;0813;Jl. Y, No. 2, RT 1, RW 2, Tebet\n"
    assert [r.cells[0] for r in rows(tmp_path, text)] == ["A", "B"]


def test_excel_sep_line(tmp_path: Path) -> None:
    file = open_rows(write(tmp_path, "sep=;\nnama;no hp\nA;0812\n"))
    assert (file.header, file.header_line) == (("nama", "no hp"), 2)
    assert list(file.rows()) == [RawRow(3, ["A", "0812"])]


def test_titles_above_the_header(tmp_path: Path) -> None:
    file = open_rows(write(tmp_path, "DAFTAR WARGA,,\n,,\nNama,No. HP,RT\nA,0812,1\n"))
    assert (file.header, file.header_line) == (("Nama", "No. HP", "RT"), 3)
    assert list(file.rows()) == [RawRow(4, ["A", "0812", "1"])]


def test_a_mapped_heading_finds_the_header(tmp_path: Path) -> None:
    path = write(tmp_path, "DAFTAR,\nOrang,Kontak Darurat\nA,0812\n")
    assert open_rows(path, headings=["kontak darurat"]).header_line == 2


def test_line_numbers_are_physical(tmp_path: Path) -> None:
    text = f'{HEADER}\n"A","0812","Jl. X\nRT 1\nRW 2"\n\n,,\nB,0813,y\n'
    assert [(r.line, r.cells[2]) for r in rows(tmp_path, text)] == [(2, "Jl. X\nRT 1\nRW 2"), (7, "y")]


def test_ragged_rows(tmp_path: Path) -> None:
    text = f"{HEADER}\nA,0812\nB,0813,x,extra\nC,0814,y,,\nD,0815,z\n"
    assert [(r.line, r.problem) for r in rows(tmp_path, text)] == [
        (2, "too_few_cells"),
        (3, "too_many_cells"),
        (4, ""),
        (5, ""),
    ]


def test_mixed_encodings_reject_the_row_alone(tmp_path: Path) -> None:
    good = "Siti Café,0812,x\n".encode()
    text = HEADER.encode() + b"\n" + good * 3 + "André,0813,x\n".encode("cp1252") + good
    assert [(r.line, r.problem) for r in rows(tmp_path, text) if r.problem] == [(5, "encoding")]
    text = HEADER.encode() + b"\n" + "André,0813,x\n".encode("cp1252") * 3 + good
    assert [(r.line, r.problem) for r in rows(tmp_path, text) if r.problem] == [(5, "encoding")]


def test_a_bad_byte_far_behind_the_sample(tmp_path: Path) -> None:
    text = HEADER.encode() + b"\n" + b"Siti,081234567890,Jalan Melati\n" * 20_000 + b"Andr\xe9,0813,x\n"
    assert [(r.line, r.problem) for r in rows(tmp_path, text) if r.problem] == [(20_002, "encoding")]


def test_utf16_cut_in_the_middle_of_a_character(tmp_path: Path) -> None:
    text = f"{HEADER}\nA,0812,x\nB,0813,y".encode("utf-16")[:-1]
    assert [(r.line, r.problem) for r in rows(tmp_path, text)] == [(2, ""), (3, "encoding")]


def test_binary_zeros(tmp_path: Path) -> None:
    found = rows(tmp_path, f"{HEADER}\nA,0812,x\nB,08\x0013,y\nC,0814,z\n")
    assert [(r.line, r.problem) for r in found] == [(2, ""), (3, "nul"), (4, "")]


@pytest.mark.parametrize("count", [2, 5000])
def test_an_open_quote_takes_no_other_row_along(tmp_path: Path, count: int) -> None:
    text = f'{HEADER}\nA,"0812,x\n' + "".join(f"B{n},0813,y\n" for n in range(count))
    found = rows(tmp_path, text)
    assert (found[0].line, found[0].problem) == (2, "quote")
    assert [(r.line, r.problem) for r in found[1:]] == [(n + 3, "") for n in range(count)]


def test_two_stray_quotes_reject_two_rows(tmp_path: Path) -> None:
    found = rows(tmp_path, f'{HEADER}\nA,"0812,x\nB,0813,y\nC,"0814,z\nD,0815,w\n')
    assert [r.cells[0] for r in found if not r.problem] == ["B", "D"]
    assert [r.line for r in found if r.problem] == [2, 4]


def test_quotes_inside_cells(tmp_path: Path) -> None:
    found = rows(tmp_path, f'{HEADER}\n"A ""Ucok"" B",0812,"x, y"\n"Budi" S,0813,z\n')
    assert [r.cells[0] for r in found] == ['A "Ucok" B', "Budi S"]


def test_a_huge_line_is_one_bad_row(tmp_path: Path) -> None:
    text = f"{HEADER}\nA,0812,x\n" + "," * 3_000_000 + "\nB,0813,y\n"
    assert [(r.line, r.problem) for r in rows(tmp_path, text)] == [(2, ""), (3, "too_large"), (4, "")]


def test_a_huge_cell_and_a_huge_line_behind_a_quote(tmp_path: Path) -> None:
    text = f"{HEADER}\nA,0812," + "x" * 200_000 + '\nB,"0813,y\n' + "k," * 1_500_000 + "\nC,0814,z\n"
    assert [(r.line, r.problem) for r in rows(tmp_path, text)] == [
        (2, "too_large"),
        (3, "quote"),
        (4, "too_many_cells"),
        (5, ""),
    ]


@pytest.mark.parametrize("header", ["k," * 1_000_000 + "no hp", "no hp," + "k," * 600 + "k"])
def test_a_million_columns(tmp_path: Path, header: str) -> None:
    with pytest.raises(UsageError, match="512 columns") as caught:
        open_rows(write(tmp_path, header + "\n1,2,3\n"))
    assert caught.value.code == "too-many-columns"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b";;;\n"])
def test_empty_files(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        open_rows(write(tmp_path, content))
    assert caught.value.code == "empty-file"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("warga.xlsx", b"nama,no hp\n", "xlsx-unreadable"),
        ("warga.xlsx", b"PK\x03\x04rubbish", "xlsx-unreadable"),
        ("warga.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "xlsx-encrypted"),
        ("warga.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "old-spreadsheet"),
        ("warga.ods", b"PK\x03\x04rest", "old-spreadsheet"),
        ("warga.csv", b"%PDF-1.7", "not-a-table"),
        ("warga.csv", b"<html><table>", "not-a-table"),
    ],
)
def test_other_kinds_of_files(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_rows(write(tmp_path, content, name=name))
    assert caught.value.code == code and caught.value.hint


def test_no_such_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(UsageError) as caught:
            open_rows(path)
        assert caught.value.code == "no-such-file"


@given(
    st.lists(st.text("ab ,;é\u2028\x85", max_size=30), min_size=1, max_size=40),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(1, 64),
)
def test_plain_lines_read_at_once_are_as_those_read_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str, block: int
) -> None:
    text = end.join([HEADER, *lines])
    path = write(tmp_path_factory.mktemp("plain"), text)
    dialect = Dialect("utf-8", ",")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "_BLOCK_CHARACTERS", block)
        at_once = list(csv_rows.csv_rows(path, dialect, 3))
        patch.setattr(csv_rows, "_is_plain", lambda *_: False)
        assert at_once == list(csv_rows.csv_rows(path, dialect, 3))


def test_memory_is_bounded_by_the_row(tmp_path: Path) -> None:
    """Invariant 13."""
    path = write(tmp_path, HEADER + "\n" + "Siti Aminah,081234567890,Jalan Melati Nomor 5\n" * 100_000)
    file = open_rows(path)
    tracemalloc.start()
    count = sum(1 for _ in file.rows())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100_000
    assert peak < 1_000_000


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(b"nama,no hp\n" + content)
    try:
        file = open_rows(path)
        assert all(row.problem or len(row.cells) == len(file.header) for row in file.rows())
    except UsageError as error:
        assert error.code
