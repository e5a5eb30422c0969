"""What a campaign manager writes behind a `|`: dates, times, money and names, in Indonesian (`id`) or English (`en`).

The language is the argument, else the variable `language` of the rendering, else `id`; the zone likewise, from `zone`
(an IANA name), else Asia/Jakarta. An instant is microseconds since 1970 UTC, an aware datetime, or ISO 8601 text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context, Undefined

from dispatcher.core.clock import from_us
from dispatcher.render import names
from dispatcher.render.budget import charge, text_of
from dispatcher.render.builtin import number_of
from dispatcher.render.problem import TemplateProblem

_DAYS = {
    "id": ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = {
    "id": (
        "Januari", "Februari", "Maret", "April", "Mei", "Juni",
        "Juli", "Agustus", "September", "Oktober", "November", "Desember",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
_ZONE_NAMES = {
    "Asia/Jakarta": "WIB", "Asia/Pontianak": "WIB",
    "Asia/Makassar": "WITA", "Asia/Ujung_Pandang": "WITA",
    "Asia/Jayapura": "WIT",
}  # fmt: skip
_MALE = frozenset({"l", "lk", "laki-laki", "laki", "pria", "bapak", "bpk", "m", "male", "mr"})
_FEMALE = frozenset({"p", "pr", "perempuan", "wanita", "ibu", "f", "female", "ms", "mrs"})
_ADDRESS = {"id": ("Bapak", "Ibu", "Bapak/Ibu"), "en": ("Mr", "Ms", "Mr/Ms")}
_GENDER_FIELDS = ("sapaan", "jenis_kelamin", "gender")
_Date = TypeVar("_Date", bound=date)


@pass_context
def tanggal(context: Context, value: Any, language: str | None = None, zone: str | None = None) -> str:
    """`Rabu, 10 Februari 2027` · `Wednesday, 10 February 2027`"""
    return _written("date", value, _language(context, language), _zone(context, zone))


@pass_context
def jam(context: Context, value: Any, language: str | None = None, zone: str | None = None) -> str:
    """`09.00 WIB` · `09:00 WIB`"""
    return _written("time", value, _language(context, language), _zone(context, zone))


@pass_context
def waktu(context: Context, value: Any, language: str | None = None, zone: str | None = None) -> str:
    """`Rabu, 10 Februari 2027 pukul 09.00 WIB` · `Wednesday, 10 February 2027 at 09:00 WIB`"""
    return _written("both", value, _language(context, language), _zone(context, zone))


def moment_text(value_us: int, language: str, zone: str) -> str:
    """As `waktu`, of microseconds since 1970, outside of templates."""
    return _written("both", value_us, language, zone)


def time_text(value_us: int, language: str, zone: str) -> str:
    """As `jam`."""
    return _written("time", value_us, language, zone)


@pass_context
def rupiah(context: Context, value: Any, language: str | None = None) -> str:
    """`Rp 1.250.000` · `Rp 1,250,000`: whole Rupiah, rounded half up."""
    amount = _rupiah()(number_of(value), symbol=False)
    sign, digits = ("-", amount[1:]) if amount.startswith("-") else ("", amount)
    return f"{sign}Rp {digits if _language(context, language) == 'id' else digits.replace('.', ',')}"


@pass_context
def angka(context: Context, value: Any, decimals: int = 0, language: str | None = None) -> str:
    """`1.250.000` or `1.250,5` · `1,250,000`: with at most six decimals, rounded half up."""
    number = Decimal(str(number_of(value)))
    text = f"{number.quantize(Decimal(1).scaleb(-min(max(decimals, 0), 6)), rounding=ROUND_HALF_UP):,f}"
    return text if _language(context, language) == "en" else text.translate({44: ".", 46: ","})


@pass_context
def sapaan(context: Context, value: Any, language: str | None = None) -> str:
    """`Bapak`, `Ibu`, or `Bapak/Ibu` where it is not known; from a contact or from its field on sex or address."""
    male, female, either = _ADDRESS[_language(context, language)]
    if isinstance(value, Mapping):
        value = next((value[field] for field in _GENDER_FIELDS if value.get(field)), None)
    known = "" if value is None or isinstance(value, Undefined) else text_of(value).strip().rstrip(".").lower()
    return male if known in _MALE else female if known in _FEMALE else either


def nama(value: Any) -> str:
    """A name in its usual spelling: `HJ. SITI NUR'AINI, S.H.` → `Hj. Siti Nur'aini, S.H.`"""
    return names.proper(_counted(value))


def nama_depan(value: Any) -> str:
    """The name to greet with: `H. Ahmad Fauzi, M.Si` → `Ahmad`."""
    return names.given(_counted(value))


def huruf_besar(value: Any) -> str:
    return _counted(value).upper()


def singkat(value: Any, limit: int) -> str:
    """At most `limit` characters, cut between words where it can be, ending in `...` (in the GSM alphabet)."""
    text = _counted(value).strip()
    if len(text) <= limit:
        return text
    if limit <= 3:
        return text[: max(limit, 0)]
    cut = text[: limit - 3]
    space = cut.rfind(" ")
    if text[limit - 3] != " " and space >= len(cut) // 2:
        cut = cut[:space]
    return cut.rstrip(" ,;:-") + "..."


FILTERS: dict[str, Callable[..., str]] = {
    "angka": angka,
    "date": tanggal,
    "datetime": waktu,
    "first_name": nama_depan,
    "huruf_besar": huruf_besar,
    "jam": jam,
    "nama": nama,
    "nama_depan": nama_depan,
    "name": nama,
    "rupiah": rupiah,
    "sapaan": sapaan,
    "singkat": singkat,
    "tanggal": tanggal,
    "time": jam,
    "waktu": waktu,
}


def _counted(value: Any) -> str:
    text = text_of(value)
    charge(len(text))
    return text


def _language(context: Context, argument: str | None) -> str:
    language = argument or context.get("language") or "id"
    return "en" if str(language)[:2] == "en" else "id"


def _zone(context: Context, argument: str | None) -> str:
    return str(argument or context.get("zone") or "Asia/Jakarta")


@lru_cache(maxsize=64)
def _zone_info(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise TemplateProblem("template-value", "the time zone has no IANA name", hint="e.g. Asia/Jakarta") from None


@lru_cache(maxsize=1024, typed=True)  # one session's start is written into thousands of messages
def _written(what: Literal["date", "time", "both"], value: Any, language: str, zone: str) -> str:
    if what == "date":
        return date_text(_day(value, zone), language)
    moment = _instant(value, zone)
    clock = _time_text(moment, language, zone)
    between = "pukul" if language == "id" else "at"
    return clock if what == "time" else f"{date_text(moment, language)} {between} {clock}"


def _instant(value: Any, zone: str) -> datetime:
    """The moment on the clocks of the zone; a datetime without offset is taken to be in it already."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _from_us(value, zone)
    moment = value if isinstance(value, date) else _parsed(text_of(value), datetime.fromisoformat)
    if not isinstance(moment, datetime):
        raise TemplateProblem("template-value", "a date without a time has no hour to write")
    info = _zone_info(zone)
    return moment.astimezone(info) if moment.tzinfo else moment.replace(tzinfo=info)


