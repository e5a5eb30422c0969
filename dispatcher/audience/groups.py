"""The groups people belong to and the roles they hold, in the spellings found in files.

A role that multiplies stands for households: an RT head passes the word on. Those numbers are estimates, reported apart
from people. Sources: a Dasawisma is a group of ten households by definition; about 30,100 RT and 2,700 RW share the
2.8 million households of the province (census of 2020: 10.6 million people, 3.8 to a household), rounded down.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Group:
    """`households`: role → households one such person stands for (an estimate)."""

    slug: str
    label_id: str
    label_en: str
    spellings: tuple[str, ...] = ()
    households: Mapping[str, int] = field(default_factory=dict)


GROUPS: Final[dict[str, Group]] = {
    group.slug: group
    for group in (
        Group(
            "rt",
            "Rukun Tetangga (RT)",
            "Neighbourhood unit (RT)",
            ("rukun tetangga", "pengurus rt", "ketua rt", "pak rt", "bu rt"),
            {"ketua": 90},
        ),
        Group(
            "rw",
            "Rukun Warga (RW)",
            "Neighbourhood association (RW)",
            ("rukun warga", "pengurus rw", "ketua rw", "pak rw", "bu rw"),
            {"ketua": 1000},
        ),
        Group(
            "lmk",
            "Lembaga Musyawarah Kelurahan (LMK)",
            "Kelurahan deliberative council (LMK)",
            ("lembaga musyawarah kelurahan", "musyawarah kelurahan"),
        ),
        Group(
            "dasawisma",
            "Dasawisma",
            "Group of ten households (Dasawisma)",
            ("dasa wisma", "dawis", "dasa wiswa", "dasawisma pkk"),
            {"ketua": 10, "kader": 10},
        ),
        Group(
            "pkk",
            "PKK",
            "Family welfare movement (PKK)",
            (
                "ibu pkk",
                "tp pkk",
                "tim penggerak pkk",
                "pemberdayaan kesejahteraan keluarga",
                "pemberdayaan dan kesejahteraan keluarga",
            ),
        ),
        Group(
            "fkdm",
            "Forum Kewaspadaan Dini Masyarakat (FKDM)",
            "Early-awareness forum (FKDM)",
            ("forum kewaspadaan dini masyarakat", "forum kewaspadaan dini"),
        ),
        Group(
            "fpk",
            "Forum Pembauran Kebangsaan (FPK)",
            "Forum for national blending (FPK)",
            ("forum pembauran kebangsaan",),
        ),
        Group(
            "ormas",
            "Organisasi kemasyarakatan (ormas)",
            "Community organisation",
            (
                "organisasi masyarakat",
                "organisasi kemasyarakatan",
                "lsm",
                "community organisation",
                "community organization",
                "ngo",
            ),
        ),
        Group(
            "pelajar",
            "Pelajar",
            "School students",
            (
                "siswa",
                "siswi",
                "murid",
                "siswa siswi",
                "pelajar sma",
                "siswa sma",
                "siswa smk",
                "pelajar smk",
                "osis",
                "school student",
            ),
        ),
        Group(
            "mahasiswa",
            "Mahasiswa",
            "University students",
            ("mahasiswi", "mhs", "bem", "mahasiswa mahasiswi", "student", "university student"),
        ),
        Group(
            "pemilih-pemula",
            "Pemilih pemula",
            "First-time voters",
            ("pemula", "pemilih muda", "first time voter", "new voter"),
        ),
        Group(
            "asn",
            "Aparatur Sipil Negara (ASN)",
            "Civil servants (ASN)",
            ("aparatur sipil negara", "pns", "pppk", "p3k", "pegawai negeri sipil", "pegawai negeri", "civil servant"),
        ),
        Group(
            "kader-parpol",
            "Kader partai politik",
            "Party cadres",
            ("kader partai", "kader partai politik", "parpol", "partai politik", "party cadre"),
        ),
        Group(
            "sayap-parpol",
            "Sayap partai politik",
            "Party wings",
            ("sayap partai", "sayap partai politik", "organisasi sayap", "organisasi sayap partai", "party wing"),
        ),
        Group(
            "kader-perempuan",
            "Kader perempuan",
            "Women cadres",
            ("kader wanita", "perempuan parpol", "kader perempuan parpol", "women cadre", "female cadre"),
        ),
    )
}

_ROLES: Final[dict[str, tuple[str, ...]]] = {
    "ketua": ("ketua", "ketua umum", "kepala", "pimpinan", "chair", "chairman", "chairperson", "head", "leader"),
    "wakil-ketua": ("wakil ketua", "wakil", "waket", "vice chair", "deputy"),
    "sekretaris": ("sekretaris", "sekertaris", "sekretaris umum", "sekum", "sekjen", "secretary"),
    "bendahara": ("bendahara", "bendahara umum", "treasurer"),
    "koordinator": ("koordinator", "kordinator", "coordinator"),
    "pengurus": ("pengurus", "board"),
    "pembina": ("pembina", "penasihat", "penasehat", "advisor"),
    "kader": ("kader", "cadre"),
    "anggota": ("anggota", "member"),
    "staf": ("staf", "staff", "pegawai", "pelaksana"),
}
_ROLE_BY_SPELLING: Final = {s.replace(" ", ""): slug for slug, spellings in _ROLES.items() for s in spellings}
#: Words beside the name of a group that say nothing about which group it is.
_FILLER: Final = frozenset(
    {
        *("bapak", "pak", "ibu", "bu", "sdr", "sdri", "para", "warga", "tokoh", "kelompok", "grup", "komunitas"),
        *("unsur", "perwakilan", "kelurahan", "kecamatan", "kel", "kec", "the", "of"),
        *(word for spellings in _ROLES.values() for spelling in spellings for word in spelling.split()),
    }
)

_NOT_WORD = re.compile(r"[^a-z0-9]+")
_NUMBER = re.compile(r"\b\d+\b")
_DEPUTY = re.compile(r"^wa?k(?:il|l)?\b")
_SEPARATOR = re.compile(r"[,;/|&+\n]|\b(?:dan|and)\b", re.IGNORECASE)


def words(text: str) -> str:
    """Lower case, letters and digits only, single spaces."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_WORD.sub(" ", plain).strip()


