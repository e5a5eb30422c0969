"""A row of a session file, or the options of `session set`, laid over the session as it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from dispatcher.audience.groups import words
from dispatcher.audience.reasons import Sentence
from dispatcher.audience.session_times import TimeProblem, day_of, instant_us, times_of, zone_of
from dispatcher.campaign.standing import Standing
from dispatcher.core import region
from dispatcher.core.clean import clean_value
from dispatcher.core.clock import from_us

DEFAULT_ZONE: Final = "Asia/Jakarta"
NOTHING: Final = frozenset({"-", "none", "tidak ada"})
"""In a field that need not be given: it is taken away. An empty cell leaves a field as it stands."""

_LONGEST: Final = 200
_CODE: Final = 60
_CAPACITY = re.compile(r"\d{1,3}(?:[. ]?\d{3})*")
_UNFIT: Final = frozenset({"url", "template", "too_long", "bidi"})

REASONS: Final[dict[str, Sentence]] = {
    "code": Sentence(
        "The code is missing or too long: write a short name such as kelas-barat.",
        "Kode kosong atau terlalu panjang. Tulis nama singkat, misalnya kelas-barat.",
    ),
    "code-twice": Sentence(
        "An earlier row of this file has the same code: each session has one row.",
        "Kode ini sudah ada di baris sebelumnya. Setiap sesi ditulis satu kali.",
    ),
    "title": Sentence("A new session needs a title.", "Sesi baru harus punya judul."),
    "place": Sentence("A new session needs a place.", "Sesi baru harus punya tempat."),
    "starts": Sentence("A new session needs a start.", "Sesi baru harus punya waktu mulai."),
    "text": Sentence(
        "A text holds a link, template signs or hidden characters, or is longer than 200 characters.",
        "Teks berisi tautan, tanda templat, atau karakter tersembunyi, atau lebih dari 200 karakter.",
    ),
    "region": Sentence(
        'The region is not known, or several have this name: write its code, e.g. "31.73.01".',
        'Wilayah tidak dikenal, atau ada beberapa yang bernama sama. Tulis kodenya, misalnya "31.73.01".',
    ),
    "no-date": Sentence(
        "The day is missing: write 2027-02-10 09:00, or give a column Tanggal.",
        "Tanggal belum ada. Tulis 2027-02-10 09:00, atau isi kolom Tanggal.",
    ),
    "date": Sentence("The day cannot be read: write 2027-02-10.", "Tanggal tidak terbaca. Tulis 2027-02-10."),
    "time": Sentence(
        "The time of day is missing or cannot be read: write 09:00.", "Jam belum ada atau tidak terbaca. Tulis 09:00."
    ),
    "zone": Sentence(
        "The time zone is not known: write WIB, WITA or WIT.", "Zona waktu tidak dikenal. Tulis WIB, WITA, atau WIT."
    ),
    "ends": Sentence("The session ends before it starts.", "Waktu selesai mendahului waktu mulai."),
    "capacity": Sentence(
        "The capacity is no whole number above 0.", "Kapasitas harus bilangan bulat lebih besar dari 0."
    ),
}


class SessionProblem(Exception):  # noqa: N818 - a row's, told to a clerk
    """`code` is a key of REASONS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_code(text: str) -> str:
    """ "Kelas Barat 1" → kelas-barat-1. SessionProblem where nothing is left."""
    code = words(text).replace(" ", "-")
    if not code or len(code) > _CODE:
        raise SessionProblem("code")
    return code


def read_session(code: str, given: Mapping[str, str], standing: Standing | None) -> Standing:
    """The session with what is given; an empty text leaves a field as it stands. SessionProblem.

    `given`: by field, as written. A start that moves takes the end along, unless that is given too.
    """
    cells = {name: text.strip() for name, text in given.items() if text.strip()}
    try:
        return _checked(_with_times(_with_texts(_base(code, standing), cells), cells))
    except TimeProblem as problem:
        raise SessionProblem(str(problem)) from None


def _base(code: str, standing: Standing | None) -> Standing:
    return standing or Standing(code, "", "", "", "", DEFAULT_ZONE, 0, None, None)


def _checked(session: Standing) -> Standing:
    for name, value in (("title", session.title), ("place", session.place), ("starts", session.starts_us)):
        if not value:
            raise SessionProblem(name)
    if session.ends_us is not None and session.ends_us <= session.starts_us:
        raise SessionProblem("ends")
    return session


def _with_texts(session: Standing, cells: Mapping[str, str]) -> Standing:
    changes: dict[str, Any] = {name: _text(cells[name]) for name in ("title", "place") if name in cells}
    if "address" in cells:
        changes["address"] = "" if _is_nothing(cells["address"]) else _text(cells["address"])
    if "region" in cells:
        changes["region"] = "" if _is_nothing(cells["region"]) else _region(cells["region"])
    if "capacity" in cells:
        changes["capacity"] = None if _is_nothing(cells["capacity"]) else _capacity(cells["capacity"])
    if "zone" in cells:
        changes["zone"] = zone_of(cells["zone"])
    return replace(session, **changes)


def _with_times(session: Standing, cells: Mapping[str, str]) -> Standing:
    """A day and times in columns of their own, or whole instants."""
    day = day_of(cells["date"]) if "date" in cells else None
    start, end = times_of(cells.get("time", ""))
    start, end = cells.get("starts", start), cells.get("ends", end)
    if day is not None and not start:
        raise TimeProblem("time")
    starts_us = instant_us(start, session.zone, day) if start else session.starts_us
    if _is_nothing(end):
        return replace(session, starts_us=starts_us, ends_us=None)
    if end:
        return replace(session, starts_us=starts_us, ends_us=_end_us(end, session.zone, day, starts_us))
    along_us = None if session.ends_us is None else session.ends_us + starts_us - session.starts_us
    return replace(session, starts_us=starts_us, ends_us=along_us)


def _end_us(text: str, zone: str, day: date | None, starts_us: int) -> int:
    """An end without a day is on the day of the start."""
    return instant_us(text, zone, day or from_us(starts_us, zone).date())


def _is_nothing(text: str) -> bool:
    return text.lower() in NOTHING


def _text(text: str) -> str:
    cleaned, found = clean_value(text, _LONGEST)
    if not cleaned or _UNFIT & set(found):
        raise SessionProblem("text")
    return cleaned


def _region(text: str) -> str:
    code = region.find(text).code
    if code is None:
        raise SessionProblem("region")
    return code


def _capacity(text: str) -> int:
    digits = re.sub(r"[. ]", "", text) if _CAPACITY.fullmatch(text) else "0"
    if not 0 < int(digits) < 10_000_000:
        raise SessionProblem("capacity")
    return int(digits)
