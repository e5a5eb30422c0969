"""Phone numbers as people and spreadsheets write them, to E.164.

Indonesian numbers follow `lokal`, others libphonenumber. libphonenumber is not asked about numbers that begin with 62:
for the region ID it reads 62812345678 as a landline. Nothing raised here holds the number itself.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, Literal, NamedTuple

from dispatcher.core.errors import UsageError

LineType = Literal["mobile", "landline", "unknown"]

#: No operator holds 0860; every number of the demo and the tests begins with it.
SYNTHETIC_PREFIX: Final = "+62860"

#: What can be wrong with a number: code → message, hint.
PROBLEMS: Final[dict[str, tuple[str, str]]] = {
    "empty": ("the phone number is empty", "fill in a number such as 0812 3456 7890"),
    "not_a_number": ("the phone number holds letters or other signs", "write digits only, such as 081234567890"),
    "scientific": (
        "the spreadsheet shortened the phone number to scientific notation, so digits are lost",
        "format the column as text, enter the numbers again, and save the file once more",
    ),
    "too_short": ("the phone number has too few digits", "check whether digits are missing"),
    "too_long": (
        "the phone number has too many digits",
        "check for a double digit, or separate several numbers with ' / '",
    ),
    "invalid": (
        "this is not a phone number that exists",
        "begin with 0 or +62 in Indonesia, or with + and the country code elsewhere",
    ),
}


class PhoneNumber(NamedTuple):
    """`e164` as "+6281234567890"; `country` is ISO 3166 alpha-2, or "001" for numbers of no country."""

    e164: str
    country: str
    line_type: LineType


class PhoneProblem(UsageError):  # noqa: N818
    """A cell that holds no usable number; `code` is a key of `PROBLEMS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code, *PROBLEMS[code])


# The mobile numbers that need no further reading. 080x is free-phone and premium.
_PLAIN_MOBILE = re.compile(r"(?:\+?620?|0)?(8[1-9][0-9]{7,10})")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_TEXT_MARK = re.compile(r"^=?[\"'’‘`]+|[\"'’‘`]+$")
_LABEL = re.compile(
    r"^(?:tel(?:p|epon|epo?n)?|hp|wa|whatsapp|no|nomor|https?://wa\.me/|wa\.me/)?[.:\s]*(?=[+(\d])", re.IGNORECASE
)
_TAIL = re.compile(r"\s*(?:\((?:wa|hp|whatsapp|aktif)\)|(?:ext|pes)\w*\.?\s*\d+)$", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+")
_FLOAT = re.compile(r"(\+?[0-9]+)[.,]0+")
_FILLING = re.compile(r"[\s().\-‐‑‒–—―_]")
_DIGITS = re.compile(r"\+?[0-9]+")
_SEPARATOR = re.compile(r"[/;,|&\n]|\b(?:dan|atau|and|or)\b", re.IGNORECASE)


def parse_phone(raw: str, country: str = "ID") -> PhoneNumber:
    """One number. `country` is where a number without a country code belongs. Raises PhoneProblem."""
    if country == "ID" and (plain := _PLAIN_MOBILE.fullmatch(raw)):
        return PhoneNumber("+62" + plain[1], "ID", "mobile")
    digits = _digits(raw)
    if country == "ID" and (plain := _PLAIN_MOBILE.fullmatch(digits)):
        return PhoneNumber("+62" + plain[1], "ID", "mobile")
    if digits.startswith("00"):
        return _with_double_zero(digits, country)
    if digits.startswith("+62") or (country == "ID" and not digits.startswith("+")):
        return _indonesian(digits)
    return _foreign(digits, country)


def parse_phones(raw: str, country: str = "ID") -> tuple[list[PhoneNumber], list[PhoneProblem]]:
    """Every number of a cell such as "0812… / 0813…", in order and once each, and what is wrong with the rest."""
    try:
        return [parse_phone(raw, country)], []
    except PhoneProblem as problem:
        whole = problem
    if whole.code == "scientific":  # its decimal comma separates nothing
        return [], [whole]
    parts = [part for part in _SEPARATOR.split(raw) if part.strip()]
    if len(parts) < 2 and whole.code == "too_long":
        parts = raw.split()
    if len(parts) < 2:
        return [], [whole]
    return _parse_parts(parts, country)


def _parse_parts(parts: list[str], country: str) -> tuple[list[PhoneNumber], list[PhoneProblem]]:
    numbers: dict[str, PhoneNumber] = {}
    problems = []
    for part in parts:
        try:
            number = parse_phone(part, country)
        except PhoneProblem as problem:
            problems.append(problem)
        else:
            numbers.setdefault(number.e164, number)
    return list(numbers.values()), problems


def is_synthetic(e164: str) -> bool:
    """Whether a number is from the made-up range of `dispatcher.testing.synthetic`; anything but a whole one is not."""
    return e164.startswith(SYNTHETIC_PREFIX) and len(e164) == len(SYNTHETIC_PREFIX) + 8


def mask(e164: str) -> str:
    """ "+62812****789": enough to recognise on a screen, too little to call."""
    return f"{e164[:6]}****{e164[-3:]}" if len(e164) >= 12 else f"{e164[:3]}****{e164[-2:]}"


def _digits(raw: str) -> str:
    """Digits, with a leading + if there is one. Raises PhoneProblem."""
    text = _TEXT_MARK.sub("", _INVISIBLE.sub("", raw).strip()).strip()
    if not text:
        raise PhoneProblem("empty")
    if _SCIENTIFIC.fullmatch(text):
        raise PhoneProblem("scientific")
    text = _TAIL.sub("", _LABEL.sub("", text))
    if spreadsheet_float := _FLOAT.fullmatch(text):
        return spreadsheet_float[1]
    text = _FILLING.sub("", text)
    if not _DIGITS.fullmatch(text):
        raise PhoneProblem("not_a_number" if text else "empty")
    return text


def _with_double_zero(digits: str, country: str) -> PhoneNumber:
    """00 is the international prefix, or, before an Indonesian mobile number, a slip."""
    if digits.startswith("0062"):
        return _indonesian("+" + digits[2:])
    try:
        return _foreign("+" + digits[2:], country)
    except PhoneProblem:
        if country != "ID":
            raise
    return _indonesian(digits)


def _indonesian(digits: str) -> PhoneNumber:
    from lokal.phone import parse_phone as parse_indonesian

    found = parse_indonesian(digits)
    if found.e164 is None:
        raise PhoneProblem(_why_not_indonesian(digits, found.type))
    is_service_number = found.e164.startswith("+6280")
    return PhoneNumber(found.e164, "ID", "unknown" if is_service_number else found.type or "unknown")


def _why_not_indonesian(digits: str, line_type: str | None) -> str:
    count = len(digits.lstrip("+").removeprefix("62").lstrip("0"))
    if count < (9 if line_type == "mobile" else 7):
        return "too_short"
    return "too_long" if count > (12 if line_type == "mobile" else 11) else "invalid"


def _foreign(digits: str, country: str) -> PhoneNumber:
    import phonenumbers as pn

    try:
        number = pn.parse(digits, None if digits.startswith("+") else country)
    except pn.NumberParseException as error:
        raise PhoneProblem(_parse_failures().get(error.error_type, "invalid")) from None
    if not pn.is_valid_number(number):
        reasons = {pn.ValidationResult.TOO_SHORT: "too_short", pn.ValidationResult.TOO_LONG: "too_long"}
        raise PhoneProblem(reasons.get(pn.is_possible_number_with_reason(number), "invalid"))
    kinds: dict[int, LineType] = {pn.PhoneNumberType.MOBILE: "mobile", pn.PhoneNumberType.FIXED_LINE: "landline"}
    return PhoneNumber(
        pn.format_number(number, pn.PhoneNumberFormat.E164),
        pn.region_code_for_number(number) or "001",
        kinds.get(pn.number_type(number), "unknown"),
    )


@cache
def _parse_failures() -> dict[int, str]:
    from phonenumbers import NumberParseException as Failure

    return {
        Failure.TOO_SHORT_NSN: "too_short",
        Failure.TOO_SHORT_AFTER_IDD: "too_short",
        Failure.TOO_LONG: "too_long",
    }
