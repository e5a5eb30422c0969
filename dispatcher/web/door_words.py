"""What the door page says, in Indonesian and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("id", "en")

#: Word → (Indonesian, English).
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    # the page
    "page": ("Pintu masuk", "Check-in"),
    "switch": ("English", "Bahasa Indonesia"),
    "counts": ("Hadir {present}", "{present} here"),
    "counts_expected": ("{expected} menyatakan akan hadir", "{expected} said they would come"),
    "counts_capacity": ("{capacity} tempat", "{capacity} places"),
    "scan": ("Pindai kode QR", "Scan the QR code"),
    "stop_scan": ("Tutup kamera", "Close the camera"),
    "camera": ("Gambar kamera", "Camera picture"),
    "code": ("Kode tamu", "Guest's code"),
    "code_hint": (
        "Delapan huruf dan angka, misalnya 7K3M-Q2XD. Huruf kecil, spasi, dan tanda hubung tidak berpengaruh.",
        "Eight letters and digits, e.g. 7K3M-Q2XD. Small letters, spaces and dashes make no difference.",
    ),
    "check_in": ("Catat kehadiran", "Check in"),
    "guest": ("Tamu tanpa kode", "Guest without a code"),
    "guest_about": (
        "Tanpa nomor, tamu hanya dihitung. Dengan nomor, tamu yang sudah terdaftar ditemukan. Nama dan nomor tamu baru "
        "hanya disimpan bila tamu setuju dihubungi.",
        "Without a number the guest is only counted. With one, a guest who is on record is found. A new guest's name "
        "and number are kept only if they agree to be contacted.",
    ),
    "number": ("Nomor HP (boleh kosong)", "Mobile number (may be empty)"),
    "name": ("Nama (boleh kosong)", "Name (may be empty)"),
    "group": ("Kelompok", "Group"),
    "no_group": ("Tidak disebutkan", "Not told"),
    "agrees": (
        "Tamu menyatakan setuju menerima pesan berikutnya, dan tahu bahwa ia dapat berhenti kapan saja.",
        "The guest agrees to receive further messages, and knows that they can stop them at any time.",
    ),
    "register": ("Daftarkan tamu", "Register the guest"),
    "undo": ("Batalkan", "Undo"),
    "undo_earlier": ("Catatan itu keliru? Batalkan", "Was that a mistake? Undo it"),
    "choose": ("Nomor ini dipakai bersama. Siapa yang hadir?", "This number is shared. Who is here?"),
    "privacy": (
        "Halaman ini untuk petugas. Jangan teruskan tautannya, dan tutup halaman setelah selesai.",
        "This page is for officers. Do not pass its link on, and close it when you are done.",
    ),
    "waiting": (
        "Jaringan lemah. {n} catatan tersimpan di ponsel dan dikirim lagi otomatis; jangan tutup halaman ini.",
        "The network is weak. {n} on this phone will be sent again by themselves; do not close this page.",
    ),
    "no_camera": (
        "Kamera tidak dapat dibuka. Izinkan kamera di peramban, atau ketik kodenya.",
        "The camera cannot be opened. Allow it in the browser, or type the code.",
    ),
    "not_ours": ("Ini bukan kode QR undangan.", "This is not the QR code of an invitation."),
    # outcomes
    "welcome": ("Selamat datang, {name}", "Welcome, {name}"),
    "welcome_detail": ("Tercatat pukul {time}", "Checked in at {time}"),
    "already": ("{name} sudah tercatat", "{name} is checked in already"),
    "already_detail": (
        "Sejak pukul {time}{where}. Tidak perlu dicatat lagi.",
        "Since {time}{where}. There is nothing left to do.",
    ),
    "where": (" di {door}", " at {door}"),
    "nameless": ("Tamu undangan", "Invited guest"),
    "guest_counted": ("Tamu tercatat", "Guest counted"),
    "guest_detail": ("Pukul {time}. Nama dan nomornya tidak disimpan.", "At {time}. No name or number was kept."),
    "refused": (
        "Nomor ini pernah meminta berhenti, jadi tetap tidak dikirimi pesan. Bila tamu ingin mulai lagi, mintalah ia "
        "mengirim MULAI dari ponselnya.",
        "This number once asked to stop, so it still gets no messages. To start again, the guest sends START from "
        "their own phone.",
    ),
    "no-mobile": (
        "Nomor ini tidak dapat dipakai untuk pesan, jadi tidak disimpan.",
        "This number cannot be used for messages, so it was not kept.",
    ),
    "unknown": ("Kode tidak dikenal", "Unknown code"),
    "unknown_detail": (
        "Periksa lagi huruf dan angkanya, atau daftarkan sebagai tamu tanpa kode.",
        "Check its letters and digits, or register a guest without a code.",
    ),
    "unreadable": ("Kode belum lengkap", "Incomplete code"),
    "elsewhere": ("Kode untuk acara lain", "A code for another event"),
    "shared": ("Pilih orangnya", "Choose the person"),
    "shared_detail": (
        "Kode ini dimiliki dua orang. Cari dengan nomor HP di bawah.",
        "Two people have this code. Look for them by mobile number below.",
    ),
    "bad_number": ("Nomor HP belum benar", "The mobile number is not right"),
    "number_needed": (
        "Untuk menyimpan persetujuan, isi nomor HP tamu.",
        "To keep the consent, fill in the guest's mobile number.",
    ),
    "undone": ("Dibatalkan", "Undone"),
    "undone_detail": ("{name} tidak lagi tercatat hadir.", "{name} is no longer checked in."),
    "undone_guest": ("Satu tamu dikurangi dari hitungan.", "One guest was taken off the count."),
    "not-undone": ("Tidak ada yang dibatalkan", "There was nothing to undo"),
    "not-undone_detail": ("Catatan itu sudah dibatalkan atau berubah.", "It was undone or changed before."),
    "slow": ("Terlalu banyak kode yang tidak dikenal", "Too many unknown codes"),
    "slow_detail": ("Tunggu satu menit, lalu coba lagi.", "Wait a minute, then try again."),
    # a door that is shut
    "shut": ("Tautan ini tidak berlaku", "This link does not work"),
    "shut_unknown": (
        "Periksa apakah alamatnya lengkap, atau mintalah tautan baru kepada penyelenggara.",
        "Check that its address is complete, or ask the organisers for a new one.",
    ),
    "shut_revoked": (
        "Tautan ini telah dicabut. Mintalah tautan baru kepada penyelenggara.",
        "It was withdrawn. Ask the organisers for a new one.",
    ),
    "shut_over": ("Acaranya sudah selesai. Terima kasih.", "The event is over. Thank you."),
    "away": ("Layanan sedang terganggu", "The service is not available"),
    "away_detail": (
        "Catatan tadi belum tersimpan. Coba lagi sebentar lagi.",
        "That was not stored. Please try again in a moment.",
    ),
}


def say(word: str, language: str, **values: object) -> str:
    text = _WORDS[word][0 if language == "id" else 1]
    return text.format(**values) if values else text


def words_in(language: str) -> Mapping[str, str]:
    """All of them, as they stand."""
    return {word: say(word, language) for word in _WORDS}
