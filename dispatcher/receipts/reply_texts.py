"""What automatic answers say where neither campaign nor settings say it: neutral, one SMS, known as a machine's.

Each tells that it is automatic, so that another robot falls silent (autoreply.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from dispatcher.receipts.autoreply import Kind

Saying = Kind | Literal["waiting", "which-session"]
"""`waiting`: the session is full; `which-session`: invited to several, and none was named."""

SAYINGS: Final[tuple[Saying, ...]] = (
    "stop", "start", "help", "answer", "not-understood", "waiting", "which-session",
)  # fmt: skip
CODES: Final = "{codes}"
"""In `which-session`, where the codes go."""

#: An answer without words of its campaign's own is not answered.
BUILT_IN: Final[Mapping[Saying, Mapping[str, str]]] = {
    "stop": {
        "id": "Permintaan Anda kami catat: kami tidak akan mengirim pesan lagi ke nomor ini. (Balasan otomatis)",
        "en": "Your request is noted: we will send no more messages to this number. (Automatic reply)",
    },
    "start": {
        "id": "Terima kasih. Permintaan Anda kami teruskan kepada petugas. (Balasan otomatis)",
        "en": "Thank you. Your request was passed on to our staff. (Automatic reply)",
    },
    "help": {
        "id": "Pesan Anda kami teruskan kepada petugas. Balas STOP untuk berhenti menerima pesan. (Balasan otomatis)",
        "en": "Your message was passed on to our staff. Reply STOP to receive no more messages. (Automatic reply)",
    },
    "not-understood": {
        "id": "Terima kasih. Pesan Anda kami teruskan kepada petugas. Balas STOP untuk berhenti. (Balasan otomatis)",
        "en": "Thank you. Your message was passed on to our staff. Reply STOP to stop. (Automatic reply)",
    },
    "waiting": {
        "id": "Terima kasih. Tempat sudah penuh; Anda kami catat dalam daftar tunggu. (Balasan otomatis)",
        "en": "Thank you. All places are taken; you are on the waiting list. (Automatic reply)",
    },
    "which-session": {
        "id": "Terima kasih. Anda diundang ke beberapa acara. Balas dengan kodenya: {codes}. (Balasan otomatis)",
        "en": "Thank you. You are invited to several events. Reply with the code: {codes}. (Automatic reply)",
    },
}


def text_of(saying: Saying, language: str, own: Mapping[Saying, Mapping[str, str]]) -> str:
    """`own`: of the settings, by language or "" for all. "" where there is nothing to say."""
    for texts in (own.get(saying, {}), BUILT_IN.get(saying, {})):
        for key in (language, "", "id", "en"):
            if texts.get(key):
                return texts[key]
    return ""
