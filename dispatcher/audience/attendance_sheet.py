"""Attendance sheets as officers make them: which columns tell who a row means, and whether they came."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dispatcher.audience.groups import words
from dispatcher.audience.headings import PHONES, read_heading, slug
from dispatcher.audience.reasons import Sentence
from dispatcher.core import door_code
from dispatcher.core.errors import UsageError
from dispatcher.core.phone import PhoneProblem, parse_phones

_SPELLINGS: Final[dict[str, str]] = {
    "code": (
        "kode, kode tamu, kode undangan, kode pintu, kode hadir, kode qr, qr, qr code, kode peserta, code, "
        "door code, guest code, guests code, invitation code"
    ),
    "came": (
        "hadir, kehadiran, status kehadiran, keterangan hadir, status hadir, absensi, absen, presensi, present, "
        "attended, attendance, checked in, came"
    ),
}
_OWN: Final = {spelling.strip(): field for field, text in _SPELLINGS.items() for spelling in text.split(",")}
_NOTE: Final = re.compile(r"\([^)]*\)|\*")
_FROM_CONTACTS: Final = frozenset({*PHONES, "external_id", "name", "group"})
FIELDS: Final = ("code", "phone", "external_id", "name", "group", "came")
_TELLING: Final = frozenset({"code", "external_id", *PHONES})
"""Without one of these nobody is known again: names are shared."""

HEADINGS: Final = (*(text.strip() for text in _SPELLINGS["code"].split(",")), "no anggota", "nip", "nim", "nik", "id")
"""By these, or a number's, the row of headings is found."""

_PRESENT: Final = frozenset({
    "1", "v", "y", "ya", "yes", "hadir", "h", "true", "benar", "ada", "datang", "present", "came", "sudah", "ok", "✓",
    "✔", "√", "☑", "✅",
})  # fmt: skip
_ABSENT: Final = frozenset({
    "0", "-", "tidak", "tidak hadir", "t", "no", "n", "false", "salah", "absen", "alpa", "a", "izin", "ijin", "i",
    "sakit", "s", "absent", "belum", "✗", "✘", "❌",
})  # fmt: skip
_DIGITS: Final = re.compile(r"\d{6}")

REASONS: Final[dict[str, Sentence]] = {
    "nobody": Sentence(
        "The row names nobody: write a code, a mobile number or the person's own id.",
        "Baris ini tidak menunjuk siapa pun. Isi kode, nomor HP, atau nomor anggota.",
    ),
    "bad-code": Sentence(
        "The code is not one of this session: check its eight letters and digits.",
        "Kode ini bukan kode acara ini. Periksa delapan huruf dan angkanya.",
    ),
    "not-known": Sentence(
        "Nobody on record has this number or id. Count such guests with --guests.",
        "Nomor ini belum terdaftar. Hitung tamu seperti ini dengan --guests.",
    ),
    "several": Sentence(
        "Several people have this number, and the name does not tell which one: add the code or the full name.",
        "Nomor ini dipakai beberapa orang dan namanya tidak cukup jelas. Tambahkan kode atau nama lengkap.",
    ),
    "came-unread": Sentence(
        "Whether the person came cannot be read: write ya or tidak.",
        "Kehadirannya tidak terbaca. Tulis ya atau tidak.",
    ),
}


@dataclass(frozen=True, slots=True)
class SheetRow:
    """What a row says, as far as it could be read. `code` and `came`: None where the row says nothing of it."""

    line: int
    cells: list[str]
    typed_code: str
    code: int | None
    external_id: str
    numbers: tuple[str, ...]
    problem: str
    name: str
    group: str
    came: bool | None


def read_headings(header: Sequence[str], file: str, overrides: Mapping[str, str]) -> dict[int, str]:
    """Column → field; other columns are left alone. UsageError where no column tells who came."""
    chosen = _overrides(header, overrides)
    found: dict[int, str] = {}
    for column, heading in enumerate(header):
        field = chosen.get(column) or _field(heading)
        if field in PHONES or (field and field not in found.values()):
            found[column] = field
    if not _TELLING & set(found.values()):
        raise UsageError(
            "attendance-headings",
            f"{file} has no column that tells who came; its headings are: {_listed(header)}",
            "It needs one of: Kode (the guest's code), No HP (mobile number), No anggota (your own id). Name yours "
            "with --map 'my heading=code', or =phone, or =external_id.",
        )
    return found


def _field(heading: str) -> str:
    own = _OWN.get(words(_NOTE.sub(" ", heading)), "")
    if own:
        return own
    found = read_heading(heading).field
    return found if found in _FROM_CONTACTS else ""


def _overrides(header: Sequence[str], overrides: Mapping[str, str]) -> dict[int, str]:
    by_slug = {slug(text): i for i, text in reversed(list(enumerate(header)))}
    chosen = {}
    for heading, field in overrides.items():
        column = by_slug.get(slug(heading))
        if column is None:
            message = f'--map names the heading "{heading}", which the file does not have'
            raise UsageError("unknown-heading", message, f"its headings are: {_listed(header)}")
        target = field if field in FIELDS else _field(field)
        if not target:
            raise UsageError(
                "unknown-field", f'--map: there is no field "{field}"', f"Choose one of: {', '.join(FIELDS)}."
            )
        chosen[column] = target
    return chosen


def _listed(header: Sequence[str]) -> str:
    """Without anything that may be a number: the first row may be no heading at all."""
    shown = [text[:40] for text in header if text.strip() and not _DIGITS.search(re.sub(r"[\s.-]", "", text))][:20]
    return ", ".join(shown) or "(none that are words)"


def read_row(line: int, cells: list[str], columns: Mapping[int, str]) -> SheetRow:
    """`problem`: why a number, if there is one, cannot be read, a key of the reasons of contact files; or ""."""
    given: dict[str, list[str]] = {}
    for column, field in columns.items():
        if text := cells[column].strip():
            given.setdefault("phone" if field in PHONES else field, []).append(text)
    one = {field: texts[0] for field, texts in given.items()}
    numbers, problem = _numbers(given.get("phone", ()))
    typed = one.get("code", "")
    came = _came(one.get("came", ""), has_column="came" in columns.values())
    return SheetRow(
        line, cells, typed, door_code.read(typed), one.get("external_id", ""), numbers, problem, one.get("name", ""),
        one.get("group", ""), came,
    )  # fmt: skip


def _numbers(texts: Sequence[str]) -> tuple[tuple[str, ...], str]:
    found: dict[str, None] = {}
    problems: list[PhoneProblem] = []
    for text in texts:
        numbers, failures = parse_phones(text)
        found.update(dict.fromkeys(number.e164 for number in numbers))
        problems += failures
    return tuple(found), "" if found or not problems else problems[0].code


def _came(text: str, *, has_column: bool) -> bool | None:
    """An empty cell of a column for it: absent. Without such a column, everyone on the sheet came. None: unread."""
    if not has_column:
        return True
    said = text.casefold().strip(" .")
    if not said or said in _ABSENT:
        return False
    return True if said in _PRESENT or re.fullmatch(r"\d{1,2}[.:]\d{2}.*", said) else None
