"""Plain words for what reports say, in Indonesian and English. JSON keys stay English; people read these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dispatcher.audience.groups import GROUPS

LANGUAGES: Final = ("id", "en")

#: Word → (Indonesian, English).
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    # the funnel
    "selected": ("Dipilih", "Selected"),
    "held_out": ("Tidak dikirimi (pembanding)", "Held out by chance"),
    "skipped": ("Dilewati", "Skipped"),
    "pending": ("Belum diproses", "Not yet processed"),
    "messaged": ("Dibuatkan pesan", "Given a message"),
    "queued": ("Menunggu", "Waiting"),
    "sending": ("Sedang dikirim", "Being sent"),
    "unknown": ("Belum pasti terkirim", "May have been sent"),
    "accepted": ("Diterima penyedia", "Taken by the provider"),
    "sent": ("Dikirim ke operator", "Left for the carrier"),
    "delivered": ("Sampai", "Delivered"),
    "read": ("Dibaca", "Read"),
    "failed": ("Gagal", "Failed"),
    "expired": ("Kedaluwarsa", "Expired"),
    "cancelled": ("Dibatalkan", "Cancelled"),
    # reasons
    "no_consent": ("tidak ada persetujuan", "no consent"),
    "opted_out": ("sudah berhenti berlangganan", "opted out"),
    "no_address": ("tidak ada nomor", "no number"),
    "shared_address": ("nomor dipakai bersama (cukup sekali)", "shared number (messaged once)"),
    "capped": ("sudah cukup banyak pesan", "had enough messages"),
    "minor": ("di bawah umur", "under 18"),
    "ineligible": ("nomor di luar negara pengirim", "number the sender does not serve"),
    "unrenderable": ("data kurang untuk teks ini", "data missing for this text"),
    "invalid_number": ("nomor tidak valid", "invalid number"),
    "unreachable": ("ponsel tidak terjangkau", "phone unreachable"),
    "blocked": ("diblokir", "blocked"),
    "not_on_channel": ("tidak memakai saluran ini", "not on this channel"),
    "filtered": ("isi pesan ditolak", "content refused"),
    "template": ("templat bermasalah", "template problem"),
    "outside_window": ("di luar 24 jam WhatsApp", "outside WhatsApp's 24 hours"),
    "misconfigured": ("pengaturan pengirim salah", "sender set up wrongly"),
    "unsupported": ("saluran tidak mendukung pesan ini", "not supported by the channel"),
    "throttled": ("terlalu cepat", "too fast"),
    "provider_error": ("gangguan penyedia", "provider error"),
    "synthetic_contact": ("kontak contoh", "made-up contact"),
    "settled_not_sent": ("dipastikan tidak terkirim", "settled as not sent"),
    "other": ("lainnya", "other"),
    # states
    "scheduled": ("terjadwal", "scheduled"),
    "running": ("berjalan", "running"),
    "paused": ("dijeda", "paused"),
    "done": ("selesai", "done"),
    "expanding": ("sedang disiapkan", "being prepared"),
    "expanded": ("sedang dikirim", "being sent"),
    # headings
    "title_report": ("Laporan kampanye", "Campaign report"),
    "state": ("Keadaan", "State"),
    "as_of": ("Per", "As of"),
    "reach": ("Jangkauan", "Reach"),
    "people": ("orang", "people"),
    "reached": ("Terjangkau", "Reached"),
    "goal": ("Target", "Goal"),
    "share": ("Pencapaian", "Share of the goal"),
    "unconfirmed": ("Tanpa konfirmasi", "Without a receipt"),
    "households_estimate": ("Rumah tangga (perkiraan)", "Households (estimate)"),
    "funnel": ("Alur pesan", "Funnel"),
    "steps": ("Tahap", "Steps"),
    "step": ("Tahap", "Step"),
    "sender": ("Pengirim", "Sender"),
    "hop": ("Urutan", "Hop"),
    "hops": ("Pesan per pengirim", "Messages by sender"),
    "messages": ("pesan", "messages"),
    "segments": ("segmen", "segments"),
    "groups": ("Kelompok", "Groups"),
    "group": ("Kelompok", "Group"),
    "regions": ("Wilayah", "Regions"),
    "region": ("Wilayah", "Region"),
    "failures": ("Kegagalan", "Failures"),
    "reason": ("Alasan", "Reason"),
    "code": ("Kode", "Code"),
    "explanation": ("Penjelasan", "Explanation"),
    "answers": ("Jawaban", "Answers"),
    "answer": ("Jawaban", "Answer"),
    "answered": ("Menjawab", "Answered"),
    "answers_by_step": ("Jawaban per tahap", "Answers by step"),
    "by_link": ("lewat tautan", "by link"),
    "visits": ("Kunjungan halaman", "Page visits"),
    "visited": ("Membuka halaman", "Opened their page"),
    "shared": ("Dibuka lewat tautan bagikan", "Openings of the shared link"),
    "previewed": ("Diambil oleh program (pratinjau)", "Fetched by a program"),
    "attendance": ("Kehadiran", "Attendance"),
    "session": ("Acara", "Session"),
    "place": ("Tempat", "Place"),
    "starts": ("Mulai", "Starts"),
    "checked_in": ("Hadir", "Checked in"),
    "attendance_steps": ("Kehadiran per tahap", "Attendance by step"),
    "attendance_groups": ("Kehadiran per kelompok", "Attendance by group"),
    "attendance_regions": ("Kehadiran per wilayah", "Attendance by region"),
    "capacity": ("Kapasitas", "Capacity"),
    "invited": ("Diundang", "Invited"),
    "said_yes": ("Akan hadir", "Said yes"),
    "waiting": ("Daftar tunggu", "Waiting list"),
    "declined": ("Tidak bisa", "Said no"),
    "came": ("Hadir", "Came"),
    "uninvited": ("Hadir tanpa undangan", "Came uninvited"),
    "guests": ("Tamu tanpa kode", "Guests without a code"),
    "no_show": ("Berjanji, tidak hadir", "Said yes, did not come"),
    "cost": ("Biaya", "Cost"),
    "total": ("Jumlah", "Total"),
    "none": ("(tidak diketahui)", "(not known)"),
    "no_group": ("(tanpa kelompok)", "(no group)"),
    "exchanged": ("Dengan kurs", "At the exchange rate"),
    # notes
    "note_steps": (
        "Orang yang ada di beberapa tahap dihitung di tiap tahap.",
        "Somebody who is in several steps counts in each of them.",
    ),
    "note_reach": (
        "Terjangkau: orang yang menerima paling sedikit satu pesan, dihitung sekali.",
        "Reached: people to whom at least one message was delivered, each counted once.",
    ),
    "note_groups": (
        "Satu orang dihitung di setiap kelompoknya, sehingga jumlah kelompok melebihi jumlah orang.",
        "A person counts in each of their groups, so groups add up to more than the people.",
    ),
    "note_attendance": (
        "Hadir: orang yang diundang dan datang. Yang datang tanpa undangan dan tamu tanpa kode dihitung tersendiri.",
        "Came: people who were invited and came. Those who came uninvited and guests without a code are counted apart.",
    ),
    "note_households": (
        "Perkiraan: rumah tangga yang diwakili ketua RT, ketua RW, dan kader Dasawisma yang terjangkau; bukan orang.",
        "An estimate: households that reached heads of RT, RW and Dasawisma stand for; not people.",
    ),
    "note_failures": (
        "Pesan yang gagal; orangnya mungkin tetap terjangkau lewat pengirim berikutnya.",
        "Messages that failed; the person may still have been reached by the next sender.",
    ),
    "note_visits": (
        "Membuka halaman: orang, dihitung sekali. Pratinjau pesan dan pemindai dihitung terpisah; tautan bagikan "
        "menghitung pembukaan, bukan orang.",
        "Opened: people, once each. Previews and scanners count apart; the shared link counts openings, not people.",
    ),
    "note_by_link": (
        "Tautan dapat diteruskan: jawaban lewat tautan mungkin diberikan oleh orang lain.",
        "Links can be passed on: an answer by link may have been given by somebody else.",
    ),
    "note_unpriced": (
        "Tanpa harga, jadi tidak termasuk biaya:",
        "Without a price, and so not part of the cost:",
    ),
    "note_privacy": (
        "Laporan ini tidak memuat data pribadi.",
        "This report holds no personal data.",
    ),
}


def label(word: str, language: str = "id") -> str:
    """The word itself where nothing better is known."""
    found = _WORDS.get(word)
    return word if found is None else found[0 if language == "id" else 1]


def group_label(slug: str, language: str, declared: Mapping[str, str]) -> str:
    """`declared`: labels of the settings' own groups."""
    if not slug:
        return label("no_group", language)
    group = GROUPS.get(slug)
    if group is None:
        return declared.get(slug, slug)
    return group.label_id if language == "id" else group.label_en


def number(value: int | float, language: str) -> str:
    """12.345 in Indonesian, 12,345 in English."""
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
    return text.translate({ord(","): ".", ord("."): ","}) if language == "id" else text


def percent(share: float, language: str) -> str:
    return f"{number(share * 100, language)}%"
