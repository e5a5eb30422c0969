"""Days and times of day as clerks and spreadsheets write them: "Rabu, 10 Februari 2027 pukul 09.00 WIB"."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from dispatcher.audience.values import parse_date
from dispatcher.core.clock import to_us

ZONES: Final = {"wib": "Asia/Jakarta", "wita": "Asia/Makassar", "wit": "Asia/Jayapura"}
_ZONE = re.compile(r"\s*\b(wib|wita|wit)\.?$", re.IGNORECASE)
_TIME = re.compile(r"(\d{1,2})[.:](\d{2})(?:[.:]00)?")
_DAY_AND_TIME = re.compile(r"(.+?)[\s,T]+(?:(?:pukul|jam|at)\s+)?(\d{1,2}[.:]\d{2}(?:[.:]00)?)", re.IGNORECASE)
_RANGE = re.compile(
    r"(.*?\d{1,2}[.:]\d{2}(?:[.:]00)?)\s*(?:-|–|—|s\.?\s?/?d\.?|sampai|hingga|to|until)\s*(\d{1,2}[.:]\d{2}(?:[.:]00)?|\D*)",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(r"[A-Za-z'’]+\s*,\s*")


class TimeProblem(ValueError):  # noqa: N818 - a row's, told to a clerk
    """What is wrong, as a key of the reasons: `no-date`, `date`, `time`, `zone`."""


def zone_of(text: str) -> str:
    """WIB, WITA, WIT or an IANA name. TimeProblem for anything else."""
    name = ZONES.get(text.strip().lower(), text.strip())
    try:
        return ZoneInfo(name).key
    except (ValueError, KeyError, OSError):
        raise TimeProblem("zone") from None


def instant_us(text: str, zone: str, day: date | None = None) -> int:
    """An instant from "2027-02-10 09:00", with an offset or WIB/WITA/WIT if it has one, else in `zone`.

    `day`: of a time that stands alone. TimeProblem where something is missing or cannot be read.
    """
    text = text.strip()
    if written := _iso(text):
        return to_us(written)
    if named := _ZONE.search(text):
        zone, text = ZONES[named[1].lower()], text[: named.start()]
    on, at = _day_and_time(text)
    on = on or day
    if on is None:
        raise TimeProblem("no-date")
    if at is None:
        raise TimeProblem("time")
    return to_us(datetime.combine(on, at, ZoneInfo(zone)))


def times_of(text: str) -> tuple[str, str]:
    """ "09.00 - 12.00 WIB" into its start and its end; "" for an end that is not given."""
    text = text.strip()
    zone = found[0] if (found := _ZONE.search(text)) else ""
    both = _RANGE.fullmatch(text.removesuffix(zone))
    if both is None:
        return text, ""
    return both[1] + zone, both[2] + zone if _TIME.fullmatch(both[2]) else ""


def day_of(text: str) -> date:
    """A day, with or without its weekday. TimeProblem("date")."""
    found = parse_date(_WEEKDAY.sub("", text.strip(), count=1))
    if found is None or not 2000 <= found.year <= 2100:
        raise TimeProblem("date")
    return found


def _iso(text: str) -> datetime | None:
    """Only with an offset: everything else is read as people write it."""
    try:
        found = datetime.fromisoformat(re.sub(r" (?=[+-]\d{2}:?\d{2}$|Z$)", "", text))
    except ValueError:
        return None
    return found if found.tzinfo and 2000 <= found.year <= 2100 else None


def _day_and_time(text: str) -> tuple[date | None, time | None]:
    text = text.strip()
    if alone := _TIME.fullmatch(text):
        return None, _time(alone)
    if both := _DAY_AND_TIME.fullmatch(text):
        found = _TIME.fullmatch(both[2])
        return day_of(both[1].rstrip(" ,")), _time(found) if found else None
    return day_of(text), None


def _time(match: re.Match[str]) -> time:
    try:
        return time(int(match[1]), int(match[2]))
    except ValueError:
        raise TimeProblem("time") from None