def _day(value: Any, zone: str) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and len(value.strip()) <= 10:
        return _parsed(value, date.fromisoformat)
    return _instant(value, zone)


def _from_us(value: int, zone: str) -> datetime:
    _zone_info(zone)
    try:
        return from_us(value, zone)
    except (OverflowError, ValueError, OSError):
        raise _no_date() from None


def _parsed(text: str, parse: Callable[[str], _Date]) -> _Date:
    try:
        return parse(text.strip())
    except ValueError:
        raise _no_date() from None


def _no_date() -> TemplateProblem:
    hint = "Dates are YYYY-MM-DD; instants are YYYY-MM-DDTHH:MM+07:00."
    return TemplateProblem("template-value", "a date or an instant is needed here", hint=hint)


def date_text(day: date, language: str) -> str:
    return f"{_DAYS[language][day.weekday()]}, {day.day} {_MONTHS[language][day.month - 1]} {day.year}"


def _time_text(moment: datetime, language: str, zone: str) -> str:
    point = "." if language == "id" else ":"
    return f"{moment:%H}{point}{moment:%M} {_ZONE_NAMES.get(zone) or moment.tzname()}"


@lru_cache(maxsize=1)
def _rupiah() -> Callable[..., str]:
    from lokal import format_rupiah  # a quarter of a second to import

    return format_rupiah
