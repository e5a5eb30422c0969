"""From the rows of a contact file to people ready to be stored: media decided, hashes made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from dispatcher.audience.columns import SAMPLE_ROWS, ColumnMap, Wishes, map_columns
from dispatcher.audience.files import ContactFile, open_rows
from dispatcher.audience.reasons import Sentence
from dispatcher.audience.rows import ContactRow, Context, Point, RejectedRow, RowReader
from dispatcher.store.drafts import Number, Person
from dispatcher.store.keys import Keys

#: Reasons that concern what a number can be used for, beside those of `audience.reasons`.
REASONS: Final = {
    "landline": Sentence(
        "The number is a landline: it cannot receive SMS. Add a mobile number, or a column for WhatsApp.",
        "Nomor ini telepon rumah atau kantor, tidak dapat menerima SMS. Tambahkan nomor HP, atau kolom WhatsApp bila "
        "nomor itu terdaftar di WhatsApp.",
    ),
    "id_taken": Sentence(
        "The id belongs to somebody with another name and another number: correct it, or leave the column out with "
        "--map 'heading=ignored'.",
        "Nomor anggota ini milik orang lain dengan nama dan nomor HP yang berbeda. Perbaiki, atau abaikan kolomnya "
        "dengan --map 'judul=ignored'.",
    ),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """An open file and how its columns are read."""

    file: ContactFile
    columns: ColumnMap
    context: Context


def open_reading(path: Path, sheet: str, wishes: Wishes, context: Context) -> Reading:
    """Raises UsageError for a file that cannot be read as a table of contacts."""
    file = open_rows(path, sheet, tuple(wishes.overrides))
    rows = file.rows()
    sample = [row.cells for row in islice(rows, SAMPLE_ROWS) if not row.problem]
    return Reading(file, _apart(map_columns(file.header, sample, wishes, path.name)), context)


def _apart(columns: ColumnMap) -> ColumnMap:
    """Where WhatsApp has a column of its own, the column of phone numbers is for SMS only."""
    if not any(column.target == "whatsapp" for column in columns.phones):
        return columns
    phones = set(columns.phones)
    return replace(
        columns,
        columns=tuple(
            replace(column, target="sms") if column in phones and column.target == "phone" else column
            for column in columns.columns
        ),
    )


def read_people(reading: Reading, keys: Keys, salt: str) -> Iterator[Person | RejectedRow]:
    """One result per row, in order. `salt`: what else a row's hash depends on (purpose and basis)."""
    read = RowReader(reading.columns, reading.context).read
    for raw in reading.file.rows():
        row = read(raw)
        if isinstance(row, RejectedRow):
            yield row
        elif numbers := numbers_of(row.points, keys):
            yield prepare(row, numbers, keys, salt, raw.cells if row.external_id else None)
        else:
            yield reject("landline", row.line, raw.cells)


def reject(code: str, line: int, cells: list[str]) -> RejectedRow:
    sentence = REASONS[code]
    return RejectedRow(line, code, sentence.en, sentence.id, cells)


def numbers_of(points: Iterable[Point], keys: Keys) -> tuple[Number, ...]:
    """The numbers that can be used: a landline on WhatsApp only, and only where the file says so."""
    return tuple(
        [
            Number(media, e164, keys.hash_address(e164), country, line_type, rank)
            for media, e164, country, line_type, rank in points
            if line_type != "landline" or media == "whatsapp"
        ]
    )


def prepare(row: ContactRow, numbers: tuple[Number, ...], keys: Keys, salt: str, cells: list[str] | None) -> Person:
    (
        line, external_id, name, language, salutation, birth_date, groups, role, region, rt, rw, zone, attributes,
        points, consent, notes,
    ) = row  # fmt: skip
    identity = f"id:{external_id}" if external_id else f"number:{points[0].e164}:{normalised(name)}"
    minor = "minor" in notes
    born = birth_date.isoformat() if birth_date else ""
    held = "|".join([number.media + number.e164 for number in numbers])
    # control characters never survive in a cell that is kept, so that \x1f separates
    content = (
        f"row:{salt}\x1f{identity}\x1f{name}\x1f{born}\x1f{minor}\x1f{salutation}\x1f{language}\x1f{region}\x1f{rw}"
        f"\x1f{rt}\x1f{role}\x1f{zone}\x1f{groups}\x1f{consent}\x1f{held}\x1f{attributes or ''}"
    )
    return Person(
        numbers, line, keys.hash_identity(identity), keys.hash_identity(content), name, born, minor, salutation,
        language, region, rw, rt, role, zone, attributes, groups, consent, notes, cells,
    )  # fmt: skip


def normalised(name: str) -> str:
    """Letters and digits in lower case: spaces, dots and capitals do not make another person."""
    plain = name.casefold().replace(" ", "")
    return plain if plain.isalnum() else "".join(filter(str.isalnum, plain))
