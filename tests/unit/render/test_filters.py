from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.clock import to_us
from dispatcher.core.segments import measure
from dispatcher.render import names
from dispatcher.render.problem import TemplateProblem
from dispatcher.render.sandbox import Templates

AT = datetime(2027, 2, 10, 2, 0, tzinfo=UTC)


def render(source: str, **variables: Any) -> str:
    return Templates().compile(source, "text").render(variables)


@pytest.mark.parametrize(
    "value",
    [AT, to_us(AT), "2027-02-10T09:00:00+07:00", "2027-02-10T02:00Z", datetime(2027, 2, 10, 9)],  # noqa: DTZ001  a clock time of the zone
)
def test_an_instant_in_any_of_its_forms(value: object) -> None:
    assert render("{{ at | waktu }}", at=value) == "Rabu, 10 Februari 2027 pukul 09.00 WIB"
    assert render("{{ at | tanggal }}, {{ at | jam }}", at=value) == "Rabu, 10 Februari 2027, 09.00 WIB"
    assert render("{{ at | datetime }}", at=value, language="en") == "Wednesday, 10 February 2027 at 09:00 WIB"
    assert render("{{ at | date }}, {{ at | time('en') }}", at=value) == "Rabu, 10 Februari 2027, 09:00 WIB"


@pytest.mark.parametrize(
    ("zone", "time"),
    [
        ("Asia/Jakarta", "09.00 WIB"),
        ("Asia/Pontianak", "09.00 WIB"),
        ("Asia/Makassar", "10.00 WITA"),
        ("Asia/Jayapura", "11.00 WIT"),
        ("UTC", "02.00 UTC"),
    ],
)
def test_zones(zone: str, time: str) -> None:
    assert render("{{ at | jam }}", at=AT, zone=zone) == time
    assert render(f"{{{{ at | jam(zone='{zone}') }}}}", at=AT) == time


def test_a_day_is_a_day_in_every_zone_and_an_instant_is_not() -> None:
    late = datetime(2027, 2, 10, 20, tzinfo=UTC)
    assert render("{{ d | tanggal }}", d=date(2027, 2, 10)) == "Rabu, 10 Februari 2027"
    assert render("{{ '2027-02-10' | tanggal }}") == "Rabu, 10 Februari 2027"
    assert render("{{ d | tanggal }}", d=late) == "Kamis, 11 Februari 2027"


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'besok' | waktu }}",
        "{{ true | jam }}",
        "{{ d | jam }}",
        "{{ at | jam(zone='Jakarta') }}",
        "{{ [1] | jam }}",
        "{{ 999999999999999999 | tanggal }}",
    ],
)
def test_no_date(source: str) -> None:
    with pytest.raises(TemplateProblem) as raised:
        render(source, d=date(2027, 2, 10), at=AT)
    assert raised.value.code == "template-value"
    assert "besok" not in raised.value.message


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ 1250000 | rupiah }}", "Rp 1.250.000"),
        ("{{ '1250000.50' | rupiah }}", "Rp 1.250.001"),
        ("{{ (0 - 1500) | rupiah }}", "-Rp 1.500"),
        ("{{ 1250000 | rupiah('en') }}", "Rp 1,250,000"),
        ("{{ 1250000 | angka }} {{ 999 | angka }} {{ 0 | angka }}", "1.250.000 999 0"),
        ("{{ 1250.456 | angka(2) }} {{ 1250.456 | angka(2, 'en') }}", "1.250,46 1,250.46"),
        ("{{ 0.5 | angka }} {{ 2.5 | angka }}", "1 3"),
        ("{{ 'Balai Kota' | huruf_besar }}", "BALAI KOTA"),
        ("{{ {'jenis_kelamin': 'L'} | sapaan }} {{ {'gender': ''} | sapaan }}", "Bapak Bapak/Ibu"),
        ("{{ 'Perempuan' | sapaan }} {{ none | sapaan }} {{ gone | sapaan }}", "Ibu Bapak/Ibu Bapak/Ibu"),
        ("{{ 'f' | sapaan('en') }} {{ 'x' | sapaan('en') }}", "Ms Mr/Ms"),
        ("{{ 'siti aminah' | name }}|{{ 'HJ. SITI AMINAH' | first_name }}", "Siti Aminah|Siti"),
        ("{{ 'Gelanggang Remaja Kecamatan Gambir' | singkat(20) }}", "Gelanggang Remaja..."),
        ("{{ 'pendek' | singkat(20) }}|{{ 'panjangsekali' | singkat(8) }}", "pendek|panja..."),
        ("{{ 'abcdef' | singkat(2) }}", "ab"),
    ],
)  # fmt: skip
def test_texts(source: str, text: str) -> None:
    assert render(source) == text


def test_rupiah_takes_decimals_exactly() -> None:
    assert render("{{ x | rupiah }}", x=Decimal("123456789012345678")) == "Rp 123.456.789.012.345.678"


@pytest.mark.parametrize(
    ("name", "proper", "greeting"),
    [
        ("  SITI   AMINAH ", "Siti Aminah", "Siti"),
        ("HJ. SITI NUR'AINI, S.H., M.SI", "Hj. Siti Nur'aini, S.H., M.Si", "Siti"),
        ("h. ahmad fauzi bin umar", "H. Ahmad Fauzi bin Umar", "Ahmad"),
        ("Fatimah Binti Hasan", "Fatimah binti Hasan", "Fatimah"),
        ("Drs. H. M. Rizki Ramadhan, M.Si", "Drs. H. M. Rizki Ramadhan, M.Si", "Rizki"),
        ("ABDUL RAHMAN WAHID", "Abdul Rahman Wahid", "Abdul Rahman"),
        ("dr. Budi Santoso, Sp.OG", "dr. Budi Santoso, Sp.OG", "Budi"),
        ("Dr. Ir. McDonald O'BRIEN II", "Dr. Ir. McDonald O'Brien II", "McDonald"),
        ("i made wirawan", "I Made Wirawan", "Made"),
        ("A.R. Fachruddin", "A.R. Fachruddin", "Fachruddin"),
        ("PROF. DR. KH. SAID", "Prof. Dr. KH. Said", "Said"),
        ("ANI-ANITA S.PD.I", "Ani-Anita S.Pd.I", "Ani-Anita"),
        ("H", "H", "H"),
        ("", "", ""),
    ],
)
def test_names(name: str, proper: str, greeting: str) -> None:
    assert names.proper(name) == proper
    assert names.given(name) == greeting


@given(st.text(max_size=60))
def test_any_name_keeps_its_words_and_settles(name: str) -> None:
    once = names.proper(name)
    assert len(once.split()) == len(name.split())
    assert once == " ".join(once.split())
    names.given(name)


@given(
    st.text(alphabet=st.characters(codec="ascii", categories=["L", "Nd", "Zs", "Po"]), max_size=80), st.integers(0, 60)
)
def test_singkat_never_exceeds_its_limit(text: str, limit: int) -> None:
    short = render("{{ t | singkat(n) }}", t=text, n=limit)
    assert len(short) <= limit
    assert measure(short).encoding == "gsm7"