class GroupIndex:
    """Looks groups up by spelling: the known ones and those the settings declare."""

    def __init__(self, declared: Iterable[Group] = ()) -> None:
        self.groups: dict[str, Group] = GROUPS | {g.slug: g for g in declared}
        self._by_spelling = {
            words(spelling).replace(" ", ""): group.slug
            for group in self.groups.values()
            for spelling in (group.slug, group.label_id, group.label_en, *group.spellings)
        }

    def match(self, text: str) -> str | None:
        """One group: "Ketua RT", "ibu PKK", "Dasa Wisma", "Mahasiswa/i"."""
        plain = words(text)
        if found := self._by_spelling.get(plain.replace(" ", "")):
            return found
        kept = [word for word in _NUMBER.sub("", plain).split() if word not in _FILLER]
        return self._by_spelling.get("".join(kept)) if kept else None

    def match_all(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The groups of a cell such as "RT, PKK", and the parts that name none."""
        if whole := self.match(text):
            return (whole,), ()
        parts = [part.strip() for part in _SEPARATOR.split(text) if words(part)]
        found = {part: self.match(part) for part in parts}
        slugs = dict.fromkeys(slug for slug in found.values() if slug)
        return tuple(slugs), tuple(part for part, slug in found.items() if not slug)


_KNOWN: Final = GroupIndex()


def match_group(text: str, declared: Iterable[Group] = ()) -> str | None:
    """The slug of the group a text names, or None."""
    return (GroupIndex(declared) if declared else _KNOWN).match(text)


def known_role(text: str) -> str | None:
    """The slug of the role a text begins with: "Ketua RT 003" → "ketua", "Wk. Ketua" → "wakil-ketua"; else None."""
    plain = _DEPUTY.sub("wakil", words(text)).split()
    return next((_ROLE_BY_SPELLING[key] for key in _beginnings(plain) if key in _ROLE_BY_SPELLING), None)


def match_role(text: str) -> str | None:
    """As `known_role`; for another role a slug of its own words ("Humas" → "humas"); None for a text without any."""
    return known_role(text) or _NUMBER.sub("", words(text)).strip().replace(" ", "-")[:40].strip("-") or None


def _beginnings(plain: list[str]) -> Iterator[str]:
    """Longest first, so that "wakil ketua" is not read as "wakil"."""
    return ("".join(plain[:count]) for count in range(min(len(plain), 3), 0, -1))


def households(groups: Iterable[str], role: str | None, known: Mapping[str, Group] = GROUPS) -> int:
    """An estimate of the households a person stands for: the most any of their groups gives their role, else 0."""
    return max((known[g].households.get(role or "", 0) for g in groups if g in known), default=0)
