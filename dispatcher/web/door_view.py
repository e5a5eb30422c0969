"""What became of a request at the door, as an officer reads it: on the page, and for its script."""

from __future__ import annotations

from typing import Any, Final

from dispatcher.campaign.standing import Standing
from dispatcher.core.clock import from_us
from dispatcher.operations.check_in import Arrival, Face, clock_time
from dispatcher.operations.doors import Door
from dispatcher.render.filters import date_text
from dispatcher.store.check_ins import Present
from dispatcher.web.door_words import say

Shown = dict[str, Any]
"""`tone` (good, note, bad), `title`, `detail`, `undo` (the fields of its form, or None) with its label, `choices`."""

_TONES: Final = {"welcome": "good", "guest": "good", "already": "note", "undone": "note", "shared": "note"}


def shown(arrival: Arrival, door: Door, language: str) -> Shown:
    title, detail = _told(arrival, door.session, language)
    if arrival.note:
        detail = f"{detail} {say(arrival.note, language)}".strip()
    return {
        "outcome": arrival.outcome,
        "tone": _TONES.get(arrival.outcome, "bad"),
        "title": title,
        "detail": detail,
        "undo": _undo(arrival),
        "undo_label": say("undo_earlier" if arrival.outcome == "already" else "undo", language),
        "choices": [{"code": face.code, "label": _who(face, language)} for face in arrival.choices],
    }


def problem(word: str, language: str, detail: str = "") -> Shown:
    """Something that is not an arrival."""
    return {
        "outcome": word,
        "tone": "bad",
        "title": say(word, language),
        "detail": detail or say(f"{word}_detail", language),
        "undo": None,
        "undo_label": "",
        "choices": [],
    }


def _told(arrival: Arrival, session: Standing, language: str) -> tuple[str, str]:
    """Title and detail."""
    time = clock_time(arrival.at_us, session.zone, language)
    name = _who(arrival.face, language)
    match arrival.outcome:
        case "welcome":
            return say("welcome", language, name=name), say("welcome_detail", language, time=time)
        case "already":
            where = say("where", language, door=arrival.door) if arrival.door else ""
            return say("already", language, name=name), say("already_detail", language, time=time, where=where)
        case "guest":
            return say("guest_counted", language), say("guest_detail", language, time=time)
        case "elsewhere":
            return say("elsewhere", language), _event(arrival.session, language)
        case "unreadable":
            return say("unreadable", language), say("code_hint", language)
        case "shared":
            return say("shared", language), say("choose" if arrival.choices else "shared_detail", language)
        case "undone":
            detail = say("undone_detail", language, name=name) if arrival.face else say("undone_guest", language)
            return say("undone", language), detail
        case "unknown" | "not-undone" as word:
            return say(word, language), say(f"{word}_detail", language)


def _undo(arrival: Arrival) -> dict[str, str] | None:
    if arrival.outcome == "guest":
        return {"guest": arrival.ref}
    if arrival.outcome in ("welcome", "already") and arrival.face:
        return {"code": arrival.face.code, "at": str(arrival.at_us)}
    return None


def _who(face: Face | None, language: str) -> str:
    name = (face.first_name if face else "") or say("nameless", language)
    return f"{name} (RW {face.rw:02})" if face and face.rw else name


def _event(session: Standing | None, language: str) -> str:
    return f"{session.title}, {when(session, language)}" if session else ""


def when(session: Standing, language: str) -> str:
    """ "Rabu, 10 Februari 2027, 09.00-12.00"."""
    day = date_text(from_us(session.starts_us, session.zone), language)
    times = [clock_time(at, session.zone, language) for at in (session.starts_us, session.ends_us) if at is not None]
    return f"{day}, {'-'.join(times)}"


def counts(present: Present, session: Standing, language: str) -> str:
    """ "Hadir 57 · 64 menyatakan akan hadir · 80 tempat"."""
    parts = [say("counts", language, present=present.known + present.guests)]
    if present.expected:
        parts.append(say("counts_expected", language, expected=present.expected))
    if session.capacity:
        parts.append(say("counts_capacity", language, capacity=session.capacity))
    return " · ".join(parts)
