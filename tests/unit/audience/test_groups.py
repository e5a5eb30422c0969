from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.audience.groups import GROUPS, Group, GroupIndex, households, known_role, match_group, match_role

SLUGS = """rt rw lmk dasawisma pkk fkdm fpk ormas pelajar mahasiswa pemilih-pemula asn
kader-parpol sayap-parpol kader-perempuan"""


def test_the_groups_of_the_design() -> None:
    assert list(GROUPS) == SLUGS.split()


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Ketua RT", "rt"),
        ("KETUA RT 003", "rt"),
        ("Pak RW", "rw"),
        ("ibu PKK", "pkk"),
        ("TP-PKK", "pkk"),
        ("Kader PKK", "pkk"),
        ("Dasa Wisma", "dasawisma"),
        ("ketua dasawisma", "dasawisma"),
        ("mahasiswa", "mahasiswa"),
        ("Mahasiswa/Mahasiswi", "mahasiswa"),
        ("Siswa SMA", "pelajar"),
        ("Pemilih Pemula", "pemilih-pemula"),
        ("pemilih_pemula", "pemilih-pemula"),
        ("PNS", "asn"),
        ("Kader Perempuan", "kader-perempuan"),
        ("Kader Parpol", "kader-parpol"),
        ("Anggota Ormas", "ormas"),
        ("Organisasi kemasyarakatan (ormas)", "ormas"),
        ("F.K.D.M.", "fkdm"),
        ("Ketua", None),
        ("", None),
        ("warga biasa", None),
    ],
)
def test_match_group(text: str, slug: str | None) -> None:
    assert match_group(text) == slug


def test_declared_groups() -> None:
    declared = [Group("karang-taruna", "Karang Taruna", "Youth organisation", ("kartar",))]
    assert match_group("Anggota Kartar", declared) == "karang-taruna"
    assert match_group("Kartar") is None
    assert GroupIndex(declared).match("Ketua RT") == "rt"


def test_several_groups_in_a_cell() -> None:
    index = GroupIndex()
    assert index.match_all("RT, PKK") == (("rt", "pkk"), ())
    assert index.match_all("RT/RW") == (("rt", "rw"), ())
    assert index.match_all("PKK & Pecinta Kucing") == (("pkk",), ("Pecinta Kucing",))
    assert index.match_all("PKK; Kader PKK") == (("pkk",), ())
    assert index.match_all("Pecinta Kucing") == ((), ("Pecinta Kucing",))


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Ketua", "ketua"),
        ("Ketua RT 003", "ketua"),
        ("Wakil Ketua", "wakil-ketua"),
        ("Wk. Ketua II", "wakil-ketua"),
        ("sekertaris", "sekretaris"),
        ("Kader Dasawisma", "kader"),
        ("ANGGOTA", "anggota"),
        ("Humas & Publikasi", "humas-publikasi"),
        ("007", None),
        ("", None),
    ],
)
def test_match_role(text: str, role: str | None) -> None:
    assert match_role(text) == role


def test_only_known_roles() -> None:
    assert known_role("Ketua RT") == "ketua"
    assert known_role("mahasiswa") is None


def test_households_are_estimates_of_multiplying_roles() -> None:
    assert households(["dasawisma"], "ketua") == 10
    assert households(["rt", "dasawisma"], "ketua") == GROUPS["rt"].households["ketua"]
    assert households(["rt"], "anggota") == 0
    assert households(["pkk", "unheard-of"], None) == 0


@given(st.sampled_from([g for group in GROUPS.values() for g in (group.slug, group.label_id, *group.spellings)]))
def test_every_spelling_is_found_in_capitals_and_with_dots(text: str) -> None:
    assert match_group(text) == match_group(text.upper()) == match_group(f" {text}. ") is not None
