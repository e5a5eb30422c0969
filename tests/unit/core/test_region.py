from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core import region

MENTENG = "31.71.06.1001"


@pytest.mark.parametrize("text", ["31.74.05.1003", "3174051003", " 31.74.05.1003 "])
def test_a_code_in_both_forms(text: str) -> None:
    assert region.parse_code(text) == "31.74.05.1003"


@pytest.mark.parametrize("text", ["", "31.7", "31.74.99", "99", "3174.05.10", "Menteng", "31.74.05.1003.7"])
def test_no_such_code(text: str) -> None:
    assert region.parse_code(text) is None


def test_what_a_code_says() -> None:
    assert region.level("31") == region.PROVINCE and region.level(MENTENG) == region.KELURAHAN
    assert region.parents(MENTENG) == ("31", "31.71", "31.71.06")
    assert region.name("31.74") == "Kota Administrasi Jakarta Selatan"
    assert region.full_name("31.71.06") == ("Menteng, Kota Administrasi Jakarta Pusat, Daerah Khusus Ibukota Jakarta")
    assert region.contains("31.71", MENTENG) and not region.contains("31.7", "31.71")
    with pytest.raises(KeyError):
        region.name("31.99")


def test_the_province_has_its_6_44_267() -> None:
    codes = [c for city in region.children("31") for c in region.children(city)]
    assert (len(region.children("31")), len(codes), len(region.all_kelurahan())) == (6, 44, 267)
    assert len(region.all_kelurahan("34")) > 300


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Kel. Menteng", MENTENG),
        ("kelurahan menteng", MENTENG),
        ("Kec. Menteng", "31.71.06"),
        ("Kota Adm. Jakarta Selatan", "31.74"),
        ("JAKSEL", "31.74"),
        ("Jkt Sel", "31.74"),
        ("Kab. Adm. Kepulauan Seribu", "31.01"),
        ("Kep. Seribu", "31.01"),
        ("DKI Jakarta", "31"),
        ("Kby. Baru", "31.74.07"),
        ("kebun sirih", "31.71.06.1005"),
        ("Kramat-Jati (kel.)", None),
        ("Palmerah", None),
        ("Setia  Budi ", None),
        ("kec setia budi", "31.74.02"),
        ("Kecamatan Kramat Jati", "31.75.04"),
        ("3171061001", MENTENG),
        ("Bendungan Hillir", "31.71.07.1002"),
        ("Atlantis", None),
        ("", None),
        ("Kel.", None),
    ],
)
def test_find_by_name(text: str, code: str | None) -> None:
    found = region.find(text)
    assert found.code == code, found
    if code and region.parse_code(text) is None:
        assert region.find(text).exact == (text != "Bendungan Hillir")


def test_an_ambiguous_name_gives_its_candidates() -> None:
    assert region.find("MENTENG") == region.Match(None, ("31.71.06", MENTENG))
    assert region.find("MENTENG", wanted=region.KELURAHAN).code == MENTENG
    assert region.find("kec. menteng", wanted=region.KELURAHAN).code == "31.71.06"


def test_within_narrows() -> None:
    assert region.find("Tebet Timur", within="31.74.01").code
    assert region.find("Tebet Timur", within="31.71") == region.UNKNOWN
    assert region.find("Kota Bogor", within="").code == "32.71"
    assert region.find("Kab. Bogor", within="").code == "32.01"
    assert set(region.find("Bogor", within="").candidates) == {"32.01", "32.71"}


@given(st.sampled_from(region.all_kelurahan()))
def test_every_kelurahan_is_found_by_its_own_name(code: str) -> None:
    official = region.name(code)
    for text in (official, official.upper(), f"Kel. {official}", official.replace(" ", "")):
        assert region.find(text, wanted=region.KELURAHAN).code == code


@given(st.text(max_size=30))
def test_any_text_is_found_or_not(text: str) -> None:
    found = region.find(text)
    assert found.code is None or not found.candidates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RT 003/RW 07", (3, 7)),
        ("RT.003 RW.007", (3, 7)),
        ("rt003rw007", (3, 7)),
        ("RT/RW 3/7", (3, 7)),
        ("RT/RW: 003/007", (3, 7)),
        ("3/7", (3, 7)),
        ("003 / 007", (3, 7)),
        ("3-7", (3, 7)),
        ("003", (3, None)),
        ("3.0", (3, None)),
        ("RT 12", (12, None)),
        ("RW 07", (None, 7)),
        ("0", (None, None)),
        ("000/007", (None, 7)),
        ("-", (None, None)),
        ("2027-03-07", (None, None)),
        ("2027-03-07 00:00:00", (None, None)),
        ("", (None, None)),
        ("RT 1234", (None, None)),
    ],
)
def test_rt_rw(text: str, expected: tuple[int | None, int | None]) -> None:
    assert region.parse_rt_rw(text) == expected


def test_a_bare_number_in_the_rw_column() -> None:
    assert region.parse_rt_rw("7", alone="rw") == (None, 7)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("Jl. Tebet Raya No. 5 RT 003/RW 07 Tebet", (3, 7)),
        ("Gang 3/7 no 12, RT.3/7 Menteng", (3, 7)),
        ("Jl. Alur Laut 12/14", (None, None)),
        ("Jl. Melati RW 05", (None, 5)),
        ("Jl. Melati RT/RW 001/002", (1, 2)),
        ("Jl. Smart 12", (None, None)),
    ],
)
def test_rt_rw_in_an_address(address: str, expected: tuple[int | None, int | None]) -> None:
    assert region.rt_rw_in(address) == expected


def test_importing_it_reads_no_table() -> None:
    code = "import sys; import dispatcher.core.region; assert 'lokal' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
