"""Dates, booleans and numbers as spreadsheets and clerks write them, and the type of a column of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final, Literal

AttributeType = Literal["integer", "number", "date", "boolean", "text"]
AttributeValue = int | float | str | bool

_TRUE: Final = frozenset(["ya", "y", "yes", "true", "benar", "iya", "setuju", "sudah", "bersedia", "ok", "oke"])
_FALSE: Final = frozenset(["tidak", "t", "tdk", "no", "n", "false", "salah", "belum", "menolak", "tolak"]) | {
    "tidak setuju",
    "tidak bersedia",
}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:[.,][0-9]{1,15})?")
#: "1.250" is 1250 in Indonesian and 1.25 in English.
_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}(?:[.,][0-9]{3})+")
_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})")
_IN_WORDS = re.compile(r"(\d{1,2})[- ]([A-Za-z]{3,9})\.?[- ](\d{4}|\d{2})")
_MONTHS: Final = {
    "jan": 1, "feb": 2, "peb": 2, "mar": 3, "apr": 4, "mei": 5, "may": 5, "jun": 6, "jul": 7, "agu": 8,
    "ags": 8, "agt": 8, "aug": 8, "sep": 9, "okt": 10, "oct": 10, "nov": 11, "nop": 11, "des": 12, "dec": 12,
}  # fmt: skip


@lru_cache(maxsize=65536)
def parse_date(text: str, latest: date = date(9999, 12, 31)) -> date | None:
    """ISO, day first ("10/02/2005", "10-2-05") or in words ("10 Februari 2005", "10-Feb-2005"); None if it is no date.

    Month first is read where the second number cannot be a month. Years of two digits fall in the hundred years before
    `latest`.
    """
    text = text.strip()
    if iso := _ISO.fullmatch(text):
        return _date(int(iso[1]), int(iso[2]), int(iso[3]))
    if numbers := _DAY_FIRST.fullmatch(text):
        day, month, year = int(numbers[1]), int(numbers[2]), _year(numbers[3], latest)
        return _date(year, month, day) or (_date(year, day, month) if month > 12 else None)
    if named := _IN_WORDS.fullmatch(text):
        return _date(_year(named[3], latest), _MONTHS.get(named[2][:3].lower(), 0), int(named[1]))
    return None


@lru_cache(maxsize=1024)
def parse_boolean(text: str) -> bool | None:
    """ya/tidak, yes/no, true/false, setuju/tidak setuju …; None for anything else."""
    word = " ".join(text.lower().split())
    return True if word in _TRUE else False if word in _FALSE else None


def parse_value(text: str, wanted: AttributeType) -> AttributeValue | None:
    """The value of an attribute; None where the text is not of that type. Dates come as ISO text."""
    if wanted == "text":
        return text
    if wanted == "integer":
        text = text.removesuffix(".0")
        return int(text) if _INTEGER.fullmatch(text) else None
    if wanted == "number":
        return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None
    if wanted == "boolean":
        return parse_boolean(text)
    found = parse_date(text)
    return found.isoformat() if found else None


def infer_type(values: Iterable[str]) -> tuple[AttributeType, bool]:
    """The narrowest type every value has, and whether some values had another one, so that it fell back to text."""
    kinds = {_kind(value) for value in values}
    if not kinds or "text" in kinds:
        return "text", len(kinds) > 1
    if kinds <= {"integer", "number"}:
        return ("number" if "number" in kinds else "integer"), False
    return (kinds.pop(), False) if len(kinds) == 1 else ("text", True)


def _kind(text: str) -> AttributeType:
    if _INTEGER.fullmatch(text):
        return "integer"
    if _NUMBER.fullmatch(text) and not _THOUSANDS.fullmatch(text):
        return "number"
    if parse_boolean(text) is not None:
        return "boolean"
    return "date" if parse_date(text) else "text"


def _year(digits: str, latest: date) -> int:
    if len(digits) == 4:
        return int(digits)
    last = min(latest.year, 2099)
    year = last - last % 100 + int(digits)
    return year if year <= last else year - 100


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
