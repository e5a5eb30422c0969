"""The variables of texts: one list, which lint checks and rendering fills in."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.campaign.loader import load_campaign
from dispatcher.campaign.model import Campaign
from dispatcher.campaign.names import (
    CAMPAIGN,
    CONTACT,
    SESSION,
    campaign_values,
    is_reserved,
    known_names,
    sample_contact,
    sample_session,
    session_values,
)
from dispatcher.campaign.texts import pick, texts_of
from tests.unit.campaign.linting import spoiled, written


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    campaign = load_campaign(written(tmp_path, spoiled(("  hari:", "  mulai: 2027-02-10 07:00\n  hari:")))).campaign
    assert campaign is not None
    return campaign


def test_values_have_exactly_the_names_that_lint_knows(campaign: Campaign) -> None:
    values = campaign_values(campaign, "en")
    assert set(values["campaign"]) == set(CAMPAIGN)
    assert set(session_values(campaign, campaign.sessions["pagi"])) == set(SESSION)
    assert set(sample_contact("id", {})) == set(CONTACT)
    assert set(values) - {"campaign"} == {"language", "zone", "hari", "mulai"}
    names = known_names(campaign)
    assert {"contact.name", "session.starts", "campaign.owner", "stop", "language", "hari"} <= set(names)


def test_instants_without_an_offset_are_in_the_campaigns_zone(campaign: Campaign) -> None:
    values = campaign_values(campaign, "id")
    assert values["hari"] == date(2027, 2, 10)
    for moment in (values["mulai"], session_values(campaign, campaign.sessions["pagi"])["starts"]):
        assert isinstance(moment, datetime)
        assert moment.utcoffset() == timedelta(hours=7)


def test_attributes_never_hide_what_is_ours() -> None:
    sample = sample_contact("en", {"name": "integer", "umur": "integer", "kelas": "text"})
    assert (sample["name"], sample["umur"], sample["kelas"]) == (
        "Muhammad Abdurrahman Hidayatullah",
        17,
        "contoh isian",
    )


def test_reserved() -> None:
    assert [
        name for name in ("contact", "session", "campaign", "stop", "language", "zone", "hari") if is_reserved(name)
    ] == [
        "contact",
        "session",
        "campaign",
        "stop",
        "language",
        "zone",
    ]


def test_a_sample_session_lacks_nothing(campaign: Campaign) -> None:
    assert all(session_values(campaign, sample_session(campaign)).values())


@pytest.mark.parametrize(
    ("texts", "language", "picked"),
    [
        ({"id": "A", "en": "B"}, "en", ("en", "B")),
        ({"id": "A", "en": "B"}, "jv", ("id", "A")),
        ({"": "A"}, "en", ("", "A")),
        ({"": "A", "en": "B"}, "en", ("en", "B")),
        ({"en": "B"}, "id", ("en", "B")),
        ({}, "id", None),
    ],
)
def test_the_language_a_person_gets(texts: dict[str, str], language: str, picked: object) -> None:
    assert pick(texts, language, "id") == picked


def test_texts_are_named_by_their_place(campaign: Campaign) -> None:
    assert [text.name for text in texts_of(campaign)] == [
        "stop/sms",
        "stop/whatsapp",
        "answers/0/reply",
        "steps/0/text",
        "steps/1/text/id",
        "steps/1/text/en",
        "steps/1/route/0/template/parameters/1",
        "steps/1/route/0/template/body",
    ]
