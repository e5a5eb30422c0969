"""The headings of session files, Indonesian and English, and the field each one stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from dispatcher.audience.groups import words
from dispatcher.core.errors import UsageError

_SPELLINGS: Final[dict[str, str]] = {
    "code": "kode, kode sesi, kode acara, kode kegiatan, sesi, code, session, session code, slug",
    "title": "judul, nama, nama acara, nama kegiatan, nama sesi, acara, kegiatan, tema, title, event, name",
    "place": "tempat, lokasi, tempat acara, tempat kegiatan, nama tempat, gedung, place, venue, location",
    "address": "alamat, alamat lengkap, alamat tempat, address, venue address",
    "region": "wilayah, kode wilayah, kelurahan, kecamatan, kota, region, region code, area",
    "date": "tanggal, tgl, hari tanggal, tanggal acara, tanggal kegiatan, date, day",
    "time": "jam, pukul, waktu, time, hours",
    "starts": "mulai, waktu mulai, jam mulai, tanggal mulai, start, starts, start time, begins",
    "ends": "selesai, waktu selesai, jam selesai, tanggal selesai, sampai, berakhir, end, ends, end time",
    "capacity": "kapasitas, kuota, daya tampung, jumlah kursi, kursi, capacity, seats, places",
    "zone": "zona, zona waktu, zone, time zone, timezone",
}
_FIELDS: Final = {spelling.strip(): name for name, text in _SPELLINGS.items() for spelling in text.split(",")}
_NOTE: Final = re.compile(r"\([^)]*\)|\*")

CODE_HEADINGS: Final = tuple(text.strip() for text in _SPELLINGS["code"].split(","))
"""By these the row of headings is found."""


def read_headings(header: Sequence[str], file: str) -> dict[str, int]:
    """Field → column; other columns are left alone. UsageError without a code, or where two columns mean the same."""
    found: dict[str, int] = {}
    for column, heading in enumerate(header):
        field = _FIELDS.get(words(_NOTE.sub(" ", heading)), "")
        if field in found:
            first = header[found[field]]
            raise UsageError(
                "session-headings",
                f'{file}: the headings "{first}" and "{heading}" mean the same',
                "Rename one of them, or leave that column out.",
            )
        if field:
            found[field] = column
    if "code" not in found:
        raise UsageError(
            "session-headings",
            f"{file} has no column for the codes of sessions",
            "Give it one with the heading Kode (or Code), e.g. kelas-barat; docs/sessions.md lists the headings.",
        )
    return found
