"""A campaign that lint has nothing to say about, and ways to spoil it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from dispatcher.campaign.context import Known, LintContext
from dispatcher.campaign.loader import load_campaign
from dispatcher.campaign.model import Caps
from dispatcher.campaign.rules import lint
from dispatcher.campaign.senders import SenderFacts
from dispatcher.campaign.standing import Standing, settled
from dispatcher.core.clock import to_us
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.operations.text_facts import text_facts
from dispatcher.operations.validate import check_expression

NOW_US = to_us(datetime(2026, 11, 24, tzinfo=UTC))

GOOD = """\
version: 1
campaign: ajakan-memilih
title: Ajakan menggunakan hak pilih
owner: Kesbangpol
purpose: pendidikan-pemilih
window:
  open: "08:00"
  close: "20:00"
minors:
  basis: Persetujuan orang tua lewat sekolah
audience:
  groups: [pelajar, mahasiswa]
  regions: ["31.74", "31.74.05.1003/7/3"]
  where: umur >= 17
variables:
  hari: 2027-02-10
stop:
  sms: "Stop: kesbangpol.jakarta.go.id/stop"
  whatsapp: Balas BERHENTI untuk berhenti.
sessions:
  pagi:
    title: Sosialisasi Pemilu
    place: Balai Kota
    region: "31.73.01"
    starts: 2027-01-20 09:00
    ends: 2027-01-20 12:00
answers:
  - keywords: [HADIR, YA]
    meaning: hadir
    rsvp: "yes"
    reply: Terima kasih, sampai jumpa.
steps:
  - name: undangan
    at: {before: 2 days, at: "09:00"}
    sessions: [pagi]
    text: "{{ session.title }} di {{ session.place }}, {{ session.starts | waktu }}. {{ stop }}"
    route:
      - senders: sms-utama
  - name: ajakan
    at: 2027-02-03 09:00
    text:
      id: |
        Yth. {{ contact.name | nama }},
        gunakan hak pilih Anda pada {{ hari | tanggal }}.
        {{ stop }}
      en: Dear {{ contact.first_name }}, use your vote on {{ hari | date }}. {{ stop }}
    route:
      - senders: {wa-utama: 3, wa-kedua: 1}
        after: 4 hours
        template:
          id: HX123
          parameters:
            "1": "{{ contact.name | nama }}"
          body: Yth. {{1}}, gunakan hak pilih Anda. Balas BERHENTI untuk berhenti.
      - senders: [sms-utama]
"""

SENDERS = {
    "sms-utama": SenderFacts("sms-utama", "twilio-sms", "sms", "KESBANGPOL"),
    "sms-kedua": SenderFacts("sms-kedua", "twilio-sms", "sms", "KESBANGPOL"),
    "wa-utama": SenderFacts("wa-utama", "twilio-whatsapp", "whatsapp", "+62811000111", False, True),
    "wa-kedua": SenderFacts("wa-kedua", "twilio-whatsapp", "whatsapp", "+62811000222", False, True),
}
GROUPS = frozenset({"pelajar", "mahasiswa", "rt", "pkk"})
ATTRIBUTES = {"kelas": "text"}
KNOWN = Known(
    groups=GROUPS,
    purposes=frozenset({"pendidikan-pemilih", "undangan-kegiatan"}),
    caps=Caps(per_day=2),
    roles=frozenset({"ketua"}),
    attributes=ATTRIBUTES,
    campaigns=frozenset({"ikrar-netralitas"}),
    senders=SENDERS,
    sessions={},
    check_expression=lambda text: check_expression(text, {"kelas": "text"}, GROUPS),
)

PAGI = Standing(
    "pagi", "Sosialisasi Pemilu", "Balai Kota", "", "31.73.01", "Asia/Jakarta",
    to_us(datetime(2027, 1, 20, 2, tzinfo=UTC)), to_us(datetime(2027, 1, 20, 5, tzinfo=UTC)), None,
)  # fmt: skip
"""The session of GOOD as a row of the table."""


def spoiled(*changes: tuple[str, str]) -> str:
    """GOOD with each first part replaced by its second; the first must be there."""
    text = GOOD
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def written(folder: Path, text: str) -> Path:
    path = folder / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def findings(folder: Path, text: str, known: Known = KNOWN, now_us: int = NOW_US) -> list[Diagnostic]:
    """All diagnostics, without a child process: these templates are known to be harmless."""
    loaded = load_campaign(written(folder, text))
    if loaded.campaign is None:
        return loaded.diagnostics
    campaign = settled(loaded.campaign, known.sessions or {})
    bare = LintContext(loaded, campaign, now_us, known)
    facts = text_facts(bare, check=lambda *_: [])
    return [*loaded.diagnostics, *lint(LintContext(loaded, campaign, now_us, known, facts))]


def place_of(text: str, part: str) -> tuple[int, int]:
    """Line and column, from 1, of the first occurrence of a part."""
    before = text[: text.index(part)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")
