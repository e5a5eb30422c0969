"""The recipient's page as HTML and as a calendar entry. No script; nothing is loaded from anywhere else."""

from __future__ import annotations

import base64
import hashlib
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from dispatcher.operations.recipient_view import Event, Page
from dispatcher.render import calendar
from dispatcher.render.filters import moment_text, time_text
from dispatcher.web.words import LANGUAGES, WORDS

FOLDER: Final = Path(__file__).parent / "pages"

_CSS: Final = (FOLDER / "page.css").read_text(encoding="utf-8").replace("\n", "")
_STYLE: Final = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE}'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False
)
_ENVIRONMENT.globals["css"] = Markup(_CSS)  # noqa: S704  ours
_PAGE: Final = _ENVIRONMENT.get_template("page.html")
_NOTICE: Final = _ENVIRONMENT.get_template("notice.html")
_QUIET: Final = 4
"""Light modules around a QR code."""

_MARK: Final = f"@{secrets.token_hex(8)}:"
_TOKEN, _NAME, _NUMBER, _CODE = (f"{_MARK}{index};" for index in range(4))
"""What stands for a person's own until it is filled in: no text can hold it by chance."""

_MAP: Final = "https://www.google.com/maps/search/?api=1&query="


def page_html(page: Page, token: str, language: str, contact: str) -> bytes:
    """`language`: as asked for, else "". Less than 30 KB.

    Rendered once for all who see the same, with what is a person's own left open, and then filled in.
    """
    language = language or page.language or page.campaign.language
    language = language if language in LANGUAGES else "id"
    own = {
        _TOKEN: token,
        _NAME: escape(page.first_name),
        _NUMBER: page.stopped.number if page.stopped else "",
        _CODE: page.door_code,
    }
    html = _alike(_blank(page), language, contact)
    for blank, value in own.items():
        html = html.replace(blank, value)
    return html.encode()


def _blank(page: Page) -> Page:
    """Without what is a person's own, but for whether there is any."""
    stopped = page.stopped
    if stopped and stopped.number:
        stopped = stopped._replace(number=_NUMBER)
    return page._replace(
        is_previewed=False,
        language="",
        first_name=_NAME if page.first_name else "",
        door_code=_CODE if page.door_code else "",
        stopped=stopped,
    )


@lru_cache(maxsize=512)
def _alike(page: Page, language: str, contact: str) -> str:
    words, event = WORDS[language], page.event
    return _PAGE.render(
        page=page,
        event=event,
        t=words,
        language=language,
        other_language=_other(language),
        here=_TOKEN,
        title=event.title if event else page.campaign.title,
        owner=page.campaign.owner or words["organiser"],
        contact=contact,
        when=_when(event, language) if event else "",
        directions=_MAP + quote(f"{event.place}, {event.address}".strip(", "), safe="") if event else "",
        answered=_answered(page, words),
        counts=not page.is_visited or page.is_shared,
    )


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


def door_image(code: str) -> bytes:
    """`D:` and the code as an SVG, in a QR code of the smallest size with a quarter of it to spare for damage.

    An image of its own, since drawing it costs as much as three pages. The mask is given: to try all eight costs five
    times that, and readers take any.
    """
    import segno

    content = f"D:{code.replace('-', '')}"
    made = segno.make_qr(content, error="q", version=1, mode="alphanumeric", mask=2, boost_error=False)
    side = len(made.matrix) + 2 * _QUIET
    dark = "".join(
        f"M{x + _QUIET} {y + _QUIET}h1v1h-1z"
        for y, row in enumerate(made.matrix)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{8 * side}" height="{8 * side}">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{dark}"/></svg>'
    ).encode()
