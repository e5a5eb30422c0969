"""The recipient's page as HTML and as a calendar entry. No script; nothing is loaded from anywhere else."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from dispatcher.operations.recipient_view import Event, Page
from dispatcher.render import calendar
from dispatcher.render.filters import moment_text, time_text
from dispatcher.web.words import LANGUAGES, WORDS

FOLDER: Final = Path(__file__).parent / "pages"

_CSS: Final = (FOLDER / "page.css").read_text(encoding="utf-8").replace("\n", "")
_STYLE: Final = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE}'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False
)
_ENVIRONMENT.globals["css"] = Markup(_CSS)  # noqa: S704  ours
_PAGE: Final = _ENVIRONMENT.get_template("page.html")
_NOTICE: Final = _ENVIRONMENT.get_template("notice.html")
_MAP: Final = "https://www.google.com/maps/search/?api=1&query="


def page_html(page: Page, token: str, language: str, contact: str) -> bytes:
    """`language`: as asked for, else "". Less than 30 KB."""
    language = language or page.language or page.campaign.language
    language = language if language in LANGUAGES else "id"
    words, event = WORDS[language], page.event
    return _PAGE.render(
        page=page,
        event=event,
        t=words,
        language=language,
        other_language=_other(language),
        here=token,
        title=event.title if event else page.campaign.title,
        owner=page.campaign.owner or words["organiser"],
        contact=contact,
        when=_when(event, language) if event else "",
        directions=_MAP + quote(f"{event.place}, {event.address}".strip(", "), safe="") if event else "",
        answered=_answered(page, words),
        qr=_qr(page.door_code, words["qr"]) if page.door_code else "",
        counts=not page.is_visited or page.is_shared,
    ).encode()


@lru_cache(maxsize=16)
def notice_html(kind: str, language: str) -> bytes:
    """A page that shows nothing of anyone: `unknown`, `gone`, `many`, `away`."""
    language = language if language in LANGUAGES else "id"
    other = _other(language)
    return _NOTICE.render(
        language=language,
        other_language=other,
        heading=WORDS[language][kind],
        text=WORDS[language][f"{kind}_text"],
        other_text=WORDS[other][f"{kind}_text"],
    ).encode()


def calendar_entry(event: Event, owner: str, host: str) -> bytes:
    """Without personal data: the same for everyone who is invited."""
    where = ", ".join(filter(None, (event.place, event.address)))
    uid = f"{event.code}@{host or 'dispatcher'}"
    return calendar.event(uid, event.title, where, owner, event.starts_us, event.ends_us, event.updated_us).encode()


def _other(language: str) -> str:
    return "en" if language == "id" else "id"


def _when(event: Event, language: str) -> str:
    starts = moment_text(event.starts_us, language, event.zone)
    if event.ends_us is None:
        return starts
    ends = moment_text(event.ends_us, language, event.zone)
    same_day = starts.rsplit(" ", 3)[0] == ends.rsplit(" ", 3)[0]
    until = WORDS[language]["until"]
    return f"{starts} {until} {time_text(event.ends_us, language, event.zone) if same_day else ends}"


def _answered(page: Page, words: Any) -> str:
    if page.rsvp:
        return str(words[f"said_{page.rsvp}"])
    label = next((choice.label for choice in page.choices if choice.meaning == page.meaning), "")
    return f"{words['said']} {label}." if label else ""


@lru_cache(maxsize=4096)
def _qr(code: str, title: str) -> Markup:
    """`D:` and the code, which fit a QR code of the smallest size with a quarter of it to spare for damage.

    The mask is given: to try all eight takes eight times as long, and readers take any.
    """
    import segno

    content = f"D:{code.replace('-', '')}"
    made = segno.make_qr(content, error="q", version=1, mode="alphanumeric", mask=2, boost_error=False)
    drawn = made.svg_inline(border=4, omitsize=True, light="#fff", svgclass=None, lineclass=None)
    return Markup(drawn.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1))  # noqa: S704  ours
