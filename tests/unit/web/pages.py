"""The recipient's page in each state that it has."""

from __future__ import annotations

from dispatcher.operations.recipient_view import About, Choice, Event, Page, Stopped
from dispatcher.web.page import page_html

TOKEN = "AbCdEfGhIj1"
ABOUT = About(
    "kelas", "Kelas Pemilu", "Kesbangpol", "id", (Choice("hadir", "Hadir"), Choice("lain", "Lain")), "hadir", ""
)
EVENT = Event("pagi", "Kelas 1", "Balai Kota", "Jl. Merdeka 8", "Asia/Jakarta", 1_802_000_000_000_000, None, 1)
OPEN = Page("open", ABOUT, EVENT, False, False, False, "id", "Siti", may_stop=True)
PAGES = {
    "open": OPEN,
    "coming": OPEN._replace(rsvp="yes", door_code="ABCD-1234", is_visited=True),
    "waiting": OPEN._replace(rsvp="waiting", choices=(Choice("lain", "Lain"),)),
    "pledge": OPEN._replace(event=None, choices=ABOUT.choices, meaning="hadir"),
    "stopped": OPEN._replace(may_stop=False, stopped=Stopped("+62812****678", True)),
    "stopped elsewhere": OPEN._replace(may_stop=False, stopped=Stopped("", False)),
    "shared": OPEN._replace(is_shared=True, first_name="", may_stop=False),
    "past": OPEN._replace(state="past"),
    "over": OPEN._replace(state="over"),
}


def html_of(page: Page, language: str = "") -> str:
    return page_html(page, TOKEN, language, "data@kspl.id").decode()
