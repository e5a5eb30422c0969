"""What the recipient's page says: Indonesian, English. Polite, plain, and as short as it may be on a small screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("id", "en")

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "from": ("Dari", "From"),
    "organiser": ("penyelenggara", "the organiser"),
    "when": ("Waktu", "When"),
    "where": ("Tempat", "Where"),
    "until": ("sampai", "to"),
    "will_you_come": ("Apakah Anda akan hadir?", "Will you come?"),
    "your_answer": ("Jawaban Anda", "Your answer"),
    "for_whom": ("Jawaban di halaman ini dicatat untuk", "Answers on this page are recorded for"),
    "not_you": (
        "Bila itu bukan Anda, mohon jangan menjawab di sini.",
        "If that is not you, please do not answer here.",
    ),
    "yes": ("Saya akan hadir", "I will come"),
    "no": ("Saya tidak bisa hadir", "I cannot come"),
    "said_yes": ("Terima kasih, kehadiran Anda kami catat.", "Thank you, we expect you."),
    "said_no": (
        "Terima kasih atas kabarnya, Anda tercatat tidak bisa hadir.",
        "Thank you for telling us; you are recorded as not coming.",
    ),
    "said_waiting": (
        "Tempat sudah penuh. Anda kami catat di daftar tunggu dan akan mendapat tempat bila ada yang batal.",
        "There is no place left. You are on the waiting list, and get a place if somebody else cannot come.",
    ),
    "said": ("Jawaban Anda tercatat:", "Your answer is recorded:"),
    "change": ("Anda dapat mengubahnya di sini kapan saja.", "You can change it here at any time."),
    "door": ("Kode untuk di pintu masuk", "Your code for the door"),
    "door_how": (
        "Tunjukkan kode ini kepada petugas. Cukup dari layar, tidak perlu dicetak.",
        "Show this code at the entrance. The screen is enough; there is no need to print it.",
    ),
    "qr": ("Kode QR untuk pintu masuk", "QR code for the door"),
    "calendar": ("Tambahkan ke kalender", "Add to calendar"),
    "directions": ("Petunjuk arah", "Directions"),
    "past": ("Acara ini sudah selesai.", "This event is over."),
    "over": (
        "Tautan ini sudah tidak berlaku, dan jawaban tidak lagi diterima.",
        "This link has expired, and answers are no longer taken.",
    ),
    "shared": (
        "Halaman ini boleh Anda bagikan. Untuk menjawab undangan, gunakan tautan pribadi di pesan yang Anda terima.",
        "You may pass this page on. To answer an invitation, use the personal link in the message you received.",
    ),
    "stop": ("Berhenti menerima pesan", "Stop these messages"),
    "stop_how": (
        "Berlaku seketika untuk nomor yang menerima pesan dengan tautan ini. Dapat dibatalkan selama 7 hari.",
        "Takes effect at once for the number that received the message with this link. You can undo it for 7 days.",
    ),
    "stop_now": ("Berhenti", "Stop"),
    "stopped": ("Pesan sudah dihentikan", "Messages are stopped"),
    "stopped_number": ("Kami tidak lagi mengirim pesan ke nomor", "We no longer send messages to the number"),
    "stopped_other": (
        "Kami tidak lagi mengirim pesan ke nomor yang menerima pesan ini.",
        "We no longer send messages to the number that received this message.",
    ),
    "undo_why": (
        "Bila ini bukan kehendak pemilik nomor, batalkan dalam 7 hari. Pesan yang telanjur batal tidak dikirim lagi.",
        "If the owner of the number did not want this, undo it within 7 days. What was cancelled is not sent again.",
    ),
    "undo": ("Batalkan, kirim pesan lagi", "Undo, send messages again"),
    "privacy": ("Data pribadi Anda", "Your personal data"),
    "privacy_who": (
        "{owner} bertanggung jawab atas data ini.",
        "{owner} is responsible for this data.",
    ),
    "privacy_what": (
        "Yang disimpan: nama, nomor, wilayah, dan kelompok Anda, pesan yang dikirim kepada Anda, jawaban Anda, "
        "dan apakah halaman ini dibuka.",
        "What is kept: your name, number, area and groups, the messages sent to you, your answers, and whether this "
        "page was opened.",
    ),
    "privacy_shared": (
        "Halaman ini hanya menghitung berapa kali dibuka, bukan oleh siapa.",
        "This page only counts how often it is opened, not by whom.",
    ),
    "privacy_contact": (
        "Untuk melihat, memperbaiki, atau menghapus data Anda, hubungi:",
        "To see, correct or erase your data, contact:",
    ),
    "privacy_ask": (
        "Untuk melihat, memperbaiki, atau menghapus data Anda, hubungi {owner}.",
        "To see, correct or erase your data, contact {owner}.",
    ),
    "other": ("English", "Bahasa Indonesia"),
    # notices
    "unknown": ("Tautan tidak ditemukan", "Link not found"),
    "unknown_text": (
        "Mohon periksa lagi tautan di pesan yang Anda terima: salin seluruhnya, dengan huruf besar dan kecilnya.",
        "Please look again at the link in your message: copy all of it, with capitals and small letters as they are.",
    ),
    "gone": ("Tautan ini sudah tidak berlaku", "This link is no longer valid"),
    "gone_text": (
        "Data untuk tautan ini sudah dihapus. Anda tidak perlu melakukan apa pun.",
        "The data behind this link was erased. There is nothing you need to do.",
    ),
    "many": ("Mohon tunggu sebentar", "Please wait a moment"),
    "many_text": (
        "Terlalu banyak tautan yang salah dari jaringan Anda. Silakan coba lagi setelah satu menit.",
        "Too many wrong links came from your network. Please try again in a minute.",
    ),
    "away": ("Halaman sedang tidak tersedia", "The page is not available just now"),
    "away_text": (
        "Mohon maaf, terjadi gangguan. Silakan coba lagi beberapa saat lagi; tautan Anda tetap berlaku.",
        "We are sorry, something is wrong. Please try again in a little while; your link stays valid.",
    ),
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: {key: words[index] for key, words in _WORDS.items()} for index, language in enumerate(LANGUAGES)
}
