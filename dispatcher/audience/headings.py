"""The headings of contact files, Indonesian and English, and the field each one stands for."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from dispatcher.audience.groups import words

#: Spellings of each field as words; numbers at the end ("HP 2") and word breaks do not count.
_SPELLINGS: Final[dict[str, str]] = {
    "external_id": (
        "id, id anggota, no anggota, nomor anggota, kode anggota, member id, contact id, id kontak, nip, nis, "
        "nisn, nim, npm, no induk, nomor induk, external id, no registrasi"
    ),
    "name": (
        "nama, nama lengkap, nama warga, nama anggota, nama peserta, nama penerima, nama pegawai, nama siswa, "
        "nama mahasiswa, name, full name, fullname, contact name, nama kontak"
    ),
    "phone": (
        "hp, no hp, nohp, nomor hp, no handphone, nomor handphone, handphone, ponsel, no ponsel, nomor "
        "ponsel, telepon, no telepon, nomor telepon, telpon, no telpon, telp, no telp, no tlp, tlp, tel, "
        "kontak, no kontak, nomor kontak, phone, phone number, telephone, mobile, mobile phone, mobile "
        "number, cell, cellphone, msisdn, nomor, hp wa, no hp wa, no telp hp, no hp telp, telp hp, no telepon "
        "hp, nomor hp wa, nomor telepon hp, no hp aktif, kontak hp"
    ),
    "sms": "sms, no sms, nomor sms, sms number",
    "whatsapp": (
        "wa, no wa, nowa, nomor wa, whatsapp, no whatsapp, nomor whatsapp, whats app, whatsapp number, wa "
        "number, no wa aktif"
    ),
    "group": "kelompok, grup, group, kategori, golongan, komunitas, organisasi, unsur, segmen, groups",
    "role": "jabatan, peran, posisi, kedudukan, role, position, jabatan dalam organisasi",
    "region": ("kode wilayah, kode kelurahan, kode kemendagri, kode desa, region code, region, wilayah, kode kel"),
    "kelurahan": ("kelurahan, kel, desa, kelurahan desa, desa kelurahan, kel desa, nama kelurahan, village, nama desa"),
    "kecamatan": "kecamatan, kec, nama kecamatan, district, distrik, sub district, subdistrict",
    "city": (
        "kota, kabupaten, kab, kota kab, kota kabupaten, kabupaten kota, kab kota, kota administrasi, kotamadya, city, "
        "regency, wilayah kota"
    ),
    "province": "provinsi, propinsi, prov, province",
    "address": (
        "alamat, alamat lengkap, alamat rumah, alamat domisili, alamat tinggal, domisili, address, home address"
    ),
    "rt": "rt, no rt, nomor rt",
    "rw": "rw, no rw, nomor rw",
    "rt_rw": "rt rw, rtrw, no rt rw",
    "language": "bahasa, language, lang, locale",
    "birth_date": "tanggal lahir, tgl lahir, tgl lhr, lahir, ttl, birth date, date of birth, dob, birthday",
    "gender": "jenis kelamin, kelamin, jk, gender, sex, l p, p l, lp",
    "salutation": "sapaan, panggilan, salutation, title, sebutan",
    "consent": (
        "persetujuan, setuju, consent, opt in, izin, ijin, bersedia, bersedia dihubungi, setuju dihubungi, "
        "persetujuan dihubungi"
    ),
    "zone": "zona waktu, zona, time zone, timezone, tz",
    "ignored": "no, nomor urut, no urut, nr, number, row, baris, tanda tangan, ttd, paraf",
    "nik": (
        "nik, no nik, nomor nik, nomor induk kependudukan, no ktp, ktp, nomor ktp, nik ktp, no identitas, id "
        "number, national id"
    ),
    "family_card": ("no kk, kk, nokk, nomor kk, kartu keluarga, no kartu keluarga, nomor kartu keluarga, family card"),
    "religion": "agama, religion, kepercayaan, agama kepercayaan",
}
#: Fields of which a file may have several columns; the first one ranks highest.
PHONES: Final = frozenset({"phone", "sms", "whatsapp"})
#: Dropped unless the command keeps them.
SENSITIVE: Final = frozenset({"nik", "family_card", "religion"})
FIELDS: Final = frozenset(_SPELLINGS) - SENSITIVE

_FIELD_BY_SPELLING: Final = {
    spelling.replace(" ", "").strip(): name for name, text in _SPELLINGS.items() for spelling in text.split(",")
}
_RANK_AT_END = re.compile(r"(?:ke)?\s*(\d|i{1,3}|utama|lain|alternatif|cadangan)$")
_NOTE = re.compile(r"\([^)]*\)|\*")


class Heading(NamedTuple):
    """What a heading stands for; `field` is "" where it is not known."""

    field: str
    slug: str


def read_heading(text: str) -> Heading:
    """ "No. WA 2 (aktif)" → whatsapp. The slug names the attribute where the field is not known."""
    for candidate in (words(text), words(_NOTE.sub(" ", text))):
        key = candidate.replace(" ", "")
        shorter = _RANK_AT_END.sub("", candidate).strip().replace(" ", "")
        found = _FIELD_BY_SPELLING.get(key) or _field_if_phone(shorter)
        if found:
            return Heading(found, slug(text))
    return Heading("", slug(text))


def slug(text: str) -> str:
    """A name of at most 40 letters, digits and _ that expressions and templates can use; "" for an empty heading."""
    name = words(text).replace(" ", "_")[:40].strip("_")
    return f"k_{name}" if name[:1].isdigit() else name


def _field_if_phone(key: str) -> str:
    found = _FIELD_BY_SPELLING.get(key, "")
    return found if found in PHONES else ""
