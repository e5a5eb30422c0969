"""Why a row of a contact file was rejected, in English and Indonesian, so that a clerk can act on it."""

from __future__ import annotations

from typing import Final, NamedTuple

from dispatcher.core.phone import PROBLEMS


class Sentence(NamedTuple):
    en: str
    id: str


_PHONE_ID: Final = {
    "empty": "Nomor HP kosong. Isi nomor seperti 0812 3456 7890.",
    "not_a_number": "Nomor HP berisi huruf atau tanda lain. Tulis angka saja, seperti 081234567890.",
    "scientific": (
        "Nomor HP diubah lembar kerja menjadi notasi ilmiah sehingga angkanya hilang. "
        "Format kolom sebagai teks, ketik ulang nomornya, lalu simpan lagi."
    ),
    "too_short": "Angka nomor HP kurang. Periksa apakah ada angka yang hilang.",
    "too_long": "Angka nomor HP terlalu banyak. Periksa angka ganda, atau pisahkan beberapa nomor dengan ' / '.",
    "invalid": (
        "Nomor HP tidak dikenal. Awali dengan 0 atau +62 di Indonesia, atau dengan + dan kode negara di luar negeri."
    ),
}


def _sentence(message: str, hint: str) -> str:
    return f"{message[0].upper()}{message[1:]}: {hint}."


REASONS: Final[dict[str, Sentence]] = {
    **{code: Sentence(_sentence(*PROBLEMS[code]), text) for code, text in _PHONE_ID.items()},
    "too_few_cells": Sentence(
        "The row has fewer cells than there are headings: add the missing ones, or quote texts that hold line breaks.",
        "Jumlah sel kurang dari jumlah judul kolom. Lengkapi, atau beri tanda kutip pada teks yang berganti baris.",
    ),
    "too_many_cells": Sentence(
        "The row has more cells than there are headings: put texts that hold the separator in quotes.",
        "Jumlah sel lebih dari jumlah judul kolom. Beri tanda kutip pada teks yang berisi tanda pemisah.",
    ),
    "encoding": Sentence(
        "The row is not in the encoding of the rest of the file: type it again, or save the file as CSV UTF-8.",
        "Pengodean baris ini berbeda dari isi berkas. Ketik ulang, atau simpan berkas sebagai CSV UTF-8.",
    ),
    "nul": Sentence(
        "The row holds binary zeros: type it again, or export the file once more.",
        "Baris ini berisi karakter biner. Ketik ulang, atau ekspor berkas sekali lagi.",
    ),
    "too_large": Sentence(
        "The row is larger than 1 MiB: check for a quote that is never closed.",
        "Baris ini lebih besar dari 1 MiB. Periksa apakah ada tanda kutip yang tidak ditutup.",
    ),
    "quote": Sentence(
        "A quote in the row is never closed: close it, or remove it.",
        "Ada tanda kutip yang tidak ditutup. Tutup atau hapus tanda kutip itu.",
    ),
    "formula": Sentence(
        "A cell holds a formula instead of a value: write the value itself.",
        "Ada sel yang berisi rumus, bukan nilai. Tulis nilainya langsung.",
    ),
    "cell_error": Sentence(
        "A cell holds an error such as #N/A or a formula without a result: write the value itself.",
        "Ada sel yang berisi galat seperti #N/A atau rumus tanpa hasil. Tulis nilainya langsung.",
    ),
}
