"""A contact file from its bytes to contacts and rejected rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dispatcher.audience.columns import Wishes
from dispatcher.audience.files import open_rows, read_columns
from dispatcher.audience.rows import ContactRow, Context, RejectedRow, RowReader
from dispatcher.core.errors import UsageError

FILE = """DAFTAR WARGA KELURAHAN TEBET BARAT;;;;;
;;;;;
No;Nama Lengkap;No. HP;NIK;RT/RW;Usia
1;Siti Aminah;0812 3456 7890;3174055502050001;003/007;41
2;Budi, S.Pd.;6,28123E+11;3174051502050002;003/007;17
3;"Ani
Wijaya";0813-9876-5432 / 021-5551234;;3/8;42
4;=HYPERLINK("http://evil.example");081398765433;;3/8;43
5;Kurang;081398765434
6;Dewi;;;1/1;44
7;Eko;81234567891;;1/1;dewasa
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "warga.csv"
    path.write_bytes(FILE.encode("utf-8-sig"))
    return path


def test_every_row_becomes_a_contact_or_a_reason(path: Path) -> None:
    file = open_rows(path)
    columns = read_columns(file)
    results = [*map(RowReader(columns, Context(date(2027, 1, 1))).read, file.rows())]
    contacts = [r for r in results if isinstance(r, ContactRow)]
    assert [(c.line, c.name, len(c.points), c.rt, c.rw) for c in contacts] == [
        (4, "Siti Aminah", 1, 3, 7),
        (6, "Ani Wijaya", 2, 3, 8),
        (11, "Eko", 1, 1, 1),
    ]
    assert [(r.line, r.code) for r in results if isinstance(r, RejectedRow)] == [
        (5, "scientific"),
        (8, "formula"),
        (9, "too_few_cells"),
        (10, "empty"),
    ]
    assert [d.code for d in columns.diagnostics] == ["sensitive-column", "mixed-column"]
    assert {(d.file, d.line) for d in columns.diagnostics} == {("warga.csv", 3)}
    assert "3174055502050001" not in repr(contacts)


def test_reading_twice_gives_the_same(path: Path) -> None:
    file, context = open_rows(path), Context(date(2027, 1, 1))
    columns = read_columns(file, Wishes(types={"usia": "integer"}))
    first, second = ([*map(RowReader(columns, context).read, file.rows())] for _ in range(2))
    assert first == second


def test_no_error_shows_a_number(tmp_path: Path) -> None:
    path = tmp_path / "tanpa-judul.csv"
    path.write_text("Budi,081234567890\nSiti,081398765432\n")
    for wishes in (None, Wishes(overrides={"Kontak": "phone"})):
        with pytest.raises(UsageError) as caught:
            read_columns(open_rows(path), wishes)
        assert caught.value.code == "no-header"
        assert "0812" not in caught.value.message + caught.value.hint
