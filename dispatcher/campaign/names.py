"""The variables that texts may use, in one place: lint checks against it, the real renderer fills it in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from dispatcher.campaign.model import Campaign, Session

CONTACT: Final[dict[str, str]] = {
    "name": "the name as it was imported; Warga or Resident where there is none",
    "first_name": "the name to greet with; Warga or Resident where there is none",
    "salutation": "Bapak, Ibu, or Bapak/Ibu where it is not known",
    "group": "the group through which the person was selected",
    "role": "their role, e.g. Ketua RT",
    "region": "the name of their kelurahan",
    "kecamatan": "the name of their kecamatan",
    "city": "the name of their city or regency",
    "rt": "the number of their RT",
    "rw": "the number of their RW",
    "language": "id or en",
}
SESSION: Final[dict[str, str]] = {
    "title": "what it is",
    "place": "where it is",
    "address": "the address of the place",
    "starts": "when it begins: use a filter, {{ session.starts | waktu }}",
    "ends": "when it ends, where that is given",
    "capacity": "how many places there are, where that is given",
}
CAMPAIGN: Final[dict[str, str]] = {
    "title": "the title of the campaign",
    "owner": "who speaks",
    "slug": "the name in commands",
}
LINKS: Final[dict[str, str]] = {
    "link": "the person's own link, to a page where they can answer and stop",
    "share_link": "a link to pass on, without answers; empty for people whose role passes nothing on",
}
ALONE: Final[dict[str, str]] = {
    **LINKS,
    "stop": "how to stop, from `stop:` of the medium",
    "language": "the language of this text",
    "zone": "the time zone of this text",
}
BLOCKS: Final[dict[str, dict[str, str]]] = {"contact": CONTACT, "session": SESSION, "campaign": CAMPAIGN}


def known_names(campaign: Campaign) -> dict[str, str]:
    """Every name a text of this campaign may use, with what it holds. Attributes of contacts come on top."""
    known = {f"{block}.{name}": meaning for block, names in BLOCKS.items() for name, meaning in names.items()}
    return {**known, **ALONE, **dict.fromkeys(campaign.variables, "a variable of the campaign")}


def is_reserved(name: str) -> bool:
    """Whether a campaign's own variable of this name would hide one of ours."""
    return name in BLOCKS or name in ALONE


def campaign_values(campaign: Campaign, language: str) -> dict[str, Any]:
    """What is the same for all who get a text in this language."""
    zone = ZoneInfo(campaign.zone)
    own = {name: _in_zone(value, zone) for name, value in campaign.variables.items()}
    about = {"title": campaign.title, "owner": campaign.owner, "slug": campaign.campaign}
    return {**own, "campaign": about, "language": language, "zone": campaign.zone}


def session_values(campaign: Campaign, session: Session) -> dict[str, Any]:
    """The block `session`; instants are aware, in the campaign's zone."""
    zone = ZoneInfo(campaign.zone)
    values = {name: getattr(session, name) for name in SESSION}
    return {name: _in_zone(value, zone) for name, value in values.items()}


def _in_zone(value: Any, zone: ZoneInfo) -> Any:
    if not isinstance(value, datetime):
        return value
    return value.astimezone(zone) if value.tzinfo else value.replace(tzinfo=zone)


#: A person with a long name, so that lengths are judged on the careful side.
SAMPLE_CONTACT: Final[dict[str, Any]] = {
    "name": "Muhammad Abdurrahman Hidayatullah",
    "first_name": "Abdurrahman",
    "salutation": "Bapak/Ibu",
    "group": "dasawisma",
    "role": "Ketua Dasawisma",
    "region": "Kebayoran Lama Selatan",
    "kecamatan": "Kebayoran Lama",
    "city": "Kota Administrasi Jakarta Selatan",
    "rt": 12,
    "rw": 10,
}
_SAMPLE_TEXT: Final = "contoh isian"
_SAMPLE_ATTRIBUTES: Final = {
    "integer": 17,
    "number": 1.5,
    "boolean": True,
    "date": "2007-02-10",
}


def sample_contact(language: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    """A made-up person; `attributes` by name and type."""
    others = {name: _SAMPLE_ATTRIBUTES.get(kind, _SAMPLE_TEXT) for name, kind in attributes.items()}
    return {**others, **SAMPLE_CONTACT, "language": language}


def sample_session(campaign: Campaign) -> Session:
    """One with every value there is, for texts that no session of the campaign goes with."""
    starts = datetime(2027, 2, 10, 9, tzinfo=ZoneInfo(campaign.zone))
    return Session(
        title="Sosialisasi", place="Balai Kota", address="Jl. Medan Merdeka Selatan No. 8",
        starts=starts, ends=starts + timedelta(hours=3), capacity=100,
    )  # fmt: skip
