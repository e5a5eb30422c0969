"""Sessions as clerks write them: headings, days and times, and what of a session a row changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.audience.files import open_rows
from dispatcher.audience.session_headings import CODE_HEADINGS, read_headings
from dispatcher.audience.session_rows import REASONS, SessionProblem, read_code, read_session
from dispatcher.audience.session_times import TimeProblem, instant_us, times_of
from dispatcher.campaign.standing import Standing
from dispatcher.core.clock import HOUR_US, iso
from dispatcher.core.errors import UsageError

NEW = {"title": "Kelas", "place": "Balai Kota", "starts": "2027-02-10 09:00"}
WIB = "Asia/Jakarta"


def standing(**changes: object) -> Standing:
    starts = instant_us("2027-02-10 09:00", WIB)
    made = Standing("barat", "Kelas", "Balai Kota", "Jl. A 1", "31.73", WIB, starts, starts + 3 * HOUR_US, 80)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "2027-02-10 09:00",
        "2027-02-10T09:00:00",
        "2027-02-10 09:00+07:00",
        "2027-02-10 09:00 +07:00",
        "10/02/2027 09.00",
        "10.02.2027 9.00",
        "10 Februari 2027 09.00 WIB",
        "Rabu, 10 Februari 2027 pukul 09.00 WIB",
        "Rabu, 10 Feb 2027, 11.00 WIT",
        "10-Feb-27 jam 10:00 wita",
    ],
)
def test_instants_as_people_write_them(text: str) -> None:
    assert iso(instant_us(text, WIB), WIB) == "2027-02-10T09:00:00+07:00"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2027-02-10", "time"),
        ("09:00", "no-date"),
        ("besok", "date"),
        ("2027-02-30 09:00", "date"),
        ("2027-02-10 25:00", "time"),
        ("0027-02-10 09:00", "date"),
        ("2027-02-10T09:00:00+99:00", "date"),
    ],
)
def test_what_is_missing_is_told(text: str, problem: str) -> None:
    with pytest.raises(TimeProblem, match=f"^{problem}$"):
        instant_us(text, WIB)


@given(st.text(max_size=40))
def test_any_text_is_an_instant_or_a_problem(text: str) -> None:
    try:
        instant_us(text, WIB)
    except TimeProblem as problem:
        assert str(problem) in REASONS


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("09.00 - 12.00 WIB", ("09.00 WIB", "12.00 WIB")),
        ("09.00 s.d. 12.00", ("09.00", "12.00")),
        ("09.00 s/d selesai", ("09.00", "")),
        ("2027-02-10 09:00", ("2027-02-10 09:00", "")),
        ("", ("", "")),
    ],
)
def test_ranges_of_times(text: str, times: tuple[str, str]) -> None:
    assert times_of(text) == times


def test_a_new_session_from_columns_of_their_own() -> None:
    cells = {"title": "Kelas", "place": "Balai  Kota", "date": "10/02/2027", "time": "09.00-12.00", "capacity": "1.200"}
    made = read_session("barat", {**cells, "region": "Jakarta Barat"}, None)
    assert made == standing(address="", capacity=1200)


def test_an_empty_cell_leaves_a_field_and_none_takes_it_away() -> None:
    assert read_session("barat", {"address": "", "ends": " ", "capacity": ""}, standing()) == standing()
    emptied = read_session(
        "barat", {"address": "-", "region": "none", "ends": "none", "capacity": "Tidak ada"}, standing()
    )
    assert emptied == standing(address="", region="", ends_us=None, capacity=None)


def test_the_end_moves_along_unless_it_is_given() -> None:
    moved = read_session("barat", {"starts": "2027-02-11 13:00"}, standing())
    assert (moved.ends_us or 0) - moved.starts_us == 3 * HOUR_US
    given = read_session("barat", {"starts": "2027-02-11 13:00", "ends": "15:00"}, standing())
    assert iso(given.ends_us, WIB) == "2027-02-11T15:00:00+07:00"


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({**NEW, "title": ""}, "title"),
        ({**NEW, "place": ""}, "place"),
        ({**NEW, "starts": ""}, "starts"),
        ({**NEW, "starts": "", "date": "2027-02-10"}, "time"),
        ({**NEW, "ends": "08:00"}, "ends"),
        ({**NEW, "region": "Atlantis"}, "region"),
        ({**NEW, "capacity": "0"}, "capacity"),
        ({**NEW, "capacity": "banyak"}, "capacity"),
        ({**NEW, "capacity": "9" * 30}, "capacity"),
        ({**NEW, "zone": "Mars/Base"}, "zone"),
        ({**NEW, "place": "lihat https://contoh.example/x"}, "text"),
        ({**NEW, "title": "{{ stop }}"}, "text"),
        ({**NEW, "title": "a" * 201}, "text"),
    ],
)
def test_each_problem_has_its_sentences(cells: dict[str, str], problem: str) -> None:
    with pytest.raises(SessionProblem) as caught:
        read_session("barat", cells, None)
    assert caught.value.code == problem
    assert all(sentence.endswith(".") for sentence in REASONS[problem])


def test_codes() -> None:
    assert read_code("  Kelas Barat_1 ") == "kelas-barat-1"
    for text in ("", "!!", "a" * 61):
        with pytest.raises(SessionProblem):
            read_code(text)


def test_headings_in_both_languages_below_a_title() -> None:
    header = ["Kode Sesi", "Nama Kegiatan", "Lokasi", "Hari/Tanggal", "Pukul", "Kuota (orang)", "Catatan"]
    assert read_headings(header, "x.csv") == {"code": 0, "title": 1, "place": 2, "date": 3, "time": 4, "capacity": 5}
    assert set(read_headings(["code", "title", "venue", "start", "end", "seats"], "x.csv")) == {
        "code", "title", "place", "starts", "ends", "capacity",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("header", "told"), [(["Judul", "Tempat"], "no column for the codes"), (["Kode", "Code"], "mean the same")]
)
def test_headings_that_do_not_serve(header: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_headings(header, "x.csv")


def test_the_row_of_headings_is_found_below_a_title(tmp_path: Path) -> None:
    path = tmp_path / "sesi.csv"
    path.write_text("Daftar sesi 2027;;\n\nKode;Tempat;Mulai\nbarat;Balai;2027-02-10 09:00\n")
    assert open_rows(path, "", CODE_HEADINGS).header == ("Kode", "Tempat", "Mulai")
